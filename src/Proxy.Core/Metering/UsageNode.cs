namespace Proxy.Core.Metering;

/// <summary>The objects and arrays of an answer that <see cref="UsageReader"/> goes into.</summary>
internal enum UsageNode : byte
{
    Outside = 0,
    Root,
    Message,
    Usage,
    CacheCreation,
    OutputDetails,
    ServerToolUse,
    Iterations,
    Iteration,

    /// <summary><c>result</c> of a line of batch results.</summary>
    Result,

    /// <summary><c>content</c> of an answer that is not a stream.</summary>
    Content,

    /// <summary>An element of <see cref="Content"/>, or the <c>delta</c> of a stream event.</summary>
    Output,
}
