namespace Proxy.Core.Metering.Journal;

/// <summary>What an image says of its slot. Never 0, so that zeroed bytes are no image. Part of the file format.</summary>
internal enum ImageKind : byte
{
    /// <summary>The record is in the ledger, or there never was one.</summary>
    Freed = 1,

    /// <summary>An exchange under way, as last seen.</summary>
    Open = 2,

    /// <summary>A record as its exchange completed it.</summary>
    Finished = 3,
}
