namespace Proxy.Host.Import;

/// <summary>A row, or a source as a whole, cannot be imported: the message says where and why, and never repeats a value.</summary>
internal sealed class ImportException(string message, Exception? inner = null) : Exception(message, inner);
