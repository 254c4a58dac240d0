using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;

namespace Proxy.Host.Import;

/// <summary>Reads LiteLLM's tables: of a PostgreSQL database, or of a directory with a CSV export of each.</summary>
internal static class LiteLlmSource
{
    /// <param name="source"><c>postgres://…</c> or <c>postgresql://…</c>, or a directory with files named after the tables.</param>
    /// <exception cref="ImportException">The source cannot be read at all.</exception>
    public static async Task<Func<string, Task<IReadOnlyList<ImportRow>>>> OpenAsync(string source)
    {
        if (source.StartsWith("postgres://", StringComparison.Ordinal) || source.StartsWith("postgresql://", StringComparison.Ordinal))
        {
            string connection = ConnectionString(source);
            _ = await ReadTableAsync(connection, "LiteLLM_VerificationToken");
            return table => ReadTableAsync(connection, table);
        }

        if (!Directory.Exists(source))
        {
            throw new ImportException("the source must be a postgres:// URL, or a directory with CSV files named after LiteLLM's tables");
        }

        if (FileOf(source, "LiteLLM_VerificationToken") is null)
        {
            throw new ImportException($"{source} has no LiteLLM_VerificationToken.csv");
        }

        return table => Task.FromResult(ReadFile(source, table));
    }

    private static async Task<IReadOnlyList<ImportRow>> ReadTableAsync(string connectionString, string table)
    {
        try
        {
            // Slim: nothing but plain queries is needed, and what is not there needs no reflection.
            await using NpgsqlDataSource data = new NpgsqlSlimDataSourceBuilder(connectionString).EnableTransportSecurity().Build();
            await using NpgsqlConnection connection = await data.OpenConnectionAsync();
            await using NpgsqlCommand exists = connection.CreateCommand();
            exists.CommandText = "SELECT to_regclass(format('%I', $1::text)) IS NOT NULL";
            exists.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table });
            if (await exists.ExecuteScalarAsync() is not true)
            {
                return table == "LiteLLM_VerificationToken" ? throw new ImportException("this database has no table LiteLLM_VerificationToken") : [];
            }

            // One JSON object a row: whatever columns this release of LiteLLM has, and no mapping of their types.
            await using NpgsqlCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // The name is one of our constants.
            command.CommandText = $"SELECT row_to_json(t)::text FROM \"{table}\" t";
#pragma warning restore CA2100
            List<ImportRow> rows = [];
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                rows.Add(new ImportRow(table, rows.Count + 1, new Dictionary<string, JsonNode?>(JsonNode.Parse(reader.GetString(0))!.AsObject(), StringComparer.Ordinal)));
            }

            return rows;
        }
        catch (Exception fault) when (fault is NpgsqlException or System.Net.Sockets.SocketException or JsonException)
        {
            // Its message has neither the password nor the URL.
            throw new ImportException($"the database cannot be read: {fault.Message}", fault);
        }
    }

    private static IReadOnlyList<ImportRow> ReadFile(string directory, string table)
    {
        if (FileOf(directory, table) is not { } file)
        {
            return [];
        }

        List<ImportRow> rows = [];
        IReadOnlyList<string>? names = null;
        foreach (IReadOnlyList<string> cells in Csv.Read(File.ReadAllText(file)))
        {
            if (names is null)
            {
                names = cells;
                continue;
            }

            Dictionary<string, JsonNode?> columns = new(StringComparer.Ordinal);
            for (int i = 0; i < Math.Min(names.Count, cells.Count); i++)
            {
                columns[names[i]] = cells[i];
            }

            rows.Add(new ImportRow(table, rows.Count + 1, columns));
        }

        return rows;
    }

    private static string? FileOf(string directory, string table) =>
        Directory.EnumerateFiles(directory).FirstOrDefault(file => string.Equals(Path.GetFileName(file), table + ".csv", StringComparison.OrdinalIgnoreCase));

    private static string ConnectionString(string url)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? uri))
        {
            throw new ImportException("the database URL must look like postgres://user:password@host:5432/database");
        }

        string[] user = uri.UserInfo.Split(':', 2);
        NpgsqlConnectionStringBuilder settings = new()
        {
            Host = uri.Host.Length == 0 ? "localhost" : uri.Host,
            Port = uri.Port < 0 ? 5432 : uri.Port,
            Database = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/')),
            Username = user[0].Length == 0 ? null : Uri.UnescapeDataString(user[0]),
            Password = user.Length > 1 ? Uri.UnescapeDataString(user[1]) : null,
            Pooling = false,
            IncludeErrorDetail = false,
        };
        if (uri.Query.Contains("sslmode=require", StringComparison.OrdinalIgnoreCase))
        {
            settings.SslMode = SslMode.Require;
        }

        return settings.ConnectionString;
    }
}
