namespace Proxy.Core.Metering.Journal;

/// <summary>Who owns a slot and its record; changed by the owner only.</summary>
internal enum SlotState : byte
{
    /// <summary>On the free stack.</summary>
    Free = 0,

    /// <summary>An exchange's.</summary>
    Claimed,

    /// <summary>On its way to the writer.</summary>
    Completed,

    /// <summary>The writer's, until the ledger has it.</summary>
    Taken,

    /// <summary>An earlier run's, until the ledger has it.</summary>
    Recovered,
}
