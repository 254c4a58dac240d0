using Proxy.Core.Identity;
using Proxy.Core.Metering.Json;
using Proxy.Core.Spend;

namespace Proxy.Core.Metering;

/// <summary>
/// Checks the models of a new message batch, item by item: <c>{"requests":[{"params":{"model":…}}]}</c>. Resumable at any byte. Any doubt
/// (a key twice, a value of another kind, no model) makes the body unclear.
/// </summary>
internal struct BatchModelScanner
{
    private JsonTokenizer _json;
    private Level _level;
    private bool _expectsValue;
    private bool _hasRequests;
    private bool _hasParams;
    private bool _hasModel;

    private enum Level : byte
    {
        Outside = 0,
        Root,
        Requests,
        Item,
        Params,
    }

    public readonly bool IsComplete => _json.IsComplete && _hasRequests;

    public bool IsUnclear { get; private set; }

    /// <summary>An item asks for a model that the principal may not use.</summary>
    public bool HasForbidden { get; private set; }

    public void Begin()
    {
        this = default;
        _json.Reset();
    }

    public void Feed(ReadOnlySpan<byte> data, Principal principal)
    {
        int position = 0;
        while (!IsUnclear)
        {
            JsonToken token = _json.Read(data, ref position);
            if (token == JsonToken.NeedMore)
            {
                return;
            }

            IsUnclear = !(_expectsValue ? TakeValue(token, principal) : TakeStructure(token));
        }
    }

    /// <summary>The value of a key that matters.</summary>
    private bool TakeValue(JsonToken token, Principal principal)
    {
        _expectsValue = false;
        switch (_level)
        {
            case Level.Root when token == JsonToken.StartArray:
                _level = Level.Requests;
                return true;
            case Level.Item when token == JsonToken.StartObject:
                _level = Level.Params;
                _hasModel = false;
                return true;
            case Level.Params when token == JsonToken.String && _json.TextLength <= SpendRecord.ModelCapacity:
                HasForbidden |= !principal.AllowsModel(_json.Text);
                return true;
            default:
                return false;
        }
    }

    private bool TakeStructure(JsonToken token)
    {
        switch (token)
        {
            case JsonToken.Key:
                return TakeKey();
            case JsonToken.StartObject when _level == Level.Outside:
                _level = Level.Root;
                return true;
            case JsonToken.StartObject when _level == Level.Requests:
                _level = Level.Item;
                _hasParams = false;
                return true;
            case JsonToken.EndObject when _level == Level.Params:
                _level = Level.Item;
                return _hasModel;
            case JsonToken.EndObject when _level == Level.Item:
                _level = Level.Requests;
                return _hasParams;
            case JsonToken.EndArray when _level == Level.Requests:
                _level = Level.Root;
                return true;
            case JsonToken.EndObject:
                return _level == Level.Root;
            default:
                return false;
        }
    }

    private bool TakeKey()
    {
        ReadOnlySpan<byte> key = _json.TextLength <= JsonText.Capacity ? _json.Text : default;
        switch (_level)
        {
            case Level.Root when key.SequenceEqual("requests"u8):
                return TakeOnce(ref _hasRequests);
            case Level.Item when key.SequenceEqual("params"u8):
                return TakeOnce(ref _hasParams);
            case Level.Params when key.SequenceEqual("model"u8):
                return TakeOnce(ref _hasModel);
            default:
                _json.SkipValue();
                return true;
        }
    }

    private bool TakeOnce(ref bool seen)
    {
        bool isFirst = !seen;
        seen = true;
        _expectsValue = true;
        return isFirst;
    }
}
