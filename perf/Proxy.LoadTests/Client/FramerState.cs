namespace Proxy.LoadTests.Client;

/// <summary>Where in a response <see cref="ResponseFramer"/> is.</summary>
internal enum FramerState : byte
{
    Head,
    Length,
    ChunkSize,
    ChunkExtension,
    ChunkSizeEnd,
    ChunkData,
    ChunkDataReturn,
    ChunkDataEnd,
    TrailerStart,
    Trailer,
    TrailerEnd,
    BodyEnd,
    Complete,
    Broken,
}
