using Microsoft.Extensions.Logging;

namespace Proxy.Host.Tests.Storage;

/// <summary>Keeps what was logged, and completes tasks for those who wait for a message.</summary>
internal sealed class RecordingLogger : ILogger, ILoggerProvider
{
    private readonly Lock _lock = new();
    private readonly List<(int Id, string Text)> _entries = [];
    private readonly List<(int Id, TaskCompletionSource Done)> _waiting = [];

    public IReadOnlyList<string> Texts(int id)
    {
        lock (_lock)
        {
            return [.. _entries.Where(entry => entry.Id == id).Select(entry => entry.Text)];
        }
    }

    public string All()
    {
        lock (_lock)
        {
            return string.Join('\n', _entries.Select(entry => entry.Text));
        }
    }

    public Task WhenLogged(int id)
    {
        lock (_lock)
        {
            TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_entries.Any(entry => entry.Id == id))
            {
                done.SetResult();
            }
            else
            {
                _waiting.Add((id, done));
            }

            return done.Task;
        }
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_lock)
        {
            _entries.Add((eventId.Id, formatter(state, exception) + exception));
            foreach ((int id, TaskCompletionSource done) in _waiting)
            {
                if (id == eventId.Id)
                {
                    done.TrySetResult();
                }
            }
        }
    }

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public ILogger CreateLogger(string categoryName) => this;

    public void Dispose()
    {
    }
}
