using System.Diagnostics;
using Proxy.Core.Spend;
using Proxy.Core.Spend.Journal;

namespace Proxy.Core.Tests.Spend.Journal;

/// <summary>On a small file system in memory, which only root may mount; skipped for anyone else.</summary>
public sealed class FullDiskTests : IDisposable
{
    private readonly string _mount = Directory.CreateTempSubdirectory("tollway-small-disk-").FullName;
    private readonly bool _isMounted;

    public FullDiskTests() => _isMounted = OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", _mount);

    public void Dispose()
    {
        if (_isMounted)
        {
            // Lazily: mappings of the journal may still be waiting for the finaliser.
            Run("umount", "-l", _mount);
        }

        Directory.Delete(_mount);
    }

    [Fact]
    public void A_full_disk_stops_growth_until_there_is_room_and_every_slot_there_is_works()
    {
        Assert.SkipUnless(_isMounted, "needs to mount a small file system");
        using JournalDirectory directory = new(Path.Join(_mount, "root"));
        SpendJournal journal = directory.Open(slotsPerSegment: 16, maxSlots: 64);
        string ballast = Path.Join(_mount, "ballast");
        List<SpendRecord> records = Claim(journal, 32);
        FillUp(ballast);

        // Every page of what there is can be written: on a sparse file this would be the end of the process.
        for (int i = 0; i < records.Count; i++)
        {
            RecordSamples.FillSimple(records[i], i + 1);
            records[i].Checkpoint();
            records[i].Checkpoint();
        }

        Assert.False(journal.TryClaim(out _));
        Assert.False(journal.TryClaim(out _));
        Assert.True(journal.IsFull);
        Assert.Equal(32, journal.Capacity);
        Assert.Equal(["00001.seg", "00002.seg", "lock"], directory.Files());
        Assert.Contains("cannot grow", Assert.Single(directory.Log.Lines), StringComparison.Ordinal);

        directory.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(journal.TryClaim(out _));
        Assert.Single(directory.Log.Lines);

        File.Delete(ballast);
        Assert.False(journal.TryClaim(out _));
        directory.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.True(journal.TryClaim(out _));
        Assert.False(journal.IsFull);
        Assert.Equal(2, directory.Log.Lines.Count);
    }

    [Fact]
    public void A_full_disk_at_the_start_is_told_unless_there_are_slots_from_before()
    {
        Assert.SkipUnless(_isMounted, "needs to mount a small file system");
        using JournalDirectory directory = new(Path.Join(_mount, "root"));
        Directory.CreateDirectory(directory.Path);
        string ballast = Path.Join(_mount, "ballast");
        FillUp(ballast);
        Assert.Contains(directory.Path, Assert.Throws<JournalException>(() => directory.Open()).Message, StringComparison.Ordinal);

        File.Delete(ballast);
        directory.Open().Dispose();
        FillUp(ballast);
        Assert.True(directory.Open().TryClaim(out _));
    }

    private static List<SpendRecord> Claim(SpendJournal journal, int count)
    {
        List<SpendRecord> records = [];
        for (int i = 0; i < count; i++)
        {
            Assert.True(journal.TryClaim(out SpendRecord? record));
            records.Add(record);
        }

        return records;
    }

    private static void FillUp(string path)
    {
        using FileStream file = new(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        byte[] page = new byte[4096];
        try
        {
            while (true)
            {
                file.Write(page);
            }
        }
        catch (IOException)
        {
            // That was all of it.
        }
    }

    private static bool Run(string command, params string[] arguments)
    {
        try
        {
            ProcessStartInfo start = new(command, arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
            using Process process = Process.Start(start)!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
