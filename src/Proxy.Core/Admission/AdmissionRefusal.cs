using Proxy.Core.Identity;

namespace Proxy.Core.Admission;

/// <summary>Why a request was not admitted.</summary>
/// <param name="Budget">The budget that is used up; null for other reasons.</param>
/// <param name="ResetsAtUnixMs">End of that budget's window; <see cref="long.MaxValue"/> for one that never resets.</param>
/// <param name="RetryAfterSeconds">When another try may help; 0 for never.</param>
public readonly record struct AdmissionRefusal(RefusalReason Reason, AdmissionScope? Scope, Budget? Budget, long ResetsAtUnixMs, int RetryAfterSeconds);
