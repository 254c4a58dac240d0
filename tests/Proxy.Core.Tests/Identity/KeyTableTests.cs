using System.Security.Cryptography;
using System.Text;
using CsCheck;
using Proxy.Core.Identity;

namespace Proxy.Core.Tests.Identity;

public sealed class KeyTableTests
{
    [Fact]
    public void Finds_what_a_dictionary_finds()
    {
        // Short keys of few characters: presented values that are in the table, that share a prefix, and that are no keys at all.
        Gen<string> key = Gen.Char["ab0-"].Array[0, 4].Select(characters => "sk-" + new string(characters));
        Gen<string> presented = Gen.OneOf(key, key.Select(text => text[1..]), Gen.Char["ask-\u00ff"].Array[0, 6].Select(characters => new string(characters)));
        Gen.Select(key.HashSet[0, 60], presented.Array[1, 40]).Sample((keys, values) =>
        {
            Dictionary<string, Principal> expected = keys.ToDictionary(text => text, text => Keys.Principal(text, text));
            KeyTable table = KeyTable.Create(expected.Values);
            Assert.Equal(expected.Count, table.Count);
            foreach (string value in values.Concat(keys))
            {
                byte[] bytes = Encoding.Latin1.GetBytes(value);
                Assert.Same(expected.GetValueOrDefault(value), table.Find(bytes));
                Assert.Equal(expected.ContainsKey(value), table.TryIdentify(bytes, out Principal? principal));
                Assert.Same(expected.GetValueOrDefault(value), principal);
            }
        });
    }

    [Fact]
    public void Finds_each_of_ten_thousand_keys()
    {
        Principal[] principals = [.. Enumerable.Range(0, 10_000).Select(i => Keys.Principal($"sk-{i:d6}", null))];
        KeyTable table = KeyTable.Create(principals);
        Assert.All(Enumerable.Range(0, 10_000), i => Assert.Same(principals[i], table.Find(Encoding.ASCII.GetBytes($"sk-{i:d6}"))));
        Assert.Null(table.Find("sk-010000"u8));
    }

    [Fact]
    public void Keys_whose_hashes_begin_alike_are_told_apart()
    {
        // Hashes cannot be chosen; the first 4 bytes of them are the slot, so that a small table holds collisions in any 60 keys.
        string[] keys = [.. Enumerable.Range(0, 60).Select(i => $"sk-{i}")];
        Assert.NotEqual(60, keys.Select(key => Convert.FromHexString(Keys.Hash(key))[0] & 127).Distinct().Count());
        KeyTable table = KeyTable.Create(keys.Select(key => Keys.Principal(key, key)));
        Assert.All(keys, key => Assert.Equal(key, table.Find(Encoding.ASCII.GetBytes(key))?.Key.Alias));
    }

    [Fact]
    public void An_empty_table_knows_nobody()
    {
        KeyTable table = KeyTable.Create([]);
        Assert.Equal(0, table.Count);
        Assert.Null(table.Find("sk-anything"u8));
        Assert.Null(table.Find(default));
        Assert.False(table.IsAdminKey("sk-anything"u8));
        Assert.False(table.IsAdminKey(default));
    }

    [Fact]
    public void Only_values_that_can_be_keys_are_looked_up()
    {
        string longest = "sk-" + new string('x', 509);
        string tooLong = longest + "x";
        KeyTable table = KeyTable.Create([Keys.Principal(longest, "longest"), Keys.Principal(tooLong, "too long"), Keys.Principal("key", "no sk-")]);
        Assert.Equal("longest", table.Find(Encoding.ASCII.GetBytes(longest))?.Key.Alias);
        Assert.Null(table.Find(Encoding.ASCII.GetBytes(tooLong)));
        Assert.Null(table.Find("key"u8));
    }

    [Fact]
    public void The_admin_key_is_known_and_stands_for_nobody()
    {
        Assert.True(Keys.Table.IsAdminKey(Encoding.ASCII.GetBytes(Keys.Admin)));
        Assert.True(Keys.Table.TryIdentify(Encoding.ASCII.GetBytes(Keys.Admin), out Principal? principal));
        Assert.Null(principal);
        Assert.Null(Keys.Table.Find(Encoding.ASCII.GetBytes(Keys.Admin)));
        Assert.False(Keys.Table.IsAdminKey(Encoding.ASCII.GetBytes(Keys.Alice)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("ghij")]
    [InlineData("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde")]
    [InlineData("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef00")]
    [InlineData("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeg")]
    [InlineData("0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef")]
    public void A_malformed_hash_is_refused_by_alias(string hash)
    {
        ArgumentException fault = Assert.Throws<ArgumentException>(() => KeyTable.Create([new Principal { Key = new KeyIdentity(hash, "alice") }]));
        AssertNames(fault, "alice", hash);
    }

    [Fact]
    public void The_same_hash_twice_is_refused_by_both_aliases()
    {
        ArgumentException fault = Assert.Throws<ArgumentException>(
            () => KeyTable.Create([Keys.Principal("sk-1", "alice"), Keys.Principal("sk-2", "bob"), Keys.Principal("sk-1", "carol")]));
        AssertNames(fault, "alice", Keys.Hash("sk-1"));
        AssertNames(fault, "carol", Keys.Hash("sk-1"));
    }

    [Fact]
    public void The_admin_key_as_a_clients_key_is_refused()
    {
        ArgumentException fault = Assert.Throws<ArgumentException>(() => KeyTable.Create([Keys.Principal("sk-1", "alice")], SHA256.HashData("sk-1"u8)));
        AssertNames(fault, "alice", Keys.Hash("sk-1"));
    }

    [Fact]
    public void An_admin_hash_of_another_length_is_refused() => Assert.Throws<ArgumentException>(() => KeyTable.Create([], new byte[31]));

    [Fact]
    public void Lookups_allocate_nothing()
    {
        byte[][] values = [.. new[] { Keys.Alice, Keys.Blocked, Keys.Admin, Keys.Wrong, Keys.Workload, "" }.Select(Encoding.ASCII.GetBytes)];
        for (int round = 0; round < 100; round++)
        {
            LookUp(values);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        LookUp(values);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void LookUp(byte[][] values)
    {
        foreach (byte[] value in values)
        {
            Keys.Table.Find(value);
            Keys.Table.IsAdminKey(value);
        }
    }

    private static void AssertNames(ArgumentException fault, string alias, string hash)
    {
        Assert.Contains($"'{alias}'", fault.Message, StringComparison.Ordinal);
        Assert.True(hash.Length == 0 || !fault.Message.Contains(hash, StringComparison.Ordinal));
    }
}
