namespace Proxy.Host.Cli;

/// <summary>The admin API said no.</summary>
internal sealed class AdminAnswerException(int status, string message) : Exception(message)
{
    public int Status => status;
}
