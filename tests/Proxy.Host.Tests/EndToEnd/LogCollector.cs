using System.Text;
using Microsoft.Extensions.Logging;

namespace Proxy.Host.Tests.EndToEnd;

/// <summary>Keeps all that is logged, exceptions in full, as an operator's most talkative sink would.</summary>
internal sealed class LogCollector : ILoggerProvider
{
    private readonly StringBuilder _text = new();

    public string Text
    {
        get
        {
            lock (_text)
            {
                return _text.ToString();
            }
        }
    }

    public ILogger CreateLogger(string categoryName) => new Collector(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Collector(LogCollector owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (owner._text)
            {
                owner._text.Append(logLevel).Append(' ').Append(category).Append(": ").Append(formatter(state, exception)).Append(' ').Append(exception).Append('\n');
            }
        }
    }
}
