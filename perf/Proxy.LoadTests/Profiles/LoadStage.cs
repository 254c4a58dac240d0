namespace Proxy.LoadTests.Profiles;

/// <summary>One entry of LoadSimulationsSettings.</summary>
/// <param name="Copies">Virtual users, or, when it ramps, those at its end.</param>
public sealed record LoadStage(int Copies, TimeSpan During, bool Ramps);
