using Proxy.Core.Anthropic;
using Proxy.Core.Metering.Json;

namespace Proxy.Core.Metering;

/// <summary>
/// Reads one JSON document, a whole answer, the data of one stream event or a line of batch results, into a <see cref="UsageDraft"/>. Resumable at any byte. Goes only
/// into the objects that matter; all else is skipped.
/// </summary>
internal struct UsageReader
{
    private JsonTokenizer _json;

    // One byte a level, the innermost lowest. The deepest is root, message, usage, iterations, iteration, cache_creation.
    private ulong _nodes;
    private UsageField _field;
    private long _outputBytes;
    private UsageDocument _document;
    private bool _hasUsage;

    /// <summary>The value of the document's <c>type</c>.</summary>
    public StreamEventKind Kind { get; private set; }

    /// <summary>The batch line's <c>result</c> is a message, and was billed.</summary>
    public bool HasSucceeded { get; private set; }

    /// <summary>The document's one object is closed.</summary>
    public readonly bool IsComplete => _json.IsComplete;

    /// <summary>Its object was closed at some time, whatever came behind it.</summary>
    public bool WasCompleted { get; private set; }

    public readonly bool IsInvalid => _json.IsInvalid;

    /// <summary>A whole <c>usage</c> object was seen, even if the document goes on.</summary>
    public readonly bool HasUsage => _hasUsage;

    /// <summary>Where <c>usage</c> stood: in the root or in <c>message</c>.</summary>
    public UsageNode UsageParent { get; private set; }

    /// <summary>Bytes of text that the model put out, as far as seen.</summary>
    public readonly long OutputBytes => _outputBytes + (_field == UsageField.Text && _json.IsInString ? _json.TextLength : 0);

    private readonly UsageNode Node => (UsageNode)(_nodes & 0xFF);

    public void Begin(UsageDraft draft, UsageDocument document)
    {
        _json.Reset();
        _nodes = 0;
        _field = UsageField.None;
        _outputBytes = 0;
        _document = document;
        _hasUsage = false;
        Kind = StreamEventKind.Unnamed;
        HasSucceeded = false;
        WasCompleted = false;
        UsageParent = UsageNode.Outside;
        draft.Clear();
    }

    public void Feed(ReadOnlySpan<byte> data, UsageDraft draft)
    {
        int position = 0;
        while (true)
        {
            switch (_json.Read(data, ref position))
            {
                case JsonToken.NeedMore or JsonToken.Invalid:
                    return;

                case JsonToken.Key:
                    _field = _json.TextLength <= JsonText.Capacity ? UsageKeys.Find(Node, _document, _json.Text) : UsageField.None;
                    if (_field == UsageField.None)
                    {
                        _json.SkipValue();
                    }

                    break;

                case JsonToken.StartObject:
                    Enter(ObjectAt(Node, _field), draft);
                    break;

                case JsonToken.StartArray:
                    Enter(ArrayAt(Node, _field), draft);
                    break;

                case JsonToken.EndObject or JsonToken.EndArray:
                    Leave(draft);
                    break;

                case JsonToken.String:
                    OnString(draft);
                    break;

                case JsonToken.Number:
                    if (_field >= UsageField.InputTokens && _json.TryGetCount(out long count))
                    {
                        draft.SetCount(_field, count);
                    }

                    break;
            }
        }
    }

    private static UsageNode ObjectAt(UsageNode parent, UsageField field) => parent switch
    {
        UsageNode.Outside => UsageNode.Root,
        UsageNode.Iterations => UsageNode.Iteration,
        UsageNode.Content => UsageNode.Output,
        _ => field switch
        {
            UsageField.Message => UsageNode.Message,
            UsageField.Result => UsageNode.Result,
            UsageField.Usage => UsageNode.Usage,
            UsageField.CacheCreation => UsageNode.CacheCreation,
            UsageField.OutputDetails => UsageNode.OutputDetails,
            UsageField.ServerToolUse => UsageNode.ServerToolUse,
            UsageField.Delta => UsageNode.Output,
            _ => UsageNode.Outside,
        },
    };

    private static UsageNode ArrayAt(UsageNode parent, UsageField field) => (parent, field) switch
    {
        (UsageNode.Usage, UsageField.Iterations) => UsageNode.Iterations,
        (UsageNode.Root, UsageField.Content) => UsageNode.Content,
        _ => UsageNode.Outside,
    };

    private void Enter(UsageNode node, UsageDraft draft)
    {
        _field = UsageField.None;
        switch (node)
        {
            case UsageNode.Outside:
                _json.SkipContainer();
                return;

            case UsageNode.Message:
                draft.ClearAnswer();
                break;

            case UsageNode.Usage:
                UsageParent = Node;
                _hasUsage = false;
                draft.ClearUsage();
                break;

            case UsageNode.Iterations:
                draft.BeginIterations();
                break;

            case UsageNode.Iteration:
                draft.BeginIteration();
                break;

            case UsageNode.CacheCreation:
                draft.BeginCacheCreation();
                break;
        }

        _nodes = (_nodes << 8) | (byte)node;
    }

    private void Leave(UsageDraft draft)
    {
        switch (Node)
        {
            case UsageNode.Iteration:
                draft.EndIteration();
                break;

            case UsageNode.Usage:
                _hasUsage = true;
                break;
        }

        // What follows is a sibling of the container: in an array it has no key of its own.
        _field = UsageField.None;
        _nodes >>= 8;
        WasCompleted |= _json.IsComplete;
    }

    private void OnString(UsageDraft draft)
    {
        ReadOnlySpan<byte> text = _json.Text;
        switch (_field)
        {
            case UsageField.Type when Node == UsageNode.Result:
                HasSucceeded = text.SequenceEqual("succeeded"u8);
                break;
            case UsageField.CustomId:
                draft.CustomId.Set(text);
                break;
            case UsageField.Type when Node == UsageNode.Root:
                Kind = StreamEventNames.Find(text);
                break;
            case UsageField.Type:
                draft.SetIterationKind(text);
                break;
            case UsageField.Model when Node == UsageNode.Iteration:
                draft.SetIterationModel(text);
                break;
            case UsageField.Model:
                draft.Model.Set(text);
                break;
            case UsageField.Id:
                draft.MessageId.Set(text);
                break;
            case UsageField.Text:
                _outputBytes += _json.TextLength;
                break;
            case UsageField.ServiceTier or UsageField.Speed or UsageField.InferenceGeo:
                draft.SetWord(_field, text);
                break;
        }
    }
}

/// <summary>What kind of document a <see cref="UsageReader"/> reads: it decides where <c>usage</c> may stand.</summary>
internal enum UsageDocument : byte
{
    /// <summary>An answer that is one JSON document.</summary>
    Answer = 0,

    /// <summary>The data of one stream event.</summary>
    StreamEvent,

    /// <summary>One line of batch results.</summary>
    BatchLine,
}

/// <summary>The objects and arrays of an answer that <see cref="UsageReader"/> goes into.</summary>
internal enum UsageNode : byte
{
    Outside = 0,
    Root,
    Message,
    Usage,
    CacheCreation,
    OutputDetails,
    ServerToolUse,
    Iterations,
    Iteration,

    /// <summary><c>result</c> of a line of batch results.</summary>
    Result,

    /// <summary><c>content</c> of an answer that is not a stream.</summary>
    Content,

    /// <summary>An element of <see cref="Content"/>, or the <c>delta</c> of a stream event.</summary>
    Output,
}
