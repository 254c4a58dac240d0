using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Proxy.Core.Spend.Journal;

namespace Proxy.Core.Tests.Spend.Journal;

/// <summary>A directory for a journal, gone after the test; and what journals said.</summary>
internal sealed class JournalDirectory : IDisposable
{
    private readonly List<SpendJournal> _journals = [];
    private readonly DirectoryInfo _root;

    public JournalDirectory(string? root = null)
    {
        _root = root is null ? Directory.CreateTempSubdirectory("tollway-journal-") : new DirectoryInfo(root);
        Path = System.IO.Path.Join(_root.FullName, "journal");
    }

    public string Path { get; }

    public string FirstSegment => System.IO.Path.Join(Path, "00001.seg");

    public FakeTimeProvider Time { get; } = new(DateTimeOffset.FromUnixTimeMilliseconds(1_800_000_000_000));

    public LogLines Log { get; } = new();

    public SpendJournal Open(int slotsPerSegment = 8, int maxSlots = 32)
    {
        SpendJournalOptions options = new() { SlotsPerSegment = slotsPerSegment, MaxSlots = maxSlots };
        SpendJournal journal = SpendJournal.Open(Path, options, Time, Log);
        _journals.Add(journal);
        return journal;
    }

    /// <summary>What the disk has at this moment, as a kill would leave it, in another directory. The lock is not copied: it ends with its process.</summary>
    public JournalDirectory Kill()
    {
        JournalDirectory copy = new();
        Directory.CreateDirectory(copy.Path);
        foreach (string file in Directory.GetFiles(Path, "*.seg*"))
        {
            using FileStream from = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            using FileStream to = File.Create(System.IO.Path.Join(copy.Path, System.IO.Path.GetFileName(file)));
            from.CopyTo(to);
        }

        return copy;
    }

    public string[] Files()
    {
        string[] names = Array.ConvertAll(Directory.GetFiles(Path), file => System.IO.Path.GetFileName(file)!);
        Array.Sort(names, StringComparer.Ordinal);
        return names;
    }

    public void Dispose()
    {
        foreach (SpendJournal journal in _journals)
        {
            journal.Dispose();
        }

        _root.Delete(recursive: true);
    }

    internal sealed class LogLines : ILogger
    {
        private readonly List<string> _lines = [];

        public IReadOnlyList<string> Lines
        {
            get
            {
                lock (_lines)
                {
                    return [.. _lines];
                }
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_lines)
            {
                _lines.Add(string.Create(CultureInfo.InvariantCulture, $"{logLevel}: {formatter(state, exception)}"));
            }
        }
    }
}
