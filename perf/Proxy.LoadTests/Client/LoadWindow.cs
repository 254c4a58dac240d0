using HdrHistogram;

namespace Proxy.LoadTests.Client;

/// <summary>What is counted between the end of the warm-up and the end of the run. Thread-safe: each socket thread adds to it.</summary>
internal sealed class LoadWindow
{
    private const long MaxMicroseconds = 600L * 1_000_000;
    private long _requests;
    private long _notOk;
    private long _wrongLength;
    private long _failures;
    private long _bytes;

    /// <summary>Microseconds from the first byte sent to the last byte received.</summary>
    public LongConcurrentHistogram Latency { get; } = new(1, MaxMicroseconds, 3);

    /// <summary>Microseconds until the first byte of the response.</summary>
    public LongConcurrentHistogram FirstByte { get; } = new(1, MaxMicroseconds, 3);

    public long Requests => Interlocked.Read(ref _requests);

    public long NotOk => Interlocked.Read(ref _notOk);

    public long WrongLength => Interlocked.Read(ref _wrongLength);

    /// <summary>Connections that broke, and responses that were no HTTP.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    public long BodyBytes => Interlocked.Read(ref _bytes);

    public void Add(int status, long bodyBytes, bool isExpectedLength, long firstByteMicroseconds, long microseconds)
    {
        Interlocked.Increment(ref _requests);
        Interlocked.Add(ref _bytes, bodyBytes);
        if (status != 200)
        {
            Interlocked.Increment(ref _notOk);
        }
        else if (!isExpectedLength)
        {
            Interlocked.Increment(ref _wrongLength);
        }

        FirstByte.RecordValue(Math.Clamp(firstByteMicroseconds, 1, MaxMicroseconds));
        Latency.RecordValue(Math.Clamp(microseconds, 1, MaxMicroseconds));
    }

    public void AddFailure() => Interlocked.Increment(ref _failures);
}
