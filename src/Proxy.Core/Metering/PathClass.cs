namespace Proxy.Core.Metering;

/// <summary>What kind of work a request asks for, judged by method and path below the route's prefix.</summary>
public enum PathClass : byte
{
    Other = 0,
    Messages,
    CountTokens,
    Batches,
    BatchResults,
    Models,
    Files,
}
