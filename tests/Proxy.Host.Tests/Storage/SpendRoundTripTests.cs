using System.Reflection;
using Microsoft.Data.Sqlite;
using Proxy.Core.Anthropic;
using Proxy.Core.Http1;
using Proxy.Core.Identity;
using Proxy.Core.Outcomes;
using Proxy.Core.Spend;
using Proxy.Host.Storage;
using Proxy.Host.Storage.Sqlite;

namespace Proxy.Host.Tests.Storage;

public sealed class SpendRoundTripTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly SpendInsert _insert;
    private readonly LedgerReader _reader;
    private readonly List<BookedRecord> _booked = new(1000);

    public SpendRoundTripTests()
    {
        _insert = new SpendInsert(LedgerDatabase.OpenOrCreate(_directory.Ledger, TimeSpan.FromSeconds(1)));
        _reader = new LedgerReader(_directory.Ledger);
    }

    public void Dispose()
    {
        _insert.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void Every_field_comes_back_as_it_was()
    {
        SpendRecord record = Records.Full();
        _insert.Write([record], []);

        SpendRow row = _reader.Find(record.Id)!;
        AssertSame(record, row);

        // A property added to one side and forgotten on the other shows here.
        string[] recordFields = [.. FieldsOf(typeof(SpendRecord)).Except(["Caller", "IterationCount", "DeliveredOutputBytes"])];
        string[] rowFields = [.. FieldsOf(typeof(SpendRow)).Except(["KeyHash", "KeyAlias", "TeamId", "UserId", "Iterations"])];
        Assert.Equal(recordFields.Order(), rowFields.Order());
    }

    [Fact]
    public void Unknown_texts_are_null_and_read_as_empty()
    {
        SpendRecord record = Records.Simple(1);
        record.Route = "";
        _insert.Write([record], []);

        AssertSame(record, Assert.Single(_reader.ReadAll()));
        using SqliteConnection connection = LedgerDatabase.OpenReader(_directory.Ledger);
        Assert.Equal(1, connection.ReadLong("SELECT count(*) FROM spend WHERE key_hash IS NULL AND model_served IS NULL AND route IS NULL"));
    }

    [Fact]
    public void Bytes_that_are_not_utf8_are_repaired()
    {
        SpendRecord record = Records.Simple(1);
        record.SessionId.Set([0x61, 0xff, 0x62]);
        _insert.Write([record], []);
        Assert.Equal("a\uFFFDb", Assert.Single(_reader.ReadAll()).SessionId);
    }

    [Fact]
    public void A_record_written_twice_is_booked_once_with_its_iterations()
    {
        SpendRecord record = Records.Full();
        _insert.Write([record], []);
        record.CostNanoUsd = 1;
        _insert.Write([record, Records.Simple(1)], []);

        Assert.Equal(2, _reader.Count());
        SpendRow row = _reader.Find(record.Id)!;
        Assert.Equal(long.MaxValue - 1, row.CostNanoUsd);
        Assert.Equal(2, row.Iterations.Count);
    }

    [Fact]
    public void Every_value_of_every_enum_has_a_word_of_its_own()
    {
        AssertWords<PathClass>();
        AssertWords<MethodId>();
        AssertWords<CredentialKind>();
        AssertWords<EndReason>();
        AssertWords<ForwardFailure>();
        AssertWords<RefusalReason>();
        AssertWords<ServiceTier>();
        AssertWords<Speed>();
        AssertWords<InferenceGeo>();
        AssertWords<IterationKind>();
        Assert.Equal("oauth", EnumNames<CredentialKind>.Text(CredentialKind.OAuth));
        Assert.Equal("count_tokens", EnumNames<PathClass>.Text(PathClass.CountTokens));
    }

    [Fact]
    public void Totals_are_by_key()
    {
        SpendRecord one = Records.Simple(1);
        one.Caller = Records.Alice.Key;
        one.CostNanoUsd = 5;
        SpendRecord two = Records.Simple(2);
        two.Caller = Records.Alice.Key;
        two.CostNanoUsd = 6;
        _insert.Write([one, two, Records.Simple(3)], []);

        Assert.Equal(
            [new KeyTotals(null, 1, 3, 0, 0, 0, 0), new KeyTotals(Records.Alice.Key.KeyHash, 2, 3, 0, 0, 0, 11)],
            _reader.TotalsByKey());
    }

    [Fact]
    public void Writing_a_batch_allocates_nothing_once_warm()
    {
        SpendRecord[] batch = [.. Enumerable.Range(1, 100).Select(Records.Simple)];
        _insert.Write(batch, _booked);
        _insert.Write(batch, _booked);
        long before = GC.GetAllocatedBytesForCurrentThread();
        _insert.Write(batch, _booked);
        long perRecord = (GC.GetAllocatedBytesForCurrentThread() - before) / batch.Length;
        Assert.InRange(perRecord, 0, 8);
    }

    private static IEnumerable<string> FieldsOf(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Select(property => property.Name)
            .Concat(type.GetFields(BindingFlags.Public | BindingFlags.Instance).Select(field => field.Name));

    private static void AssertSame(SpendRecord record, SpendRow row)
    {
        Assert.Equal(record.Caller?.KeyHash, row.KeyHash);
        Assert.Equal(record.Caller?.Alias, row.KeyAlias);
        Assert.Equal(record.Caller?.TeamId, row.TeamId);
        Assert.Equal(record.Caller?.UserId, row.UserId);
        foreach (PropertyInfo property in typeof(SpendRow).GetProperties())
        {
            PropertyInfo? source = typeof(SpendRecord).GetProperty(property.Name);
            if (source is not null)
            {
                object? expected = source.GetValue(record);
                Assert.Equal(expected is TextField text ? text.ToString() : expected, property.GetValue(row));
            }
        }

        Assert.Equal(record.Usage, row.Usage);
        Assert.Equal(record.IterationCount, row.Iterations.Count);
        for (int i = 0; i < record.IterationCount; i++)
        {
            IterationUsage iteration = record.Iteration(i);
            Assert.Equal(new IterationRow(iteration.Kind, iteration.Model.ToString(), iteration.Usage), row.Iterations[i]);
        }
    }

    private static void AssertWords<T>()
        where T : struct, Enum
    {
        foreach (T value in Enum.GetValues<T>())
        {
            Assert.NotEqual("", EnumNames<T>.Text(value));
            Assert.Equal(value, EnumNames<T>.Parse(EnumNames<T>.Text(value)));
        }
    }
}
