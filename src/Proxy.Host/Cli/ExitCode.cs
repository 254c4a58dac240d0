namespace Proxy.Host.Cli;

/// <summary>What the process tells its caller.</summary>
internal static class ExitCode
{
    public const int Ok = 0;
    public const int Fault = 1;

    /// <summary>The command line or the configuration is wrong: trying again will not help.</summary>
    public const int Usage = 2;

    /// <summary>There is no such key, team or user.</summary>
    public const int NotFound = 3;

    /// <summary>The service refused what was asked: a value is wrong.</summary>
    public const int Refused = 4;
}
