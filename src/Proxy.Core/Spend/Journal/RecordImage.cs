using Proxy.Core.Identity;

namespace Proxy.Core.Spend.Journal;

/// <summary>
/// A record as the payload of an image, field after field. The longest record without iterations fits an image of the default size
/// (1897 of 2000 bytes, asserted by a test); iterations take the room that is left.
/// </summary>
internal static class RecordImage
{
    private const int WordCount = 3;

    // Beside the kind of an iteration.
    private const byte FreeIteration = 0x80;

    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> payload, SpendRecord record)
    {
        ImageWriter writer = new(payload[sizeof(ushort)..]);
        writer.Bytes(record.Caller is { } caller ? caller.Bytes : default);
        foreach (SpendColumn column in SpendColumns.Span)
        {
            switch (column.Kind)
            {
                case SpendColumnKind.Id:
                    writer.Id(record.Id);
                    break;
                case SpendColumnKind.Number:
                    writer.Number(column.Number(record));
                    break;
                case SpendColumnKind.Word:
                    writer.Byte((byte)column.Number(record));
                    break;
                case SpendColumnKind.Text:
                    writer.Bytes(column.Text(record).Bytes);
                    break;
                case SpendColumnKind.Name:
                    writer.Text(column.NameOf(record), column.MaxName);
                    break;
            }
        }

        writer.Number(record.DeliveredOutputBytes);
        bool folded = !WriteIterations(ref writer, record);

        // Only now is known whether all of them fit.
        ImageWriter flags = new(payload);
        flags.Short((ushort)(folded ? SpendFlags.IterationsFolded : SpendFlags.None));
        return sizeof(ushort) + writer.Position;
    }

    /// <param name="record">A cleared one; cleared again when the payload is not one of ours.</param>
    public static bool TryRead(ReadOnlySpan<byte> payload, SpendRecord record)
    {
        ImageReader reader = new(payload);
        SpendFlags folded = (SpendFlags)reader.Short();
        ReadOnlySpan<byte> bytes = reader.Bytes();
        bool isCallerRead = bytes.IsEmpty | KeyIdentity.TryRead(bytes, out KeyIdentity? caller);
        record.Caller = caller;
        foreach (SpendColumn column in SpendColumns.Span)
        {
            switch (column.Kind)
            {
                case SpendColumnKind.Id:
                    record.Id = reader.Id();
                    break;
                case SpendColumnKind.Number:
                    column.SetNumber(record, reader.Number());
                    break;
                case SpendColumnKind.Word:
                    column.SetNumber(record, reader.Byte());
                    break;
                case SpendColumnKind.Text:
                    column.Text(record).Set(reader.Bytes());
                    break;
                case SpendColumnKind.Name:
                    column.SetName(record, reader.Text() ?? "");
                    break;
            }
        }

        record.DeliveredOutputBytes = reader.Number();
        SpendFlags flags = record.Flags | folded;
        ReadIterations(ref reader, record);
        record.Flags = flags;
        if (isCallerRead && !reader.IsBroken && reader.IsAtEnd)
        {
            return true;
        }

        record.Clear();
        return false;
    }

    private static void WriteUsage(ref ImageWriter writer, in UsageCounters usage)
    {
        for (int i = 0; i < UsageCounters.Count; i++)
        {
            writer.Number(usage[(UsageCounter)i]);
        }

        writer.Byte((byte)usage.ServiceTier);
        writer.Byte((byte)usage.Speed);
        writer.Byte((byte)usage.InferenceGeo);
    }

    private static UsageCounters ReadUsage(ref ImageReader reader)
    {
        UsageCounters usage = default;
        for (int i = 0; i < UsageCounters.Count; i++)
        {
            usage[(UsageCounter)i] = reader.Number();
        }

        usage.ServiceTier = (ServiceTier)reader.Byte();
        usage.Speed = (Speed)reader.Byte();
        usage.InferenceGeo = (InferenceGeo)reader.Byte();
        return usage;
    }

    /// <summary>Writes their number and all of them; or as many as fit, the surplus added to the last of these.</summary>
    /// <returns>False when some were folded.</returns>
    private static bool WriteIterations(ref ImageWriter writer, SpendRecord record)
    {
        int all = record.IterationCount;
        int fit = CountThatFit(record, writer.Remaining - 1);
        writer.Byte((byte)fit);
        for (int i = 0; i < fit; i++)
        {
            IterationUsage iteration = record.Iteration(i);
            UsageCounters usage = iteration.Usage;
            for (int surplus = i + 1; i == fit - 1 && surplus < all; surplus++)
            {
                usage.Add(in record.Iteration(surplus).Usage);
            }

            writer.Byte((byte)((byte)iteration.Kind | (iteration.IsFree ? FreeIteration : 0)));
            writer.Bytes(iteration.Model.Bytes);
            WriteUsage(ref writer, in usage);
        }

        return fit == all;
    }

    private static int CountThatFit(SpendRecord record, int room)
    {
        int withSurplus = 0;
        int used = 0;
        for (int i = 0; i < record.IterationCount; i++)
        {
            IterationUsage iteration = record.Iteration(i);
            int fixedLength = 1 + ImageWriter.LengthOf(iteration.Model.Bytes.Length) + iteration.Model.Bytes.Length + WordCount;

            // The last one that is kept must have room for any sum.
            if (used + fixedLength + (UsageCounters.Count * ImageWriter.MaxNumberLength) <= room)
            {
                withSurplus = i + 1;
            }

            used += fixedLength + LengthOf(in iteration.Usage);
            if (used > room)
            {
                return withSurplus;
            }
        }

        return record.IterationCount;
    }

    private static int LengthOf(in UsageCounters usage)
    {
        int length = 0;
        for (int i = 0; i < UsageCounters.Count; i++)
        {
            length += ImageWriter.LengthOf(usage[(UsageCounter)i]);
        }

        return length;
    }

    private static void ReadIterations(ref ImageReader reader, SpendRecord record)
    {
        int count = reader.Byte();
        for (int i = 0; i < count && !reader.IsBroken; i++)
        {
            IterationUsage iteration = record.AddIteration();
            byte kind = reader.Byte();
            iteration.Kind = (IterationKind)(kind & ~FreeIteration);
            iteration.IsFree = (kind & FreeIteration) != 0;
            iteration.Model.Set(reader.Bytes());
            iteration.Usage = ReadUsage(ref reader);
        }
    }
}
