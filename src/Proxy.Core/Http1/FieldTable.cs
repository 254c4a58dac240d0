namespace Proxy.Core.Http1;

/// <summary>The field lines of one head, in order. Owned by a connection and reused for each of its messages; not thread-safe.</summary>
public sealed class FieldTable
{
    /// <summary>More field lines than this are refused (431).</summary>
    public const int MaxFields = 100;

    public int Count { get; private set; }

    public ref readonly HeaderField this[int index] => throw new NotImplementedException();

    /// <summary>Index of the first field with this id, or -1.</summary>
    public int Find(FieldId id) => throw new NotImplementedException();

    /// <summary>True when Connection names this field, so that it is for this hop only (RFC 9110 §7.6.1).</summary>
    public bool IsNominated(int index) => throw new NotImplementedException();
}
