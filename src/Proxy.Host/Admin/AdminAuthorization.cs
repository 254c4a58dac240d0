using System.Security.Cryptography;
using System.Text;
using Proxy.Host.Configuration;

namespace Proxy.Host.Admin;

/// <summary>
/// Who may use the admin API: whoever may open the unix socket, and over TCP whoever has the admin key. A virtual key may ask about itself and
/// nothing else.
/// </summary>
internal static class AdminAuthorization
{
    private const string ActorItem = "actor";
    private const string HolderItem = "holder";

    public static string ActorOf(HttpContext http) => (string)http.Items[ActorItem]!;

    /// <summary>The value with which somebody who is no operator asks about itself: only a key opens, never the name or the hash of one.</summary>
    public static string? HolderOf(HttpContext http) => http.Items.TryGetValue(HolderItem, out object? holder) ? (string?)holder : null;

    /// <summary>The one answer to all that does not open, known in another way or not at all.</summary>
    public static AdminException NotTheAdminKey() => new(401, "auth_error", null, "this is not the admin key");

    /// <summary>The key a caller named, for <c>/key/info</c> about itself.</summary>
    public static string? PresentedKey(HttpContext http)
    {
        string? named = http.Request.Headers["x-litellm-api-key"].ToString() is { Length: > 0 } key ? key : http.Request.Headers.Authorization.ToString();
        return named.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? named[7..].Trim() : named.Length == 0 ? null : named;
    }

    public static Task CheckAsync(HttpContext http, RequestDelegate next, AdminContext context)
    {
        if (http.Connection.LocalIpAddress is null)
        {
            // A unix socket has no address: its file's mode has decided.
            http.Items[ActorItem] = http.Request.Headers["x-tollway-actor"].ToString() == "cli" ? "cli" : "socket";
            return next(http);
        }

        if (IsOpen(http.Request.Path))
        {
            return next(http);
        }

        string? presented = PresentedKey(http);
        if (presented is null)
        {
            return AdminErrors.WriteAsync(http, 401, "auth_error", null, "no admin key: send it as Authorization: Bearer");
        }

        if (context.AdminKeyHash() is { } hash && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(KeyHash.Of(presented)), Encoding.ASCII.GetBytes(hash)))
        {
            http.Items[ActorItem] = "admin key";
            return next(http);
        }

        bool asksAboutItself = HttpMethods.IsGet(http.Request.Method) && http.Request.Path == "/key/info" && !http.Request.Query.ContainsKey("key");
        if (!asksAboutItself)
        {
            return AdminErrors.WriteAsync(http, NotTheAdminKey());
        }

        http.Items[HolderItem] = presented;
        return next(http);
    }

    // For probes; they say nothing about anybody.
    private static bool IsOpen(PathString path) => path == "/health/liveliness" || path == "/health/liveness" || path == "/health/readiness";
}
