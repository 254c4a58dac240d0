namespace Proxy.Core.Metering.Journal;

/// <summary>What an earlier run left in a slot.</summary>
internal enum SlotFinding : byte
{
    Empty = 0,
    Record,

    /// <summary>Neither image is whole: whatever it was is lost.</summary>
    Damaged,
}
