using System.Security.Cryptography;
using System.Text;
using BenchmarkDotNet.Attributes;
using Proxy.Core.Admission;
using Proxy.Core.Identity;

namespace Proxy.Benchmarks.Admission;

/// <summary>What a request costs before it may leave and after it came back, with 10,000 keys: identify, admit to key, team and user, settle.</summary>
[MemoryDiagnoser]
public class AdmissionBenchmarks
{
    private const int Keys = 10_000;
    private const long NowUnixMs = 1_790_000_000_000;

    private readonly byte[][] _presented = new byte[Keys][];
    private KeyTable _table = null!;
    private AdmissionScope[] _scopes = [];
    private int _next;

    [GlobalSetup]
    public void Setup()
    {
        Principal[] principals = new Principal[Keys];
        AdmissionScope team = Scope(ScopeKind.Team, "core");
        AdmissionScope user = Scope(ScopeKind.User, "u1");
        for (int i = 0; i < Keys; i++)
        {
            _presented[i] = Encoding.ASCII.GetBytes($"sk-{i:D6}-{Guid.NewGuid():N}");
            string hash = Convert.ToHexStringLower(SHA256.HashData(_presented[i]));
            principals[i] = new Principal { Key = new KeyIdentity(hash), Scopes = [Scope(ScopeKind.Key, hash), team, user] };
        }

        _scopes = [.. principals[0].Scopes];
        _table = KeyTable.Create(principals);
    }

    [Benchmark(Baseline = true)]
    public bool IdentifyAdmitSettle()
    {
        _ = _table.TryIdentify(NextKey(), out Principal? principal);
        return AdmitSettle([principal!.Scopes[0], principal.Scopes[1], principal.Scopes[2]]);
    }

    [Benchmark]
    public bool Identify() => _table.TryIdentify(NextKey(), out _);

    [Benchmark]
    public bool AdmitSettle() => AdmitSettle(_scopes);

    private static bool AdmitSettle(ReadOnlySpan<AdmissionScope> scopes)
    {
        bool passed = AdmissionGate.TryAdmit(scopes, new AdmissionRequest(NowUnixMs, 5_000_000, IsCompanyPaid: true), out AdmissionTicket ticket, out _);
        AdmissionGate.Settle(ref ticket, 1, 0, NowUnixMs);
        return passed;
    }

    private static AdmissionScope Scope(ScopeKind kind, string id)
    {
        if (!BudgetPeriod.TryParse("1d", out BudgetPeriod daily) || !BudgetPeriod.TryParse("1mo", out BudgetPeriod monthly))
        {
            throw new InvalidOperationException("The periods are not understood.");
        }

        const long Limit = long.MaxValue / 4;
        return new AdmissionScope(kind, id)
        {
            Limits = new ScopeLimits
            {
                RequestsPerMinute = long.MaxValue,
                TokensPerMinute = long.MaxValue,
                ParallelRequests = int.MaxValue,
                Budgets = [new Budget(daily, Limit), new Budget(monthly, Limit)],
            },
        };
    }

    private ReadOnlySpan<byte> NextKey()
    {
        _next = _next + 1 == Keys ? 0 : _next + 1;
        return _presented[_next];
    }
}
