namespace Proxy.Core.Outcomes;

/// <summary>
/// An answer of the gateway's own: status and message, from which the Anthropic error shape follows (anthropic-api.md §6).
/// </summary>
/// <param name="Message">A constant: nothing that a client sent is ever echoed.</param>
/// <param name="ShouldRetry">The value of <c>x-should-retry</c>, which the SDKs obey.</param>
internal readonly record struct Answer(int Status, string Message, bool ShouldRetry = false)
{
    /// <summary>Value of <c>retry-after</c>; 0 for none.</summary>
    public int RetryAfterSeconds { get; init; } = Status == 503 ? 1 : 0;

    /// <summary>Name of the budget window that is used up, which the message then tells with its end; null for none.</summary>
    public string? Period { get; init; }

    /// <summary>Unix milliseconds; <see cref="long.MaxValue"/> for a budget that does not reset.</summary>
    public long ResetsAtUnixMs { get; init; }

    /// <summary>The <c>error.type</c>: that of the status, except that a spent budget is a matter of billing.</summary>
    public string Type => Period is not null ? "billing_error" : TypeOf(Status);

    private static string TypeOf(int status) => status switch
    {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        >= 500 => "api_error",
        _ => "invalid_request_error",
    };

    /// <summary>RFC 9110 §15 phrases of the statuses the gateway answers with.</summary>
    public string Reason => Status switch
    {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        508 => "Loop Detected",
        _ => "Error",
    };
}
