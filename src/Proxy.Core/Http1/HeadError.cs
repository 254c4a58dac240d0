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
