namespace Proxy.Host.Storage;

/// <summary>An operator's correction of what a budget has counted in the window that began then.</summary>
/// <param name="Kind">As in the table: key, team, user, member, key_model.</param>
/// <param name="Duration">Canonical text of the budget's period; empty for one that never resets.</param>
internal sealed record AdjustmentRow(string Kind, string Id, string Duration, long WindowStartMs, long NanoUsd);
