using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Proxy.Core.Admission;
using Proxy.Core.Identity;
using Proxy.Core.Metering.Json;
using Proxy.Core.Spend;

namespace Proxy.Core.Metering;

/// <summary>
/// Reads what a request for inference says about its models and its price, be it the body of its own or an item of a batch
/// (<c>{"requests":[{"params":{…}}]}</c>). Resumable at any byte. Text, tool inputs and schemas are skipped; images and documents are
/// looked at; in
/// whatever else there is, every <c>model</c> is found. Of a key that occurs twice the dearer reading counts.
/// </summary>
internal struct RequestScanner
{
    // Deeper than any setting lies; what lies deeper is not looked at, which is told.
    private const int DeepestLook = 40;
    private const int MaxPlaces = 64;

    // A tool without max_uses is called a few times.
    private const long AssumedUses = 5;
    private const long MostUses = 1000;

    private JsonTokenizer _json;
    private Places _places;
    private RequestShape _shape;
    private int _depth;
    private RequestKey _key;
    private ulong _seen;
    private long _consumed;
    private long _itemStart;
    private MediaState _media;
    private ToolState _tool;
    private bool _isBatch;
    private bool _hasModel;

    private enum Place : byte
    {
        Outside = 0,
        BatchRoot,
        Batch,
        Item,
        Request,
        Messages,
        Message,
        Content,
        Block,
        Source,
        ImageUrl,
        CacheControl,
        Tools,
        Tool,
        Names,
        Other,
    }

    private enum SourceKind : byte
    {
        Other = 0,
        Base64,
        Elsewhere,
        ImageUrl,
    }

    private enum ToolKind : byte
    {
        Other = 0,
        Search,
        Advisor,
    }

    /// <summary>The document's one object is closed, and was a batch where one was looked for.</summary>
    public readonly bool IsComplete => _json.IsComplete && (!_isBatch || (_seen & Bit(RequestKey.Requests)) != 0);

    /// <summary>Not one JSON object, as far as it was looked at.</summary>
    public bool IsInvalid { get; private set; }

    /// <summary>
    /// A key that matters stood there more than once however it was spelt, or something was too long or too deep to be sure of.
    /// </summary>
    public bool IsUnclear { get; private set; }

    /// <summary>A model was named that the principal may not use.</summary>
    public bool HasForbidden { get; private set; }

    /// <summary>Of the request, or of the batch's item that was read last.</summary>
    [UnscopedRef]
    public readonly ref readonly RequestShape Shape => ref _shape;

    private Place Here => _depth == 0 ? Place.Outside : (Place)_places[_depth - 1];

    public void Begin(bool isBatch)
    {
        _json.Reset();
        _shape.Clear();
        _depth = 0;
        _key = RequestKey.None;
        _seen = 0;
        _consumed = 0;
        _itemStart = 0;
        _hasModel = false;
        _isBatch = isBatch;
        IsInvalid = false;
        IsUnclear = false;
        HasForbidden = false;
    }

    /// <summary>Reads on from the position, which is moved, to the end of the bytes or of an item of a batch.</summary>
    /// <param name="model">Takes the model that is asked for at the top of the request.</param>
    /// <returns>True at the end of an item.</returns>
    public bool Feed(ReadOnlySpan<byte> data, ref int position, TextField model, Principal? guarded)
    {
        while (!IsInvalid && position < data.Length)
        {
            int from = position;
            bool isInData = _json.IsInString;
            JsonToken token = _json.Read(data, ref position);
            if (_key == RequestKey.Data && Here is Place.Source or Place.ImageUrl)
            {
                Probe(data[from..position], isInData);
            }

            _consumed += position - from;
            if (!_isBatch)
            {
                _shape.Bytes = _consumed;
            }

            if (token == JsonToken.NeedMore)
            {
                return false;
            }

            if (Take(token, model, guarded))
            {
                return true;
            }
        }

        position = data.Length;
        return false;
    }

    private static bool NamesModels(RequestKey key) => key is RequestKey.Names or RequestKey.Model or RequestKey.OtherModel;

    private static ulong Bit(RequestKey key) => 1UL << (int)key;

    /// <summary>True at the end of an item.</summary>
    private bool Take(JsonToken token, TextField model, Principal? guarded)
    {
        switch (token)
        {
            case JsonToken.Invalid:
                IsInvalid = true;
                return false;
            case JsonToken.StartObject or JsonToken.StartArray:
                Open(ChildOf(Here, token == JsonToken.StartArray));
                return false;
            case JsonToken.EndObject or JsonToken.EndArray:
                return Close(model, guarded);
            case JsonToken.Key:
                BeginField();
                return false;
            default:
                TakeScalar(token, model, guarded);
                _key = RequestKey.None;
                return false;
        }
    }

    private readonly Place ChildOf(Place here, bool isArray) => here switch
    {
        Place.Outside => isArray ? Place.Outside : _isBatch ? Place.BatchRoot : Place.Request,
        Place.BatchRoot => isArray ? Place.Batch : Place.Outside,
        Place.Batch => isArray ? Place.Outside : Place.Item,
        Place.Item => isArray ? Place.Outside : Place.Request,
        Place.Request => (_key, isArray) switch
        {
            (RequestKey.Messages, true) => Place.Messages,
            (RequestKey.System, true) => Place.Content,
            (RequestKey.Tools, true) => Place.Tools,
            (RequestKey.Names, true) => Place.Names,
            (RequestKey.CacheControl, false) => Place.CacheControl,
            (RequestKey.Model or RequestKey.Messages or RequestKey.System, _) => Place.Outside,
            _ => Place.Other,
        },
        Place.Messages => isArray ? Place.Outside : Place.Message,
        Place.Message => isArray ? Place.Content : Place.Outside,
        Place.Content => isArray ? Place.Outside : Place.Block,
        Place.Block => (_key, isArray) switch
        {
            (RequestKey.Source, false) => Place.Source,
            (RequestKey.Content, true) => Place.Content,
            (RequestKey.Content, false) => Place.Block,
            (RequestKey.ImageUrl, false) => Place.ImageUrl,
            (RequestKey.CacheControl, false) => Place.CacheControl,
            _ => Place.Outside,
        },
        Place.Source => isArray && _key == RequestKey.Content ? Place.Content : Place.Outside,
        Place.Tools => isArray ? Place.Outside : Place.Tool,
        Place.Tool when _key == RequestKey.CacheControl && !isArray => Place.CacheControl,
        Place.Names => isArray ? Place.Names : Place.Other,
        Place.Tool or Place.Other when isArray && NamesModels(_key) => Place.Names,
        Place.Tool or Place.Other => Place.Other,
        _ => Place.Outside,
    };

    /// <param name="place"><see cref="Place.Outside"/> for what is not looked into.</param>
    private void Open(Place place)
    {
        if (place == Place.Outside || _depth >= DeepestLook)
        {
            // Where a batch or a request must stand and does not, or where a setting may lie too deep, nobody can be sure.
            IsInvalid |= _depth == 0;
            IsUnclear |= Here is Place.BatchRoot or Place.Batch or Place.Item || _depth >= DeepestLook;
            _json.SkipContainer();
            return;
        }

        _places[_depth++] = (byte)place;
        switch (place)
        {
            case Place.Request when _isBatch:
                _shape.Clear();
                _seen &= Bit(RequestKey.Requests) | Bit(RequestKey.Params);
                _hasModel = false;
                break;
            case Place.Item:
                _itemStart = _consumed;
                _seen &= ~Bit(RequestKey.Params);
                break;
            case Place.Block:
                _media.IsImageBlock = false;
                break;
            case Place.Source or Place.ImageUrl:
                _media.Source = place == Place.ImageUrl ? SourceKind.ImageUrl : SourceKind.Other;
                _media.DataLength = -1;
                _media.Probe.Begin();
                break;
            case Place.CacheControl when _shape.CacheWrites == CacheWrites.None:
                _shape.CacheWrites = CacheWrites.FiveMinutes;
                break;
            case Place.Tool:
                _tool.Kind = ToolKind.Other;
                _tool.Uses = AssumedUses;
                _tool.HasModel = false;
                break;
        }
    }

    private bool Close(TextField model, Principal? guarded)
    {
        Place closed = Here;
        _depth--;
        _key = RequestKey.None;
        switch (closed)
        {
            case Place.Source or Place.ImageUrl:
                EndSource();
                return false;
            case Place.Tool:
                EndTool();
                return false;
            case Place.Request when _isBatch:
                _shape.Bytes = _consumed - _itemStart;
                IsUnclear |= !_hasModel;
                return true;
            case Place.Item:
                IsUnclear |= (_seen & Bit(RequestKey.Params)) == 0;
                return false;
            default:
                return false;
        }
    }

    private void BeginField()
    {
        Place here = Here;
        _key = _json.TextLength <= JsonText.Capacity ? RequestKeys.Find(_json.Text) : RequestKey.None;
        bool matters = here switch
        {
            Place.BatchRoot => _key == RequestKey.Requests,
            Place.Item => _key == RequestKey.Params,
            Place.Request => _key != RequestKey.Skipped,
            Place.Message => _key == RequestKey.Content,
            Place.Block =>
                _key is RequestKey.Source or RequestKey.Content or RequestKey.ImageUrl or RequestKey.CacheControl or RequestKey.Type,
            Place.Source => _key is RequestKey.Type or RequestKey.Data or RequestKey.Content,
            Place.ImageUrl => _key == RequestKey.Data,
            Place.CacheControl => _key == RequestKey.Ttl,
            Place.Tool or Place.Other => _key != RequestKey.Skipped,
            _ => false,
        };
        if (!matters)
        {
            _json.SkipValue();
            return;
        }

        bool isSetting = here == Place.Request && _key is not (RequestKey.None or RequestKey.Names or RequestKey.OtherModel);
        if (here is Place.BatchRoot or Place.Item || isSetting)
        {
            IsUnclear |= (_seen & Bit(_key)) != 0;
            _seen |= Bit(_key);
        }
    }

    private void TakeScalar(JsonToken token, TextField model, Principal? guarded)
    {
        switch (Here)
        {
            case Place.Outside:
                // Not an object: no request of the API, and nothing in it is its model.
                IsInvalid = true;
                break;
            case Place.BatchRoot or Place.Batch or Place.Item:
                IsUnclear = true;
                break;
            case Place.Request:
                TakeSetting(token, model, guarded);
                break;
            case Place.Block when _key == RequestKey.Type && token == JsonToken.String:
                _media.IsImageBlock = _json.Text.SequenceEqual("image"u8);
                break;
            case Place.Source when _key == RequestKey.Type && token == JsonToken.String:
                _media.Source = _json.Text.SequenceEqual("base64"u8) ? SourceKind.Base64
                    : _json.Text.SequenceEqual("url"u8) || _json.Text.SequenceEqual("file"u8) ? SourceKind.Elsewhere
                    : SourceKind.Other;
                break;
            case Place.Source or Place.ImageUrl when _key == RequestKey.Data && token == JsonToken.String:
                _media.DataLength = _json.TextLength;
                break;
            case Place.CacheControl when token != JsonToken.String || !_json.Text.SequenceEqual("5m"u8):
                _shape.CacheWrites = CacheWrites.Hour;
                break;
            case Place.Tool:
                TakeToolField(token, guarded);
                break;
            case Place.Names when token == JsonToken.String:
            case Place.Other when token == JsonToken.String && NamesModels(_key):
                Name(guarded);
                break;
        }
    }

    /// <summary>A setting at the top of the request.</summary>
    private void TakeSetting(JsonToken token, TextField model, Principal? guarded)
    {
        switch (_key)
        {
            case RequestKey.Model when token == JsonToken.String:
                _hasModel |= _json.TextLength > 0;
                if (!_isBatch)
                {
                    model.Set(Redaction.Of(_json.Text));
                }

                Name(guarded);
                break;
            case RequestKey.Model when _isBatch:
                IsUnclear = true;
                break;
            case RequestKey.MaxTokens when token != JsonToken.Null:
                bool isClear = TryReadCount(token, out long count) && _shape.MaxTokens != RequestShape.Unclear;
                _shape.MaxTokens = isClear ? Math.Max(_shape.MaxTokens, count) : RequestShape.Unclear;
                break;
            case RequestKey.Choices when TryReadCount(token, out long choices):
                _shape.Choices = Math.Clamp(Math.Max(_shape.Choices, choices), 1, 128);
                break;
            case RequestKey.Speed when token == JsonToken.String && _json.Text.SequenceEqual("fast"u8):
                _shape.Speed = Speed.Fast;
                break;
            case RequestKey.Geo when token == JsonToken.String && _json.Text.SequenceEqual("us"u8):
                _shape.InferenceGeo = InferenceGeo.Us;
                break;
            case RequestKey.Names or RequestKey.OtherModel when token == JsonToken.String:
                Name(guarded);
                break;
        }
    }

    private void TakeToolField(JsonToken token, Principal? guarded)
    {
        switch (_key)
        {
            case RequestKey.Type when token == JsonToken.String:
                _tool.Kind = _json.Text.StartsWith("web_search"u8) ? ToolKind.Search
                    : _json.Text.StartsWith("advisor"u8) ? ToolKind.Advisor
                    : ToolKind.Other;
                break;
            case RequestKey.MaxUses when token != JsonToken.Null:
                _tool.Uses = TryReadCount(token, out long uses) ? Math.Min(uses, MostUses) : MostUses;
                break;
            case RequestKey.Model or RequestKey.OtherModel or RequestKey.Names when token == JsonToken.String:
                Judge(guarded);
                _tool.Model = _shape.Name(_json.Text, isTool: true);
                _tool.HasModel = _tool.Model >= 0;
                break;
        }
    }

    private void EndTool()
    {
        if (_tool.Kind == ToolKind.Search)
        {
            _shape.Searches = Saturating.Add(_shape.Searches, _tool.Uses);
        }

        if (_tool.HasModel)
        {
            // Whatever a tool does with a model of its own, it does it beside the answer.
            _shape.AddToolUses(_tool.Model, Math.Max(1, _tool.Uses));
        }
    }

    private void EndSource()
    {
        bool isHere = _media.Source is SourceKind.Base64 or SourceKind.ImageUrl && _media.DataLength >= 0;
        long tokens = isHere ? _media.Probe.TokensOf(_media.DataLength) : 0;
        if (isHere && !_media.Probe.IsUnknown)
        {
            AddMedia(_media.DataLength, tokens);
        }
        else if (_media.Source == SourceKind.ImageUrl || (_media.Source == SourceKind.Elsewhere && _media.IsImageBlock))
        {
            AddMedia(0, MediaProbe.LargestImage);
        }
        else if (_media.Source == SourceKind.Elsewhere)
        {
            AddMedia(0, MediaProbe.UnseenDocument);
        }
    }

    private void AddMedia(long bytes, long tokens)
    {
        _shape.MediaBytes += bytes;
        _shape.MediaTokens += tokens;
    }

    /// <summary>The bytes from the colon, or from within the string, to as far as they were read.</summary>
    private void Probe(ReadOnlySpan<byte> bytes, bool isInData)
    {
        int start = isInData ? 0 : bytes.IndexOf((byte)'"') + 1;
        if (isInData || start > 0)
        {
            _media.Probe.Feed(bytes[start..]);
        }
    }

    private void Name(Principal? guarded)
    {
        Judge(guarded);
        _shape.Name(_json.Text);
    }

    private void Judge(Principal? guarded)
    {
        IsUnclear |= _json.TextLength > SpendRecord.ModelCapacity;
        HasForbidden |= guarded is not null && _json.TextLength > 0 && !guarded.AllowsModel(_json.Text);
    }

    /// <summary>A count in any form that a lenient reader takes: 128000, 128000.0, 1.28e5, "128000". Rounded up.</summary>
    private bool TryReadCount(JsonToken token, out long count)
    {
        switch (token)
        {
            case JsonToken.Number:
                return _json.TryGetCount(out count) || count > 0;

            case JsonToken.String when _json.TextLength <= JsonText.Capacity:
                return JsonNumberReader.TryParseCount(_json.Text.Trim(" \t\r\n+"u8), out count) || count > 0;

            default:
                count = 0;
                return false;
        }
    }

    [InlineArray(MaxPlaces)]
    private struct Places
    {
        private byte _first;
    }

    /// <summary>The image or document under way.</summary>
    private struct MediaState
    {
        public MediaProbe Probe;
        public SourceKind Source;
        public long DataLength;
        public bool IsImageBlock;
    }

    /// <summary>The tool under way.</summary>
    private struct ToolState
    {
        public ToolKind Kind;
        public int Model;
        public bool HasModel;
        public long Uses;
    }
}
