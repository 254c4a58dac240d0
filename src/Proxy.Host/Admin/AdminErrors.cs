using System.Globalization;
using System.Text.Json.Nodes;
using Proxy.Host.Storage;

namespace Proxy.Host.Admin;

/// <summary>Every problem of the admin API in LiteLLM's shape (litellm-compat.md §3.6).</summary>
internal static class AdminErrors
{
    public static Task WriteAsync(HttpContext http, AdminException fault) => WriteAsync(http, fault.Status, fault.Type, fault.Param, fault.Message);

    public static Task WriteAsync(HttpContext http, int status, string type, string? param, string message)
    {
        JsonObject error = new()
        {
            ["error"] = new JsonObject { ["message"] = message, ["type"] = type, ["param"] = param, ["code"] = status.ToString(CultureInfo.InvariantCulture) },
        };
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(error.ToJsonString());
    }

    /// <summary>Around everything: whatever a handler throws becomes an answer, and only what nobody foresaw is logged.</summary>
    public static async Task GuardAsync(HttpContext http, RequestDelegate next, ILogger logger)
    {
        try
        {
            await next(http);
        }
        catch (AdminException fault) when (!http.Response.HasStarted)
        {
            await WriteAsync(http, fault);
        }
        catch (BadHttpRequestException fault) when (!http.Response.HasStarted)
        {
            await WriteAsync(http, fault.StatusCode, "bad_request_error", null, "the request cannot be read: its body must be JSON of up to 1 MB");
        }
        catch (Exception fault) when (!http.Response.HasStarted && fault is Microsoft.Data.Sqlite.SqliteException or LedgerException)
        {
            HostLog.AdminLedgerFault(logger, fault.Message);
            await WriteAsync(http, 503, "no_db_connection", null, "the ledger cannot be used now: try again");
        }
        catch (Exception fault) when (!http.Response.HasStarted)
        {
            HostLog.AdminFault(logger, fault);
            await WriteAsync(http, 500, "internal_server_error", null, "the gateway failed on this request");
        }

        if (!http.Response.HasStarted && http.Response is { StatusCode: 404 or 405, ContentLength: null or 0 })
        {
            await WriteAsync(http, http.Response.StatusCode, "not_found_error", null, http.Response.StatusCode == 404 ? "there is no such route: GET /routes lists them" : "the route does not know this method");
        }
    }
}
