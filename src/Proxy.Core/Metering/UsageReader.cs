using Proxy.Core.Anthropic;
using Proxy.Core.Metering.Json;

namespace Proxy.Core.Metering;

/// <summary>
/// Reads one JSON document, a whole answer, the data of one stream event or a line of batch results, into a <see cref="UsageDraft"/>.
/// Resumable at any byte. Goes only into the objects that matter; all else is skipped.
/// </summary>
internal struct UsageReader
{
    private JsonTokenizer _json;

    // One byte a level, the innermost lowest. The deepest is root, result, message, usage, iterations, iteration, cache_creation.
    private ulong _nodes;
    private UsageField _field;
    private long _outputBytes;
    private UsageDocument _document;
    /// <summary>The value of the document's <c>type</c>.</summary>
    public StreamEventKind Kind { get; private set; }

    /// <summary>The batch line's <c>result</c> is a message, and was billed.</summary>
    public bool HasSucceeded { get; private set; }

    /// <summary>The document's one object is closed.</summary>
    public readonly bool IsComplete => _json.IsComplete;

    /// <summary>Its object was closed at some time, whatever came behind it.</summary>
    public bool WasCompleted { get; private set; }

    public readonly bool IsInvalid => _json.IsInvalid;

    /// <summary>A whole <c>usage</c> object was seen in the root, even if the document goes on.</summary>
    public bool HasRootUsage { get; private set; }

    /// <summary>A block of content was seen that the model put out: any but the note that another model takes over.</summary>
    public bool HasContent { get; private set; }

    /// <summary>The latest block of content is the note that another model takes over.</summary>
    public bool IsSwitch { get; private set; }

    /// <summary>The root's <c>stop_reason</c> says something.</summary>
    public bool HasStopReason { get; private set; }

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
        IsSwitch = false;
        HasRootUsage = false;
        HasContent = false;
        HasStopReason = false;
        Kind = StreamEventKind.Unnamed;
        HasSucceeded = false;
        WasCompleted = false;
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
                    OnNumber(draft.Current);
                    break;

                case JsonToken.True or JsonToken.False when UsageKeys.IsCount(_field):
                    draft.Current.MarkIrregular();
                    break;
            }
        }
    }

    private static UsageNode ObjectAt(UsageNode parent, UsageField field) => parent switch
    {
        UsageNode.Outside => UsageNode.Root,
        UsageNode.Iterations => UsageNode.Iteration,
        UsageNode.Content => UsageNode.Output,
        UsageNode.Choices => UsageNode.Choice,
        UsageNode.Choice or UsageNode.ToolCall => UsageNode.ChatOutput,
        UsageNode.ToolCalls => UsageNode.ToolCall,
        _ => field switch
        {
            UsageField.Message => UsageNode.Message,
            UsageField.Result => UsageNode.Result,
            UsageField.Usage => UsageNode.Usage,
            UsageField.CacheCreation => UsageNode.CacheCreation,
            UsageField.OutputDetails => UsageNode.OutputDetails,
            UsageField.ServerToolUse => UsageNode.ServerToolUse,
            UsageField.PromptDetails => UsageNode.PromptDetails,
            UsageField.ContentBlock => UsageNode.Output,
            UsageField.Delta => UsageNode.Delta,
            UsageField.StopDetails => UsageNode.StopDetails,
            _ => UsageNode.Outside,
        },
    };

    private static UsageNode ArrayAt(UsageNode parent, UsageField field) => (parent, field) switch
    {
        (UsageNode.Usage, UsageField.Iterations) => UsageNode.Iterations,
        (UsageNode.Root or UsageNode.Message, UsageField.Content) => UsageNode.Content,
        (UsageNode.Root, UsageField.Choices) => UsageNode.Choices,
        (UsageNode.ChatOutput, UsageField.ToolCalls) => UsageNode.ToolCalls,
        _ => UsageNode.Outside,
    };

    private void Enter(UsageNode node, UsageDraft draft)
    {
        UsageField field = _field;
        _field = UsageField.None;
        switch (node)
        {
            case UsageNode.Outside:
                if (UsageKeys.IsCount(field))
                {
                    draft.Current.MarkIrregular();
                }

                if (field == UsageField.Error)
                {
                    Kind = StreamEventKind.Error;
                }

                _json.SkipContainer();
                return;

            case UsageNode.Message:
                draft.BeginMessage();
                break;

            case UsageNode.Usage:
                HasRootUsage &= Node != UsageNode.Root;
                draft.Current.BeginUsage();
                break;

            case UsageNode.Iterations:
                draft.Current.BeginIterations();
                break;

            case UsageNode.Iteration:
                draft.Current.BeginIteration();
                break;

            case UsageNode.CacheCreation:
                draft.Current.BeginCacheCreation();
                break;

            case UsageNode.Output:
                IsSwitch = false;
                break;
        }

        _nodes = (_nodes << 8) | (byte)node;
    }

    private void Leave(UsageDraft draft)
    {
        UsageNode left = Node;

        // What follows is a sibling of the container: in an array it has no key of its own.
        _field = UsageField.None;
        _nodes >>= 8;
        switch (left)
        {
            case UsageNode.Iteration:
                draft.Current.EndIteration();
                break;

            case UsageNode.Usage:
                draft.Current.EndUsage(inputHoldsCached: _document == UsageDocument.ChatCompletion);
                HasRootUsage |= Node == UsageNode.Root;
                break;

            case UsageNode.Message:
                draft.EndMessage();
                break;

            case UsageNode.Output:
                HasContent |= !IsSwitch;
                break;
        }

        WasCompleted |= _json.IsComplete;
    }

    private void OnNumber(UsagePart part)
    {
        if (!UsageKeys.IsCount(_field))
        {
            return;
        }

        if (!_json.TryGetCount(out long count))
        {
            part.MarkIrregular();
        }

        // A part of a token is a token; what is below zero or no number counts nothing, and the earlier value stays.
        if (count > 0 || _json.TryGetCount(out _))
        {
            part.SetCount(_field, count);
        }
    }

    private void OnString(UsageDraft draft)
    {
        ReadOnlySpan<byte> text = _json.Text;
        UsagePart part = draft.Current;
        switch (_field)
        {
            case UsageField.Type:
                OnType(text, part);
                break;
            case UsageField.CustomId:
                draft.CustomId.Set(text);
                break;
            case UsageField.Model when Node == UsageNode.Iteration:
                part.SetIterationModel(text);
                break;
            case UsageField.Model:
                part.Model.Set(text);
                break;
            case UsageField.Id:
                part.MessageId.Set(text);
                break;
            case UsageField.Text:
                _outputBytes += _json.TextLength;
                break;
            case UsageField.StopReason:
                HasStopReason |= Node == UsageNode.Root;
                part.SetStopReason(text);
                break;
            case UsageField.Category:
                part.SetRefusalCategory(text);
                break;
            case UsageField.ServiceTier or UsageField.Speed or UsageField.InferenceGeo:
                part.SetWord(_field, text);
                break;
            case UsageField.Error:
                Kind = StreamEventKind.Error;
                break;
            default:
                OnTextOfCount(text, part);
                break;
        }
    }

    private void OnType(ReadOnlySpan<byte> text, UsagePart part)
    {
        switch (Node)
        {
            case UsageNode.Result:
                HasSucceeded = text.SequenceEqual("succeeded"u8);
                break;
            case UsageNode.Root:
                Kind = StreamEventNames.Find(text);
                break;
            case UsageNode.Output:
                IsSwitch = text.SequenceEqual("fallback"u8);
                break;
            default:
                part.SetIterationKind(text);
                break;
        }
    }

    /// <summary>A count between quotes is one to a lenient reader.</summary>
    private void OnTextOfCount(ReadOnlySpan<byte> text, UsagePart part)
    {
        if (!UsageKeys.IsCount(_field))
        {
            return;
        }

        part.MarkIrregular();
        if (JsonNumberReader.TryParseCount(text, out long count))
        {
            part.SetCount(_field, count);
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

    /// <summary>An answer of <c>/v1/chat/completions</c>, or the data of one of its stream events.</summary>
    ChatCompletion,

    /// <summary>An answer of <c>/v1/complete</c>, or the data of one of its stream events.</summary>
    TextCompletion,
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

    /// <summary>An element of <see cref="Content"/>, or the <c>content_block</c> of a stream event.</summary>
    Output,

    /// <summary><c>delta</c> of a stream event.</summary>
    Delta,
    StopDetails,

    /// <summary>Of a chat completion.</summary>
    Choices,
    Choice,

    /// <summary><c>message</c>, <c>delta</c>, or the <c>function</c> of a tool call.</summary>
    ChatOutput,
    ToolCalls,
    ToolCall,
    PromptDetails,
}
