namespace Proxy.Core.Http1;

/// <summary>One field line of a parsed head. <see cref="Line"/> includes its CRLF; <see cref="Value"/> is without the whitespace around it.</summary>
public readonly record struct HeaderField(FieldId Id, Slice Line, Slice Name, Slice Value);
