using Proxy.Core.Anthropic;
using Proxy.Core.Spend;

namespace Proxy.Core.Metering;

/// <summary>Reads the usage of an answer that is one JSON document. Resumable at any byte.</summary>
internal struct JsonUsageScanner
{
    private UsageReader _reader;
    private bool _isBooked;

    /// <summary>The whole document was read.</summary>
    public readonly bool IsComplete => _reader.IsComplete;

    /// <summary>It says of itself that it is an error.</summary>
    public readonly bool IsError => _reader.Kind == StreamEventKind.Error;

    /// <summary>What was read so far is not JSON, or it ended without being an answer.</summary>
    public readonly bool IsUnreadable => _reader.IsInvalid || (_reader.IsComplete && !_reader.HasRootUsage && !IsError);

    public readonly bool HasUsage => _reader.HasRootUsage && !IsError;

    /// <summary>Bytes of text the model put out, as far as read.</summary>
    public readonly long OutputBytes => _reader.OutputBytes;

    /// <summary>Something came that the model put out.</summary>
    public readonly bool OutputBegan => _reader.HasContent || _reader.OutputBytes != 0;

    public void Begin(UsageDraft draft, UsageDocument document)
    {
        _isBooked = false;
        _reader.Begin(draft, document);
    }

    public void Feed(ReadOnlySpan<byte> data, UsageDraft draft, SpendRecord record)
    {
        _reader.Feed(data, draft);
        if (_reader.WasCompleted)
        {
            Book(draft, record);
        }
    }

    /// <summary>The body is over. A <c>usage</c> that was read whole counts even if the document broke off behind it.</summary>
    public void End(UsageDraft draft, SpendRecord record)
    {
        if (_reader.WasCompleted || _reader.HasRootUsage)
        {
            Book(draft, record);
        }
    }

    private void Book(UsageDraft draft, SpendRecord record)
    {
        // An error body that carries a usage object all the same was not billed.
        if (!_isBooked && !IsError)
        {
            _isBooked = true;
            draft.Root.ApplyTo(record);

            // Of a document that broke off nobody knows what came behind.
            draft.FreeRefusals.Mark(record, draft.Root, OutputBegan || !_reader.WasCompleted);
        }
    }
}
