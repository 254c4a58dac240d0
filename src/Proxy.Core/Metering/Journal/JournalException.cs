namespace Proxy.Core.Metering.Journal;

/// <summary>The journal cannot be used at all: the message names the directory and the cause.</summary>
public sealed class JournalException : Exception
{
    public JournalException()
    {
    }

    public JournalException(string message)
        : base(message)
    {
    }

    public JournalException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
