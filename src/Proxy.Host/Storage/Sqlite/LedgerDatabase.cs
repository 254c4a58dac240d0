using Microsoft.Data.Sqlite;

namespace Proxy.Host.Storage.Sqlite;

/// <summary>Opens the ledger file.</summary>
internal static class LedgerDatabase
{
    /// <summary>Creates the file (0600) and its directory (0700) where they are missing, opens it for writing and brings its schema up to date.</summary>
    /// <exception cref="LedgerException"/>
    public static SqliteConnection OpenOrCreate(string path, TimeSpan busyTimeout)
    {
        try
        {
            CreateFile(path);
            SqliteConnection connection = Open(path, SqliteOpenMode.ReadWrite, busyTimeout);
            try
            {
                // WAL: readers never wait for the writer, and a commit is one append. NORMAL: the log is forced to disk at checkpoints and
                // not at each commit. A crash of this process loses nothing committed; a power cut can lose the last commits but never
                // damages the file. FULL would cost a disk flush twenty times a second for that last instant.
                connection.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
                LedgerSchema.Migrate(connection);
                return connection;
            }
            catch
            {
                connection.Dispose();
                throw;
            }
        }
        catch (Exception fault) when (fault is SqliteException or IOException or UnauthorizedAccessException)
        {
            throw new LedgerException($"the ledger {path} cannot be opened for writing: {fault.Message}. Set ledger.path to a file in a directory this user may write", fault);
        }
    }

    /// <summary>Opens an existing ledger for the writer's thread again.</summary>
    public static SqliteConnection OpenWriter(string path, TimeSpan busyTimeout)
    {
        SqliteConnection connection = Open(path, SqliteOpenMode.ReadWrite, busyTimeout);
        try
        {
            connection.Execute("PRAGMA synchronous = NORMAL;");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public static SqliteConnection OpenReader(string path) => Open(path, SqliteOpenMode.ReadOnly, TimeSpan.FromSeconds(5));

    private static SqliteConnection Open(string path, SqliteOpenMode mode, TimeSpan busyTimeout)
    {
        // No pooling: a pooled handle would outlive the file it was opened on.
        SqliteConnectionStringBuilder settings = new() { DataSource = path, Mode = mode, Pooling = false, DefaultTimeout = Math.Max(1, (int)busyTimeout.TotalSeconds) };
        SqliteConnection connection = new(settings.ConnectionString);
        try
        {
            connection.Open();
            connection.Execute($"PRAGMA busy_timeout = {(long)busyTimeout.TotalMilliseconds};");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    // SQLite would create the file with the umask's mode; its -wal and -shm files take the mode of the file.
    private static void CreateFile(string path)
    {
        string? directory = Path.GetDirectoryName(Path.GetFullPath(path));
        bool isMissing = !string.IsNullOrEmpty(directory) && !Directory.Exists(directory);
        if (OperatingSystem.IsWindows())
        {
            // No modes there: the user's own directories are private by inheritance.
            if (isMissing)
            {
                Directory.CreateDirectory(directory!);
            }

            File.Open(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite).Dispose();
            return;
        }

        if (isMissing)
        {
            Directory.CreateDirectory(directory!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        FileStreamOptions options = new()
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using FileStream file = new(path, options);
    }
}
