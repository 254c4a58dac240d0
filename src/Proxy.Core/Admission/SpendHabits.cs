using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Proxy.Core.Admission;

/// <summary>
/// What the requests of each key for each model really come to: how much output nineteen of twenty keep below, and what part of the dearest
/// input. What
/// is not known yet is taken for a quarter of the worst case, and nothing for less than an eighth of it, which bounds what budgets that
/// reserve by this
/// can be overspent by. Memory is bounded: of too many keys those that were not used for longest are forgotten. Thread-safe; never
/// allocates.
/// </summary>
public sealed class SpendHabits
{
    /// <summary>A key without a history is reckoned to cost this part of the worst case.</summary>
    public const int StartDivisor = 4;

    /// <summary>No request is reckoned to cost less than this part of the worst case.</summary>
    public const int LeastDivisor = 8;

    private const int Ways = 4;
    private const int Locks = 64;

    // So many of a key have to be seen before it is reckoned below the start.
    private const int Enough = 8;

    // Then all counts are halved, so that what was long ago weighs less.
    private const int Memory = 256;

    private readonly Habit[] _habits;
    private readonly Lock[] _locks = new Lock[Locks];
    private readonly int _sets;

    /// <param name="capacity">Keys and models that are remembered; a power of two, at least 256.</param>
    public SpendHabits(int capacity = 4096)
    {
        _sets = capacity / Ways;
        _habits = new Habit[_sets * Ways];
        for (int i = 0; i < Locks; i++)
        {
            _locks[i] = new Lock();
        }
    }

    /// <summary>Identifies a key and a model.</summary>
    public static ulong IdOf(string scopeId, ReadOnlySpan<byte> model)
    {
        // FNV-1a over both. Two that meet by chance share a habit, which is a guess in any case.
        ulong hash = 14695981039346656037;
        foreach (byte next in MemoryMarshal.AsBytes(scopeId.AsSpan()))
        {
            hash = (hash ^ next) * 1099511628211;
        }

        foreach (byte next in model)
        {
            hash = (hash ^ next) * 1099511628211;
        }

        return hash ^ (hash >> 29) | 1;
    }

    /// <summary>What a request is reckoned to cost.</summary>
    public Expectation Expect(ulong id, in CostEstimate estimate)
    {
        long tokens = 0;
        int sixteenths = 0;
        int seen = 0;
        lock (LockOf(id))
        {
            ref Habit habit = ref Find(id);
            if (!Unsafe.IsNullRef(ref habit))
            {
                seen = habit.Seen;
                tokens = habit.OutputOfMost();
                sixteenths = habit.InputOfMost();
            }
        }

        long input = (long)((Int128)estimate.InputNanoUsd * sixteenths / Habit.InputSteps);
        long known = Saturating.Add(input, estimate.OfOutput(tokens) - estimate.InputNanoUsd);
        long least = estimate.WorstNanoUsd / (seen < Enough ? StartDivisor : LeastDivisor);
        long expected = Math.Clamp(known, least, estimate.WorstNanoUsd);
        long running = seen == 0 ? estimate.InputNanoUsd / StartDivisor : input;
        return new Expectation(new Stake(expected, estimate.WorstNanoUsd), estimate with { InputNanoUsd = running });
    }

    /// <summary>What such a request came to in the end. Only for answers whose usage was reported, and that were not free.</summary>
    public void Learn(ulong id, in CostEstimate estimate, long costNanoUsd, long outputTokens)
    {
        if (estimate.InputNanoUsd <= 0)
        {
            return;
        }

        long input = Math.Clamp(costNanoUsd - (estimate.OfOutput(outputTokens) - estimate.InputNanoUsd), 0, estimate.InputNanoUsd);
        int sixteenths = (int)(((Int128)input * Habit.InputSteps + estimate.InputNanoUsd - 1) / estimate.InputNanoUsd);
        lock (LockOf(id))
        {
            FindOrReplace(id).Add(outputTokens, Math.Max(1, sixteenths));
        }
    }

    private Lock LockOf(ulong id) => _locks[SetOf(id) % Locks];

    private int SetOf(ulong id) => (int)(id % (ulong)_sets);

    private ref Habit Find(ulong id)
    {
        Span<Habit> set = _habits.AsSpan(SetOf(id) * Ways, Ways);
        for (int i = 0; i < set.Length; i++)
        {
            if (set[i].Id == id)
            {
                return ref set[i];
            }
        }

        return ref Unsafe.NullRef<Habit>();
    }

    private ref Habit FindOrReplace(ulong id)
    {
        Span<Habit> set = _habits.AsSpan(SetOf(id) * Ways, Ways);
        int oldest = 0;
        uint latest = 0;
        int found = -1;
        for (int i = 0; i < set.Length; i++)
        {
            latest = Math.Max(latest, set[i].LastUse);
            oldest = set[i].LastUse < set[oldest].LastUse ? i : oldest;
            found = set[i].Id == id ? i : found;
        }

        if (found < 0)
        {
            found = oldest;
            set[found] = default;
            set[found].Id = id;
        }

        set[found].LastUse = latest == uint.MaxValue ? 1 : latest + 1;
        return ref set[found];
    }

    private struct Habit
    {
        public const int InputSteps = 16;

        // 16 tokens, and on in steps of a half and a third, to beyond what any model writes.
        private const int OutputSteps = 32;
        private const long FirstStep = 16;

        private OutputCounts _outputs;
        private InputCounts _inputs;

        public ulong Id;
        public uint LastUse;

        /// <summary>Requests that count, at most <see cref="Memory"/>.</summary>
        public int Seen { get; private set; }

        /// <summary>Nineteen of twenty requests put out no more than this; all of them where there are fewer.</summary>
        public readonly long OutputOfMost()
        {
            int step = StepOfMost(_outputs);
            return step < 0 ? 0 : LimitOf(step);
        }

        /// <summary>The same, as sixteenths of the dearest input.</summary>
        public readonly int InputOfMost() => StepOfMost(_inputs) + 1;

        public void Add(long outputTokens, int sixteenths)
        {
            int step = 0;
            while (step < OutputSteps - 1 && outputTokens > LimitOf(step))
            {
                step++;
            }

            _outputs[step]++;
            _inputs[sixteenths - 1]++;
            if (++Seen == Memory)
            {
                Seen = Halve(_outputs);
                _ = Halve(_inputs);
            }
        }

        private static long LimitOf(int step) => (step % 2 == 0 ? FirstStep : FirstStep * 3 / 2) << (step / 2);

        /// <summary>-1 where nothing was seen.</summary>
        private readonly int StepOfMost(ReadOnlySpan<ushort> counts)
        {
            int beyond = Seen / 20;
            int step = counts.Length - 1;
            while (step >= 0 && counts[step] <= beyond)
            {
                beyond -= counts[step];
                step--;
            }

            return step;
        }

        private static int Halve(Span<ushort> counts)
        {
            int sum = 0;
            foreach (ref ushort count in counts)
            {
                // Rounded up: what was seen once is not forgotten at once.
                count = (ushort)((count + 1) / 2);
                sum += count;
            }

            return sum;
        }

        [InlineArray(OutputSteps)]
        private struct OutputCounts
        {
            private ushort _first;
        }

        [InlineArray(InputSteps)]
        private struct InputCounts
        {
            private ushort _first;
        }
    }
}

/// <summary>What a request is reckoned to cost.</summary>
/// <param name="Stake">What to reserve.</param>
/// <param name="Running">With the input that is expected and all the output that it may have: what to top up by while the answer runs
/// on.</param>
public readonly record struct Expectation(Stake Stake, CostEstimate Running);
