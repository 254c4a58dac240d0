namespace Proxy.Fuzz;

/// <summary>Something that must hold for every input does not.</summary>
internal sealed class FindingException(string message) : Exception(message)
{
    public static void ThrowUnless(bool holds, string message)
    {
        if (!holds)
        {
            throw new FindingException(message);
        }
    }
}
