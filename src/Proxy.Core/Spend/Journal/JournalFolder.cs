using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Proxy.Core.Spend.Journal;

/// <summary>
/// The directory of a journal: locked against another process for as long as this lives, and the segment files in it. What cannot be used
/// is renamed and logged, and never in the way. Used by one thread at a time.
/// </summary>
internal sealed class JournalFolder : IDisposable
{
    private const string LockName = "lock";

    private readonly string _path;
    private readonly FileStream _lock;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private int _nextSegment = 1;

    /// <summary>Makes the directory, for the owner only, when it is not there.</summary>
    /// <exception cref="JournalException">Another process has it, or it cannot be used.</exception>
    public JournalFolder(string path, TimeProvider time, ILogger logger)
    {
        _path = path;
        _time = time;
        _logger = logger;
        try
        {
            PrivateFiles.CreateDirectory(path);

            // An advisory lock of the kernel's, which ends with the process: it is never left behind.
            _lock = PrivateFiles.Open(Path.Join(path, LockName), FileMode.OpenOrCreate, FileShare.None);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new JournalException($"the spend journal in {path} cannot be opened: {fault.Message}", fault);
        }
    }

    /// <summary>The segments that earlier runs left, in the order of their making.</summary>
    public IEnumerable<JournalSegment> OpenSegments()
    {
        foreach (string unfinished in Directory.GetFiles(_path, "*" + JournalSegment.Extension + JournalSegment.UnfinishedExtension))
        {
            File.Delete(unfinished);
        }

        string[] paths = Directory.GetFiles(_path, "*" + JournalSegment.Extension);
        Array.Sort(paths, StringComparer.Ordinal);
        foreach (string path in paths)
        {
            // Only the one spelling: a copy under another would book its records twice.
            bool isNumber = int.TryParse(Path.GetFileNameWithoutExtension(path.AsSpan()), CultureInfo.InvariantCulture, out int number);
            if (!isNumber || number is < 1 or int.MaxValue || Path.GetFileName(path) != JournalSegment.NameOf(number))
            {
                SetAside(path, "its name is not that of a segment");
                continue;
            }

            _nextSegment = Math.Max(_nextSegment, number + 1);
            JournalSegment? segment = JournalSegment.Open(path, number, out string? defect);
            if (segment is null)
            {
                SetAside(path, defect!);
                continue;
            }

            yield return segment;
        }
    }

    /// <summary>A new segment, behind all that there are.</summary>
    /// <exception cref="IOException">No room.</exception>
    public JournalSegment CreateSegment(int slots)
    {
        JournalSegment segment = JournalSegment.Create(_path, _nextSegment, slots);
        _nextSegment++;
        return segment;
    }

    public void Dispose() => _lock.Dispose();

    /// <summary>Out of the way, but kept: there may be records in it that somebody can still read.</summary>
    private void SetAside(string path, string defect)
    {
        try
        {
            long now = _time.GetUtcNow().ToUnixTimeMilliseconds();
            string aside;
            do
            {
                aside = $"{path}.aside-{now++}";
            }
            while (Path.Exists(aside));

            File.Move(path, aside);
            JournalLog.SetAside(_logger, path, defect, aside);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            JournalLog.LeftAlone(_logger, path, defect, fault.Message);
        }
    }
}
