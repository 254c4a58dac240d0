namespace Proxy.Host.Admin;

/// <summary>Between the USD that people write and the nano-USD that is counted.</summary>
internal static class Money
{
    private const decimal NanoPerUsd = 1_000_000_000m;

    public static long ToNano(decimal usd) => (long)decimal.Round(usd * NanoPerUsd);

    public static decimal ToUsd(long nano) => nano / NanoPerUsd;
}
