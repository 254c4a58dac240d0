namespace Proxy.Core.Metering;

/// <summary>What kind of document a <see cref="UsageReader"/> reads: it decides where <c>usage</c> may stand.</summary>
internal enum UsageDocument : byte
{
    /// <summary>An answer that is one JSON document.</summary>
    Answer = 0,

    /// <summary>The data of one stream event.</summary>
    StreamEvent,

    /// <summary>One line of batch results.</summary>
    BatchLine,
}
