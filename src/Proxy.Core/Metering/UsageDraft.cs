using Proxy.Core.Spend;

namespace Proxy.Core.Metering;

/// <summary>
/// What one JSON document says about usage, kept apart from the record until the document proved whole: half a number of a stream that is
/// cut must never be booked. Its root and its <c>message</c> are kept apart, because which of them counts is known only when the document's
/// kind is. Owned by a <see cref="ResponseMeter"/> and reused with it.
/// </summary>
internal sealed class UsageDraft
{
    // Most connections wait for work, and most answers have only one of the two.
    private UsagePart? _message;

    public UsagePart Root { get; } = new();

    public UsagePart Message => _message ??= new UsagePart();

    /// <summary>The one that is being read.</summary>
    public UsagePart Current { get; private set; } = null!;

    /// <summary>Of a line of batch results.</summary>
    public TextField CustomId { get; } = new(SpendRecord.ModelCapacity);

    /// <summary>Which refusals before any output cost nothing.</summary>
    public FreeRefusals FreeRefusals { get; set; } = FreeRefusals.All;

    public void Clear()
    {
        CustomId.Clear();
        Root.Clear();
        _message?.Clear();
        Current = Root;
    }

    /// <summary>A <c>message</c> object begins: of two in one document the last one counts.</summary>
    public void BeginMessage()
    {
        Message.Clear();
        Current = Message;
    }

    public void EndMessage() => Current = Root;
}
