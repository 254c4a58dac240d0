using Proxy.Core.Metering.Json;
using Proxy.Core.Spend;

namespace Proxy.Core.Metering;

/// <summary>
/// Reads the top-level <c>model</c>, <c>max_tokens</c> and <c>stream</c> of a JSON request body and skips the rest. Resumable at any byte. Of a key
/// that occurs twice the last value counts, which is what most JSON parsers do; <see cref="HasDuplicates"/> tells a guard that must be sure.
/// </summary>
internal struct RequestModelScanner
{
    private JsonTokenizer _json;
    private Field _field;
    private byte _seen;
    private bool _isOpen;

    private enum Field : byte
    {
        None = 0,
        Model = 1,
        MaxTokens = 2,
        Stream = 4,
    }

    /// <summary>The document's one object is closed.</summary>
    public readonly bool IsComplete => _json.IsComplete;

    /// <summary>Not one JSON object, as far as it was looked at.</summary>
    public bool IsInvalid { get; private set; }

    /// <summary>One of the three keys stood there more than once, however it was spelt.</summary>
    public bool HasDuplicates { get; private set; }

    /// <summary>-1 when absent, null, or not a count.</summary>
    public long MaxTokens { get; private set; }

    public bool Stream { get; private set; }

    /// <summary>The model's name is longer than the field that keeps it.</summary>
    public bool IsModelCut { get; private set; }

    public void Begin()
    {
        _json.Reset();
        _field = Field.None;
        _seen = 0;
        _isOpen = false;
        IsInvalid = false;
        HasDuplicates = false;
        MaxTokens = -1;
        Stream = false;
        IsModelCut = false;
    }

    public void Feed(ReadOnlySpan<byte> data, TextField model)
    {
        int position = 0;
        while (!IsInvalid)
        {
            switch (_json.Read(data, ref position))
            {
                case JsonToken.NeedMore:
                    return;

                case JsonToken.Invalid:
                    IsInvalid = true;
                    return;

                case JsonToken.StartObject when !_isOpen:
                    // The root: everything below it that has no field is skipped before it opens.
                    _isOpen = true;
                    break;

                case not JsonToken.Key when !_isOpen:
                    // Not an object: no request of the API, and nothing in it is its model.
                    IsInvalid = true;
                    return;

                case JsonToken.StartObject or JsonToken.StartArray:
                    _json.SkipContainer();
                    break;

                case JsonToken.Key:
                    BeginField();
                    break;

                case JsonToken.String when _field == Field.Model:
                    IsModelCut = _json.TextLength > SpendRecord.ModelCapacity;
                    model.Set(Redaction.Of(_json.Text));
                    break;

                case JsonToken.Number when _field == Field.MaxTokens && _json.TryGetCount(out long count):
                    MaxTokens = count;
                    break;

                case JsonToken.True when _field == Field.Stream:
                    Stream = true;
                    break;

                case JsonToken.False when _field == Field.Stream:
                    Stream = false;
                    break;
            }
        }
    }

    private void BeginField()
    {
        _field = Find(_json.Text);
        if (_field == Field.None)
        {
            _json.SkipValue();
            return;
        }

        HasDuplicates |= (_seen & (byte)_field) != 0;
        _seen |= (byte)_field;
    }

    private static Field Find(ReadOnlySpan<byte> key) => key.Length switch
    {
        5 when key.SequenceEqual("model"u8) => Field.Model,
        6 when key.SequenceEqual("stream"u8) => Field.Stream,
        10 when key.SequenceEqual("max_tokens"u8) => Field.MaxTokens,
        _ => Field.None,
    };
}
