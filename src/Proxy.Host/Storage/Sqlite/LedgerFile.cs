using System.Runtime.InteropServices;
using SQLitePCL;

namespace Proxy.Host.Storage.Sqlite;

/// <summary>
/// Whether the path of a database still leads to the file that is open. SQLite goes on writing happily into a file that was deleted or replaced under it, and
/// what it commits there is gone: the writer asks before and after each batch.
/// </summary>
internal static class LedgerFile
{
    /// <summary>SQLITE_FCNTL_HAS_MOVED: compares inodes. Not by creation time, which .NET does not read on Linux: what it gives instead changes with every checkpoint.</summary>
    private const int FcntlHasMoved = 20;

    public static bool HasMoved(sqlite3 database)
    {
        bool owned = false;
        try
        {
            database.DangerousAddRef(ref owned);

            // Where a platform cannot tell, it says so, and nothing is claimed.
            return FileControl(database.DangerousGetHandle(), 0, FcntlHasMoved, out int moved) == raw.SQLITE_OK && moved != 0;
        }
        finally
        {
            if (owned)
            {
                database.DangerousRelease();
            }
        }
    }

    // SQLitePCLRaw does not wrap it. The name 0 is "main".
    [DllImport("e_sqlite3", EntryPoint = "sqlite3_file_control", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    private static extern int FileControl(nint database, nint name, int operation, out int result);
}
