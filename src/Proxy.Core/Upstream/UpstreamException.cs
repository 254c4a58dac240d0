using Proxy.Core.Outcomes;

namespace Proxy.Core.Upstream;

/// <summary>A connection to the upstream could not be made. The message names host, port and cause, never a credential.</summary>
public sealed class UpstreamException : Exception
{
    public UpstreamException(ForwardFailure failure, string message, Exception? inner = null)
        : base(message, inner) => Failure = failure;

    public ForwardFailure Failure { get; }
}
