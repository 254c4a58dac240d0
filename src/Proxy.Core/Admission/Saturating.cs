namespace Proxy.Core.Admission;

/// <summary>Sums of counts and of money that stay at the end of their range in place of wrapping round.</summary>
internal static class Saturating
{
    public static long Add(long left, long right)
    {
        long sum = unchecked(left + right);
        bool overflows = ((left ^ sum) & (right ^ sum)) < 0;
        return !overflows ? sum : left < 0 ? long.MinValue : long.MaxValue;
    }
}
