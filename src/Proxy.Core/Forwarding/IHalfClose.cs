namespace Proxy.Core.Forwarding;

/// <summary>
/// A feature of a connection whose sending side can be ended while it is still read (RFC 9112 §9.6, §9.8): the client sees at once that no
/// more will come,
/// and that nothing was cut off, and what it still sends does not reset the answer away. Absent where the transport cannot promise it.
/// </summary>
public interface IHalfClose
{
    /// <summary>Ends the sending side behind everything that was flushed; every flush and read must be over. Never throws.</summary>
    /// <returns>False when it could not be ended.</returns>
    ValueTask<bool> TryShutdownSendAsync();
}
