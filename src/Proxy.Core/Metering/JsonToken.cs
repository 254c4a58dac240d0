namespace Proxy.Core.Metering;

/// <summary>What <see cref="JsonTokenizer.Read"/> found.</summary>
internal enum JsonToken : byte
{
    /// <summary>All bytes are consumed; call again with the next ones.</summary>
    NeedMore = 0,

    /// <summary>Not JSON. Nothing more will come.</summary>
    Invalid,
    StartObject,
    EndObject,
    StartArray,
    EndArray,

    /// <summary>A key; decoded in <see cref="JsonTokenizer.Text"/>.</summary>
    Key,

    /// <summary>A string value; decoded in <see cref="JsonTokenizer.Text"/>.</summary>
    String,

    /// <summary>A number; in <see cref="JsonTokenizer.TryGetCount"/> when it is a count.</summary>
    Number,

    True,
    False,
    Null,
}
