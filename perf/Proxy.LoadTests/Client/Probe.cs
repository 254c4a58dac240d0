using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Proxy.LoadTests.Client;

/// <summary>One request before the load: an answer that is not the expected one would make every figure meaningless.</summary>
internal static class Probe
{
    /// <returns>Bytes of content, which every answer of the load must have.</returns>
    public static long Run(EndPoint target, byte[] request, string marker)
    {
        StringBuilder text = new();
        ResponseFramer framer = default;
        try
        {
            using Socket socket = LoadClient.Connect(target);
            socket.ReceiveTimeout = 10_000;
            socket.Send(request);
            byte[] buffer = new byte[64 * 1024];
            while (!framer.IsEnded)
            {
                int length = socket.Receive(buffer);
                if (length == 0)
                {
                    throw new LoadException($"{target} closed the connection within its answer: {Start(text)}");
                }

                framer.Feed(buffer.AsSpan(0, length));
                text.Append(Encoding.Latin1.GetString(buffer, 0, length));
            }
        }
        catch (SocketException fault)
        {
            throw new LoadException($"{target}: {fault.Message}", fault);
        }

        return framer.Status == 200 && framer.State == FramerState.Complete && text.ToString().Contains(marker, StringComparison.Ordinal)
            ? framer.BodyBytes
            : throw new LoadException($"{target} does not answer the scenario: {Start(text)}");
    }

    private static string Start(StringBuilder text) => text.ToString(0, Math.Min(text.Length, 600));
}
