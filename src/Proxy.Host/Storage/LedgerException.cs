namespace Proxy.Host.Storage;

/// <summary>The ledger cannot be used at all: the message names the file, the cause and what to do.</summary>
internal sealed class LedgerException(string message, Exception? inner = null) : Exception(message, inner);
