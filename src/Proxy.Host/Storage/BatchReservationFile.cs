using System.Text.Json;
using Proxy.Core.Admission;

namespace Proxy.Host.Storage;

/// <summary>
/// What open batches reserve, as a file beside the ledger, so that a restart keeps it: written anew, as a whole, whenever it has changed. What was reserved
/// in the moment before a kill may be missing; it is money set aside, and nothing that was spent. One caller at a time.
/// </summary>
internal sealed class BatchReservationFile(string path)
{
    private long _written;

    /// <summary>Empty where there is no file.</summary>
    /// <exception cref="JsonException">It is damaged.</exception>
    public IReadOnlyList<BatchReservation> Read()
    {
        if (!File.Exists(path))
        {
            return [];
        }

        using FileStream file = File.OpenRead(path);
        return JsonSerializer.Deserialize(file, StorageJson.Default.IReadOnlyListBatchReservation) ?? [];
    }

    /// <summary>Does nothing while nothing has changed.</summary>
    public void Write(BatchReservations batches)
    {
        long version = batches.Version;
        if (version == _written)
        {
            return;
        }

        string next = path + ".new";
        FileStreamOptions options = new() { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (FileStream file = new(next, options))
        {
            JsonSerializer.Serialize(file, batches.Read(), StorageJson.Default.IReadOnlyListBatchReservation);
            file.Flush(flushToDisk: true);
        }

        File.Move(next, path, overwrite: true);
        _written = version;
    }
}
