using Proxy.Core.Outcomes;

namespace Proxy.Core.Forwarding;

/// <summary>Leaves the middle of an exchange for its one catch: a fault of the exchange itself, never of the code.</summary>
internal sealed class ForwardException(ForwardFailure failure, string? detail = null) : Exception(detail ?? failure.ToString())
{
    public ForwardFailure Failure { get; } = failure;

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    public static void Throw(ForwardFailure failure, string? detail = null) => throw new ForwardException(failure, detail);
}
