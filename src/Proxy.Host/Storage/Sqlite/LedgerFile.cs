namespace Proxy.Host.Storage.Sqlite;

/// <summary>
/// Which file a path leads to. SQLite goes on writing happily into a file that was deleted or replaced under it, and what it commits there is
/// gone: the writer asks before and after each batch.
/// </summary>
internal readonly record struct LedgerFile(bool Exists, DateTime CreatedUtc)
{
    public static LedgerFile At(string path)
    {
        FileInfo file = new(path);
        return file.Exists ? new LedgerFile(true, file.CreationTimeUtc) : default;
    }
}
