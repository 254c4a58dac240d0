using System.Runtime.CompilerServices;

namespace Proxy.Core.Metering;

/// <summary>Room for the start of one decoded JSON string.</summary>
[InlineArray(Capacity)]
internal struct JsonText
{
    /// <summary>As long as the longest text that is kept (<see cref="SpendRecord.ModelCapacity"/>); no key that matters is longer.</summary>
    public const int Capacity = SpendRecord.ModelCapacity;

    private byte _first;
}
