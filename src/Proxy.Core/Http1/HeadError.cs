namespace Proxy.Core.Http1;

/// <summary>Why a message head was refused. The status each one is answered with is in <see cref="HeadErrors"/>.</summary>
public enum HeadError : byte
{
    None = 0,

    // Line structure.
    BareLineFeed,
    BareCarriageReturn,
    NulByte,
    EmptyLinesBeforeRequest,

    // Request line.
    RequestLineMalformed,
    RequestLineTooLong,
    MethodMalformed,
    MethodTooLong,
    MethodNotAllowed,
    VersionMalformed,
    VersionNotSupported,
    TargetMalformed,
    TargetFormNotAllowed,

    // Status line (upstream side).
    StatusLineMalformed,
    StatusCodeInvalid,

    // Field lines.
    FieldLineMalformed,
    FieldNameMalformed,
    FieldValueMalformed,
    FieldNameAlias,
    FieldLineTooLong,
    HeadTooLarge,
    TooManyFields,

    // Host and singletons.
    HostMissing,
    HostRepeated,
    HostMalformed,
    CredentialRepeated,
    ConnectionNominatesOwnField,

    // Framing.
    ContentLengthMalformed,
    ContentLengthRepeated,
    ContentLengthWithTransferEncoding,
    TransferEncodingMalformed,
    TransferEncodingUnknown,
    TransferEncodingInOldVersion,
    ExpectationUnknown,
}

/// <summary>What a client is told about a head that was refused. Constants: nothing of the head is echoed.</summary>
public static class HeadErrors
{
    public static int StatusOf(HeadError error) => error switch
    {
        HeadError.MethodNotAllowed => 405,
        HeadError.RequestLineTooLong => 414,
        HeadError.ExpectationUnknown => 417,
        HeadError.FieldLineTooLong or HeadError.HeadTooLarge or HeadError.TooManyFields => 431,
        HeadError.MethodTooLong or HeadError.TransferEncodingUnknown => 501,
        HeadError.VersionNotSupported => 505,
        _ => 400,
    };

    public static string MessageOf(HeadError error) => error switch
    {
        HeadError.BareLineFeed => "a line of the head ends without a carriage return",
        HeadError.BareCarriageReturn => "a carriage return in the head is not followed by a line feed",
        HeadError.NulByte => "the head contains a NUL byte",
        HeadError.EmptyLinesBeforeRequest => "too many empty lines before the request",
        HeadError.RequestLineMalformed => "the request line is not of the form method, target, version",
        HeadError.RequestLineTooLong => "the request line is too long",
        HeadError.MethodMalformed => "the method is not a token",
        HeadError.MethodTooLong => "the method is not known",
        HeadError.MethodNotAllowed => "the method is not served here",
        HeadError.VersionMalformed => "the protocol version is malformed",
        HeadError.VersionNotSupported => "only HTTP/1.1 and HTTP/1.0 are served here",
        HeadError.TargetMalformed => "the request target contains what could be read as another path",
        HeadError.TargetFormNotAllowed => "the request target must be a path or an http URL",
        HeadError.FieldLineMalformed => "a header line has no name, or continues the one before",
        HeadError.FieldNameMalformed => "a header name is not a token",
        HeadError.FieldValueMalformed => "a header value contains a control character or is malformed",
        HeadError.FieldNameAlias => "a header name could be read as another one: write it with dashes",
        HeadError.FieldLineTooLong => "a header line is too long",
        HeadError.HeadTooLarge => "the request head is too large",
        HeadError.TooManyFields => "the request has too many header lines",
        HeadError.HostMissing => "the Host header is missing",
        HeadError.HostRepeated => "the Host header is there more than once",
        HeadError.HostMalformed => "the Host header is malformed",
        HeadError.CredentialRepeated => "a credential header is there more than once",
        HeadError.ConnectionNominatesOwnField => "the Connection header names a header that is not for this hop",
        HeadError.ContentLengthMalformed => "the Content-Length header is not a number",
        HeadError.ContentLengthRepeated => "the Content-Length header is there more than once",
        HeadError.ContentLengthWithTransferEncoding => "Content-Length and Transfer-Encoding exclude each other",
        HeadError.TransferEncodingMalformed => "the Transfer-Encoding header must be exactly chunked",
        HeadError.TransferEncodingUnknown => "the only transfer coding served here is chunked",
        HeadError.TransferEncodingInOldVersion => "HTTP/1.0 has no Transfer-Encoding",
        HeadError.ExpectationUnknown => "the only expectation served here is 100-continue",
        _ => "the head is malformed",
    };
}
