using System.Net;

namespace Proxy.Host.Admin;

/// <summary>Where the admin API listens: a unix socket, a TCP address, or both.</summary>
internal sealed record AdminListen(string? Socket, IPEndPoint? Address);
