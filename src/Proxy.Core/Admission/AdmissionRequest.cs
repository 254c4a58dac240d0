namespace Proxy.Core.Admission;

/// <summary>What admission must know of a request.</summary>
/// <param name="NowUnixMs">Unix milliseconds.</param>
/// <param name="EstimateNanoUsd">What it may cost; reserved until it is settled. 0 for what costs nothing by itself.</param>
/// <param name="IsCompanyPaid">It leaves with the company's key.</param>
public readonly record struct AdmissionRequest(long NowUnixMs, long EstimateNanoUsd, bool IsCompanyPaid);
