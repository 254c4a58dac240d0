namespace Proxy.Host.Admin;

/// <summary>A request of an operator that cannot be done: status, LiteLLM's error type, the field that is wrong, and what a good one looks like.</summary>
internal sealed class AdminException(int status, string type, string? param, string message) : Exception(message)
{
    public int Status => status;

    public string Type => type;

    public string? Param => param;

    public static AdminException Invalid(string? param, string message) => new(400, "bad_request_error", param, param is null ? message : $"{param}: {message}");

    public static AdminException NotFound(string param, string message) => new(404, "not_found_error", param, message);
}
