using Proxy.Core.Admission;
using Proxy.Core.Anthropic;
using Proxy.Core.Metering.Json;
using Proxy.Core.Spend;

namespace Proxy.Core.Metering;

/// <summary>
/// Follows an event stream (WHATWG HTML §9.2.6) for usage. Resumable at any byte, buffers no line. A record is booked when its blank line
/// comes, as the grammar says: what a cut stream leaves behind is not an event.
/// </summary>
internal struct SseUsageScanner
{
    private Step _step;
    private bool _skipLineFeed;

    private JsonText _event;
    private int _eventLength;
    private FieldState _field;
    private DataState _data;
    private UsageDocument _document;
    private UsageReader _reader;

    private enum Step : byte
    {
        Start = 0,
        Bom2,
        Bom3,
        LineStart,
        Name,
        ValueStart,
        Value,
        Ignored,
    }

    /// <summary><c>message_stop</c>, or the <c>[DONE]</c> of a chat completion, was seen: the stream is whole.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>An <c>error</c> event was seen.</summary>
    public bool HasError { get; private set; }

    /// <summary>An event that matters did not hold JSON.</summary>
    public bool IsUnreadable { get; private set; }

    /// <summary>The model began to put something out.</summary>
    public bool OutputBegan { get; private set; }

    /// <summary>Bytes of text the model put out so far.</summary>
    public long OutputBytes { get; private set; }

    /// <summary>The latest output count covers everything put out so far.</summary>
    public bool OutputIsReported { get; private set; }

    /// <summary>Usage was reported.</summary>
    public bool HasUsage { get; private set; }

    private static ReadOnlySpan<byte> Done => "[DONE]"u8;

    /// <param name="document">What the data of its events is.</param>
    public void Begin(UsageDraft draft, UsageDocument document)
    {
        _document = document;
        _step = Step.Start;
        _skipLineFeed = false;
        IsStopped = false;
        HasError = false;
        IsUnreadable = false;
        OutputBegan = false;
        OutputBytes = 0;
        OutputIsReported = false;
        HasUsage = false;
        BeginRecord(draft);
    }

    public void Feed(ReadOnlySpan<byte> data, UsageDraft draft, SpendRecord record)
    {
        int position = 0;
        while (position < data.Length)
        {
            byte next = data[position];
            switch (_step)
            {
                case Step.Value or Step.Ignored:
                    ReadValue(data, ref position, draft);
                    break;

                case Step.ValueStart:
                    // One space behind the colon belongs to the syntax.
                    position += next == ' ' ? 1 : 0;
                    _step = Step.Value;
                    break;

                case Step.Name:
                    ReadName(next, ref position, draft);
                    break;

                case Step.LineStart:
                    if (_skipLineFeed)
                    {
                        _skipLineFeed = false;
                        if (next == '\n')
                        {
                            position++;
                            break;
                        }
                    }

                    if (next is (byte)'\r' or (byte)'\n')
                    {
                        position++;
                        _skipLineFeed = next == '\r';
                        Dispatch(draft, record);
                        break;
                    }

                    _step = Step.Name;
                    _field.Name = 0;
                    _field.Length = 0;
                    break;

                default:
                    ReadByteOrderMark(next, ref position);
                    break;
            }
        }
    }

    private void ReadByteOrderMark(byte next, ref int position)
    {
        switch (_step, next)
        {
            case (Step.Start, 0xEF):
                _step = Step.Bom2;
                position++;
                break;
            case (Step.Bom2, 0xBB):
                _step = Step.Bom3;
                position++;
                break;
            case (Step.Bom3, 0xBF):
                _step = Step.LineStart;
                position++;
                break;
            case (Step.Start, _):
                _step = Step.LineStart;
                break;
            default:
                // The start of a mark and then something else: a field name nobody knows.
                _step = Step.Name;
                _field.Name = 0;
                _field.Length = byte.MaxValue;
                break;
        }
    }

    private void ReadName(byte next, ref int position, UsageDraft draft)
    {
        switch (next)
        {
            case (byte)':':
                position++;
                _step = BeginValue(draft) ? Step.ValueStart : Step.Ignored;
                break;

            case (byte)'\r' or (byte)'\n':
                // A line without a colon is a field with an empty value. The line end is consumed by the value.
                _step = BeginValue(draft) ? Step.Value : Step.Ignored;
                break;

            default:
                position++;
                _field.Name = (_field.Name << 8) | next;
                if (++_field.Length > 5)
                {
                    _step = Step.Ignored;
                }

                break;
        }
    }

    /// <summary>False when the field is one to ignore; a comment is a field with an empty name.</summary>
    private bool BeginValue(UsageDraft draft)
    {
        // "data" and "event", big-endian.
        _field.IsData = _field.Length == 4 && _field.Name == 0x64617461;
        _data.ValueBegun = false;
        if (_field.IsData)
        {
            if (_data.Lines++ != 0)
            {
                UnfoldPlain(draft);
                _reader.Feed("\n"u8, draft);
            }

            return true;
        }

        if (_field.Length == 5 && _field.Name == 0x6576656E74)
        {
            _eventLength = 0;
            return true;
        }

        return false;
    }

    private void ReadValue(ReadOnlySpan<byte> data, ref int position, UsageDraft draft)
    {
        ReadOnlySpan<byte> rest = data[position..];
        int end = rest.IndexOfAny((byte)'\r', (byte)'\n');
        if (_step == Step.Value)
        {
            ReadOnlySpan<byte> value = end < 0 ? rest : rest[..end];
            if (_field.IsData)
            {
                ReadData(value, isWhole: end >= 0 && !_data.ValueBegun, draft);
            }
            else
            {
                AppendEvent(value);
            }
        }

        if (end < 0)
        {
            position = data.Length;
            return;
        }

        position += end + 1;
        _skipLineFeed = rest[end] == '\r';
        _step = Step.LineStart;
    }

    private void ReadData(ReadOnlySpan<byte> value, bool isWhole, UsageDraft draft)
    {
        if (isWhole && _data.Lines == 1 && IsEvent("content_block_delta"u8) && PlainDelta.TryMeasure(value, out int length))
        {
            _data.PlainBytes = length;
            _data.IsPlain = true;
            return;
        }

        _data.ValueBegun = true;
        FollowDone(value);
        _reader.Feed(value, draft);
    }

    /// <summary>The end of a chat completion's stream is no JSON.</summary>
    private void FollowDone(ReadOnlySpan<byte> value)
    {
        if (_data.DoneLength >= 0)
        {
            bool follows = value.Length <= Done.Length - _data.DoneLength && Done[_data.DoneLength..].StartsWith(value);
            _data.DoneLength = follows ? _data.DoneLength + value.Length : -1;
        }
    }

    /// <summary>
    /// What followed the line makes another event of it: gives the reader what it would have made of the line, its text aside.
    /// </summary>
    private void UnfoldPlain(UsageDraft draft)
    {
        if (_data.IsPlain)
        {
            _data.IsPlain = false;
            _reader.Feed("{\"type\":\"content_block_delta\"}"u8, draft);
        }
    }

    private readonly bool IsEvent(ReadOnlySpan<byte> name) => ((ReadOnlySpan<byte>)_event)[.._eventLength].SequenceEqual(name);

    private void AppendEvent(ReadOnlySpan<byte> value)
    {
        int count = Math.Min(value.Length, JsonText.Capacity - _eventLength);
        value[..count].CopyTo(((Span<byte>)_event)[_eventLength..]);
        _eventLength += count;
    }

    private void Dispatch(UsageDraft draft, SpendRecord record)
    {
        if (_data.Lines != 0)
        {
            if (_document != UsageDocument.StreamEvent)
            {
                UnfoldPlain(draft);
                OnCompletion(draft, record);
                BeginRecord(draft);
                return;
            }

            StreamEventKind kind = StreamEventNames.Find(((ReadOnlySpan<byte>)_event)[.._eventLength]);
            if (kind != StreamEventKind.ContentBlockDelta)
            {
                UnfoldPlain(draft);
            }

            OnEvent(kind == StreamEventKind.Unnamed ? _reader.Kind : kind, draft, record);
        }

        BeginRecord(draft);
    }

    private void OnEvent(StreamEventKind kind, UsageDraft draft, SpendRecord record)
    {
        switch (kind)
        {
            case StreamEventKind.MessageStart:
                Commit(draft.Message, draft.Root, record);
                break;

            case StreamEventKind.MessageDelta:
                if (Commit(draft.Root, draft.Message, record))
                {
                    OutputIsReported |= draft.Root.HasUsage && draft.Root.ReportsOutput;
                    draft.FreeRefusals.Mark(record, draft.Root, OutputBegan);
                }

                break;

            case StreamEventKind.ContentBlockStart:
                OutputBegan |= !_reader.IsSwitch;
                OutputIsReported = false;
                break;

            case StreamEventKind.ContentBlockDelta:
                OutputBegan = true;
                OutputIsReported = false;
                OutputBytes = Saturating.Add(OutputBytes, _data.PlainBytes + _reader.OutputBytes);
                break;

            case StreamEventKind.MessageStop:
                IsStopped = true;
                break;

            case StreamEventKind.Error:
                HasError = true;
                break;
        }
    }

    /// <summary>An event of a completion: each may hold text, usage, or both.</summary>
    private void OnCompletion(UsageDraft draft, SpendRecord record)
    {
        if (_data.DoneLength == Done.Length)
        {
            IsStopped = true;
            return;
        }

        if (_reader.Kind == StreamEventKind.Error || IsEvent("error"u8))
        {
            HasError = true;
            return;
        }

        if (!_reader.IsComplete)
        {
            IsUnreadable = true;
            return;
        }

        if (_reader.OutputBytes != 0)
        {
            OutputBegan = true;
            OutputIsReported = false;
            OutputBytes = Saturating.Add(OutputBytes, _reader.OutputBytes);
        }

        IsStopped |= _document == UsageDocument.TextCompletion && _reader.HasStopReason;
        if (draft.Root.HasUsage || (record.ModelServed.IsEmpty && !draft.Root.Model.IsEmpty))
        {
            Commit(draft.Root, draft.Message, record);
            OutputIsReported |= draft.Root.HasUsage && draft.Root.ReportsOutput;
        }
    }

    /// <summary>Books what stands in the right place. Usage in the other one is not this event's, but that it was there is said.</summary>
    private bool Commit(UsagePart place, UsagePart other, SpendRecord record)
    {
        if (!_reader.IsComplete)
        {
            IsUnreadable = true;
            return false;
        }

        if (other.HasUsage)
        {
            record.Flags |= SpendFlags.Irregular;
        }

        HasUsage |= place.HasCounts;
        place.ApplyTo(record);
        return true;
    }

    private void BeginRecord(UsageDraft draft)
    {
        _eventLength = 0;
        _data.Lines = 0;
        _data.PlainBytes = 0;
        _data.IsPlain = false;
        _data.DoneLength = 0;
        _reader.Begin(draft, _document);
    }

    /// <summary>The field of the line under way.</summary>
    private struct FieldState
    {
        /// <summary>As a number while it is at most five bytes: "data" and "event" are all that matter.</summary>
        public ulong Name;
        public int Length;
        public bool IsData;
    }

    /// <summary>The data of the event under way.</summary>
    private struct DataState
    {
        public int Lines;
        public bool ValueBegun;

        /// <summary>Of a delta that was read without the JSON reader.</summary>
        public int PlainBytes;
        public bool IsPlain;

        /// <summary>Of <c>[DONE]</c>.</summary>
        public int DoneLength;
    }
}
