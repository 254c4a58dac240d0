using System.Text;

namespace Proxy.Core.Http1;

/// <summary>The field lines of one head, in order. Owned by a connection and reused for each of its messages; not thread-safe.</summary>
public sealed class FieldTable
{
    /// <summary>The largest <see cref="HeadLimits.MaxFields"/>: one bit of <see cref="IsNominated"/> each.</summary>
    public const int Capacity = 128;

    private const int UsualFields = 24;

    // Index of the first field of each id, plus one.
    private readonly byte[] _first = new byte[(int)FieldId.Tags + 1];
    private HeaderField[] _fields = new HeaderField[UsualFields];
    private UInt128 _nominated;

    public int Count { get; private set; }

    /// <summary>Connection says close (RFC 9112 §9.6).</summary>
    internal bool SaysClose { get; private set; }

    public ref readonly HeaderField this[int index] => ref _fields.AsSpan(0, Count)[index];

    /// <summary>Index of the first field with this id, or -1.</summary>
    public int Find(FieldId id) => _first[(int)id] - 1;

    /// <summary>The value of the first field of this name.</summary>
    public bool TryGetValue(FieldId id, ReadOnlySpan<byte> head, out ReadOnlySpan<byte> value)
    {
        int index = Find(id);
        value = index < 0 ? default : _fields[index].Value.Of(head);
        return index >= 0;
    }

    /// <summary>True when Connection names this field, so that it is for this hop only (RFC 9110 §7.6.1).</summary>
    public bool IsNominated(int index) => (_nominated >> index & 1) != 0;

    /// <summary>Parses field lines from <paramref name="offset"/> to the empty line that ends <paramref name="head"/>.</summary>
    /// <param name="isRequest">Refuses an alias of any field of ours; in a response only one of a framing field would mislead a
    /// client.</param>
    internal HeadError Parse(ReadOnlySpan<byte> head, int offset, HeadLimits limits, bool isRequest)
    {
        Count = 0;
        SaysClose = false;
        _nominated = 0;
        _first.AsSpan().Clear();
        int end = head.Length - 2;
        while (offset < end)
        {
            HeadError error = ParseLine(head, ref offset, limits, isRequest);
            if (error != HeadError.None)
            {
                return error;
            }
        }

        return offset == end && head[offset..].SequenceEqual("\r\n"u8) ? HeadError.None : HeadError.FieldLineMalformed;
    }

    /// <summary>True when more than one field has this id.</summary>
    internal bool IsRepeated(FieldId id)
    {
        for (int i = Find(id) + 1; i > 0 && i < Count; i++)
        {
            if (_fields[i].Id == id)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Reads every Connection field: notes close, marks the fields it names (RFC 9110 §7.6.1).</summary>
    /// <param name="refuseOwn">Naming a field that the gateway itself needs is an error (http-rules.md row 30); otherwise such a name is
    /// ignored.</param>
    internal HeadError ReadConnection(ReadOnlySpan<byte> head, bool refuseOwn)
    {
        for (int i = Math.Max(0, Find(FieldId.Connection)); i < Count && Find(FieldId.Connection) >= 0; i++)
        {
            if (_fields[i].Id != FieldId.Connection)
            {
                continue;
            }

            ReadOnlySpan<byte> rest = _fields[i].Value.Of(head);
            while (!rest.IsEmpty)
            {
                int comma = rest.IndexOf((byte)',');
                ReadOnlySpan<byte> option = (comma < 0 ? rest : rest[..comma]).Trim(Characters.Ows);
                rest = comma < 0 ? default : rest[(comma + 1)..];
                if (option.IsEmpty)
                {
                    continue;
                }

                if (!Characters.IsToken(option))
                {
                    return HeadError.FieldValueMalformed;
                }

                if (Ascii.EqualsIgnoreCase(option, "close"u8))
                {
                    SaysClose = true;
                }
                else if (!Nominate(head, option) && refuseOwn)
                {
                    return HeadError.ConnectionNominatesOwnField;
                }
            }
        }

        return HeadError.None;
    }

    private bool Nominate(ReadOnlySpan<byte> head, ReadOnlySpan<byte> option)
    {
        if (FieldNames.Identify(
            option) is FieldId.Host or FieldId.ContentLength or FieldId.TransferEncoding or FieldId.Connection or FieldId.Expect
            or FieldId.Authorization or FieldId.ApiKey or FieldId.GatewayKey or FieldId.GatewayPrivate or FieldId.Tags
            or FieldId.ContentType or FieldId.ContentEncoding
            or FieldId.AcceptEncoding or FieldId.RequestId or FieldId.Date or FieldId.CdnLoop
            || FieldNames.AliasOf(option) != FieldId.Other)
        {
            return false;
        }

        for (int i = 0; i < Count; i++)
        {
            if (Ascii.EqualsIgnoreCase(_fields[i].Name.Of(head), option))
            {
                _nominated |= UInt128.One << i;
            }
        }

        return true;
    }

    private HeadError ParseLine(ReadOnlySpan<byte> head, ref int offset, HeadLimits limits, bool isRequest)
    {
        int length = head[offset..].IndexOf((byte)'\r');
        if (length < 0 || offset + length + 1 == head.Length || head[offset + length + 1] != '\n')
        {
            return HeadError.BareCarriageReturn;
        }

        if (length > limits.MaxFieldLine)
        {
            return HeadError.FieldLineTooLong;
        }

        ReadOnlySpan<byte> line = head.Slice(offset, length);

        // A line that begins with whitespace would continue the one before (obs-fold, RFC 9112 §5.2).
        int colon = line.IndexOf((byte)':');
        if (colon < 0 || line[0] is (byte)' ' or (byte)'\t')
        {
            return HeadError.FieldLineMalformed;
        }

        // Whitespace before the colon is no token either (RFC 9112 §5.1).
        ReadOnlySpan<byte> name = line[..colon];
        if (!Characters.IsToken(name))
        {
            return HeadError.FieldNameMalformed;
        }

        int start = colon + 1;
        int end = length;
        while (start < end && line[start] is (byte)' ' or (byte)'\t')
        {
            start++;
        }

        while (end > start && line[end - 1] is (byte)' ' or (byte)'\t')
        {
            end--;
        }

        if (line[start..end].ContainsAny(Characters.ForbiddenInValue))
        {
            return line.Contains((byte)0) ? HeadError.NulByte : HeadError.FieldValueMalformed;
        }

        if (FieldNames.AliasOf(name) is var alias && alias != FieldId.Other
            && (isRequest || alias is FieldId.ContentLength or FieldId.TransferEncoding))
        {
            return HeadError.FieldNameAlias;
        }

        if (Count >= limits.MaxFields)
        {
            return HeadError.TooManyFields;
        }

        if (Count == _fields.Length)
        {
            Array.Resize(ref _fields, Capacity);
        }

        FieldId id = FieldNames.Identify(name);
        _fields[Count] = new HeaderField(
            id, new Slice(offset, length + 2), new Slice(offset, colon), new Slice(offset + start, end - start));
        Count++;
        if (_first[(int)id] == 0)
        {
            _first[(int)id] = (byte)Count;
        }

        offset += length + 2;
        return HeadError.None;
    }
}

/// <summary>
/// One field line of a parsed head. <see cref="Line"/> includes its CRLF; <see cref="Value"/> is without the whitespace around it.
/// </summary>
public readonly record struct HeaderField(FieldId Id, Slice Line, Slice Name, Slice Value);
