namespace Proxy.Core.Admission;

/// <summary>What a request took from one scope.</summary>
/// <param name="Sequence">Its place among the scope's admissions: tells which windows hold its reservation.</param>
/// <param name="AtUnixMs">By the scope's clock.</param>
/// <param name="CountsMoney">The scope's budgets count this payer.</param>
internal readonly record struct AdmissionEntry(AdmissionScope Scope, long Sequence, long AtUnixMs, bool CountsMoney);
