using System.Net;
using System.Text;
using Proxy.Host.Admin;

namespace Proxy.Host.Configuration;

/// <summary>The <c>admin</c> section.</summary>
internal static class AdminReader
{
    /// <summary>What the address of a unix socket can hold (sun_path of Linux, with its terminator).</summary>
    private const int MaxSocketPath = 107;

    public static AdminListen? Read(SectionReader admin, ConfigurationSource source, string state)
    {
        bool enabled = admin.Flag("enabled") ?? true;
        string? runtime = source.Environment.GetValueOrDefault("RUNTIME_DIRECTORY");
        string socket = admin.Text("socket") ?? Path.Combine(string.IsNullOrEmpty(runtime) ? state : runtime.Split(':')[0], "admin.sock");
        if (enabled && Encoding.UTF8.GetByteCount(socket) > MaxSocketPath)
        {
            admin.Problem("socket", $"{socket} is longer than the {MaxSocketPath} bytes that the path of a unix socket may have");
        }

        IPEndPoint? address = null;
        if (admin.Text("listen") is { } text && (!IPEndPoint.TryParse(text, out address) || address.Port == 0))
        {
            admin.Problem("listen", "must be an IP address and a port, for example 127.0.0.1:4001");
        }

        admin.Finish();
        return enabled ? new AdminListen(socket, address) : null;
    }
}
