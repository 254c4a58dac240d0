using System.Diagnostics.CodeAnalysis;

namespace Proxy.Core.Tests.Upstream;

/// <summary>Answers requests of one length with responses of one length until the client goes, on one thread whose allocations it knows.</summary>
internal sealed class BlockingServer
{
    private readonly Stream _stream;
    private readonly int _responseLength;
    private readonly int _events;
    private readonly byte[] _request;
    private readonly Thread _thread;
    private long _allocated;

    public BlockingServer(Stream stream, int requestLength, int responseLength, int events)
    {
        _stream = stream;
        _responseLength = responseLength;
        _events = events;
        _request = new byte[requestLength];
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>What the thread allocated up to the last response.</summary>
    public long AllocatedBytes => Volatile.Read(ref _allocated);

    public void Join() => _thread.Join();

    [SuppressMessage("Reliability", "CA2022", Justification = "ReadExactly.")]
    private void Run()
    {
        byte[] response = new byte[_responseLength];
        try
        {
            while (true)
            {
                _stream.ReadExactly(_request);
                for (int i = 0; i < _events - 1; i++)
                {
                    _stream.Write(response);
                }

                Volatile.Write(ref _allocated, GC.GetAllocatedBytesForCurrentThread());
                _stream.Write(response);
            }
        }
        catch (Exception fault) when (fault is IOException or EndOfStreamException)
        {
            _stream.Dispose();
        }
    }
}
