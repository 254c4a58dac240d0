namespace Proxy.LoadTests;

/// <summary>What was asked for cannot be done; the message is for the person who asked.</summary>
public sealed class LoadException : Exception
{
    public LoadException(string message)
        : base(message)
    {
    }

    public LoadException(string message, Exception cause)
        : base(message, cause)
    {
    }

    public LoadException()
    {
    }
}
