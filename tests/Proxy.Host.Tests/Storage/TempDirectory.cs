using Microsoft.Data.Sqlite;
using Proxy.Host.Storage;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Tests.Storage;

/// <summary>A directory of one test, gone with it.</summary>
internal sealed class TempDirectory : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("tollway-test-").FullName;

    public string Ledger => File("ledger.db");

    public string File(string name) => Path.Combine(Root, name);

    public string Write(string name, string text)
    {
        System.IO.File.WriteAllText(File(name), text);
        return File(name);
    }

    public IReadOnlyList<KeyRow> ReadKeys()
    {
        using SqliteConnection connection = LedgerDatabase.OpenReader(Ledger);
        return PrincipalReader.Keys(connection, "", "");
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
