using System.Text;

namespace Proxy.Core.Http1;

/// <summary>
/// A parsed request head: offsets into the bytes that were parsed, no copies. Owned by a connection and reused; not thread-safe.
/// </summary>
public sealed class RequestHead
{
    private const int MaxMethodLength = 32;

    public FieldTable Fields { get; } = new();

    public MethodId Method { get; private set; }

    public Slice MethodToken { get; private set; }

    /// <summary>The request target as sent.</summary>
    public Slice Target { get; private set; }

    /// <summary>
    /// Path of the target in origin form (RFC 9112 §3.2.1), raw bytes; for absolute-form the part after the authority ("/" is not added:
    /// empty when absent).
    /// </summary>
    public Slice Path { get; private set; }

    /// <summary>Query including its "?", or empty.</summary>
    public Slice Query { get; private set; }

    /// <summary>11 or 10.</summary>
    public int Version { get; private set; }

    public BodyFraming Framing { get; private set; }

    /// <summary>Bytes of the body when <see cref="Framing"/> is Length.</summary>
    public long ContentLength { get; private set; }

    /// <summary>The client lets the connection persist (RFC 9112 §9.3). HTTP/1.0 is served and closed.</summary>
    public bool KeepAlive { get; private set; }

    /// <summary>Expect: 100-continue in an HTTP/1.1 request (RFC 9110 §10.1.1).</summary>
    public bool ExpectsContinue { get; private set; }

    /// <summary>
    /// Parses a whole head (final empty line included). Any error leaves the head unusable. Path rules of http-rules.md rows 11 to 18
    /// are judged here, routing is not. Never allocates.
    /// </summary>
    public HeadError Parse(ReadOnlySpan<byte> head, HeadLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        HeadError error = ParseRequestLine(head, limits, out int fieldsOffset);
        if (error == HeadError.None)
        {
            error = Fields.Parse(head, fieldsOffset, limits, isRequest: true);
        }

        if (error == HeadError.None)
        {
            error = JudgeFields(head);
        }

        return error;
    }

    private HeadError ParseRequestLine(ReadOnlySpan<byte> head, HeadLimits limits, out int fieldsOffset)
    {
        fieldsOffset = 0;
        int length = head.IndexOf((byte)'\r');
        if (length < 0 || length + 1 >= head.Length || head[length + 1] != '\n')
        {
            return HeadError.BareCarriageReturn;
        }

        if (length > limits.MaxStartLine)
        {
            return HeadError.RequestLineTooLong;
        }

        fieldsOffset = length + 2;
        ReadOnlySpan<byte> line = head[..length];
        if (line.Contains((byte)0))
        {
            return HeadError.NulByte;
        }

        // Exactly one space each (RFC 9112 §3 lets a lenient reader take more).
        int first = line.IndexOf((byte)' ');
        if (first <= 0)
        {
            return first == 0 ? HeadError.MethodMalformed : HeadError.RequestLineMalformed;
        }

        int second = line[(first + 1)..].IndexOf((byte)' ');
        if (second < 0)
        {
            return HeadError.RequestLineMalformed;
        }

        second += first + 1;
        if (second == first + 1 || line[(second + 1)..].Contains((byte)' '))
        {
            return HeadError.RequestLineMalformed;
        }

        HeadError error = ParseMethod(line[..first]);
        if (error != HeadError.None)
        {
            return error;
        }

        error = ParseVersion(line[(second + 1)..]);
        return error != HeadError.None ? error : ParseTarget(head, new Slice(first + 1, second - first - 1));
    }

    private HeadError ParseMethod(ReadOnlySpan<byte> method)
    {
        if (!Characters.IsToken(method))
        {
            return HeadError.MethodMalformed;
        }

        if (method.Length > MaxMethodLength)
        {
            return HeadError.MethodTooLong;
        }

        // A tunnel is never opened, and an echo of credentials never asked for (RFC 9110 §9.3.6, §9.3.8).
        if (method.SequenceEqual("CONNECT"u8) || method.SequenceEqual("TRACE"u8) || method.SequenceEqual("TRACK"u8))
        {
            return HeadError.MethodNotAllowed;
        }

        MethodToken = new Slice(0, method.Length);
        Method = method.Length switch
        {
            3 when method.SequenceEqual("GET"u8) => MethodId.Get,
            3 when method.SequenceEqual("PUT"u8) => MethodId.Put,
            4 when method.SequenceEqual("POST"u8) => MethodId.Post,
            4 when method.SequenceEqual("HEAD"u8) => MethodId.Head,
            5 when method.SequenceEqual("PATCH"u8) => MethodId.Patch,
            6 when method.SequenceEqual("DELETE"u8) => MethodId.Delete,
            7 when method.SequenceEqual("OPTIONS"u8) => MethodId.Options,
            _ => MethodId.Other,
        };
        return HeadError.None;
    }

    private HeadError ParseVersion(ReadOnlySpan<byte> version)
    {
        if (version.SequenceEqual("HTTP/1.1"u8))
        {
            Version = 11;
            return HeadError.None;
        }

        if (version.SequenceEqual("HTTP/1.0"u8))
        {
            Version = 10;
            return HeadError.None;
        }

        bool isVersion = version.Length == 8 && version.StartsWith("HTTP/"u8)
            && char.IsAsciiDigit((char)version[5]) && version[6] == '.' && char.IsAsciiDigit((char)version[7]);
        return isVersion && version[5] != '0' ? HeadError.VersionNotSupported : HeadError.VersionMalformed;
    }

    private HeadError ParseTarget(ReadOnlySpan<byte> head, Slice target)
    {
        Target = target;
        ReadOnlySpan<byte> bytes = target.Of(head);
        if (bytes.ContainsAny(Characters.ForbiddenInTarget))
        {
            return HeadError.TargetMalformed;
        }

        int pathOffset = 0;
        if (bytes[0] != '/')
        {
            // Absolute-form (RFC 9112 §3.2.2): its authority says nothing about where the request goes.
            int authority = AbsoluteFormPrefix(bytes);
            if (authority == 0)
            {
                return HeadError.TargetFormNotAllowed;
            }

            int end = bytes[authority..].IndexOfAny((byte)'/', (byte)'?');
            pathOffset = end < 0 ? bytes.Length : authority + end;
            if (!HostRules.IsValid(bytes[authority..pathOffset]))
            {
                return HeadError.TargetMalformed;
            }
        }

        int query = bytes[pathOffset..].IndexOf((byte)'?');
        int pathLength = query < 0 ? bytes.Length - pathOffset : query;
        Path = new Slice(target.Offset + pathOffset, pathLength);
        Query = new Slice(Path.End, target.End - Path.End);
        return PathRules.IsSafe(Path.Of(head)) ? HeadError.None : HeadError.TargetMalformed;
    }

    private static int AbsoluteFormPrefix(ReadOnlySpan<byte> target)
    {
        const int Http = 7;
        const int Https = 8;
        if (target.Length > Http && Ascii.EqualsIgnoreCase(target[..Http], "http://"u8))
        {
            return Http;
        }

        return target.Length > Https && Ascii.EqualsIgnoreCase(target[..Https], "https://"u8) ? Https : 0;
    }

    private HeadError JudgeFields(ReadOnlySpan<byte> head)
    {
        int host = Fields.Find(FieldId.Host);
        if (host < 0 && Version == 11)
        {
            return HeadError.HostMissing;
        }

        if (host >= 0)
        {
            if (Fields.IsRepeated(FieldId.Host))
            {
                return HeadError.HostRepeated;
            }

            if (!HostRules.IsValid(Fields[host].Value.Of(head)))
            {
                return HeadError.HostMalformed;
            }
        }

        if (IsAmbiguous(FieldId.GatewayKey, head) || IsAmbiguous(FieldId.Authorization, head) || IsAmbiguous(FieldId.ApiKey, head))
        {
            return HeadError.CredentialRepeated;
        }

        HeadError error = Fields.ReadConnection(head, refuseOwn: true);
        if (error != HeadError.None)
        {
            return error;
        }

        error = FramingRules.Read(Fields, head, Version, out BodyFraming framing, out long contentLength);
        Framing = framing;
        ContentLength = Math.Max(0, contentLength);
        KeepAlive = Version == 11 && !Fields.SaysClose;
        return error != HeadError.None ? error : ReadExpectation(head);
    }

    /// <summary>Two values for one credential would let two readers see two callers (credentials.md row 25).</summary>
    private bool IsAmbiguous(FieldId id, ReadOnlySpan<byte> head)
    {
        int index = Fields.Find(id);
        return index >= 0 && (Fields.IsRepeated(id) || Fields[index].Value.Of(head).Contains((byte)','));
    }

    private HeadError ReadExpectation(ReadOnlySpan<byte> head)
    {
        ExpectsContinue = false;
        int index = Fields.Find(FieldId.Expect);
        if (index < 0 || Version == 10)
        {
            return HeadError.None;
        }

        if (Fields.IsRepeated(FieldId.Expect) || !Ascii.EqualsIgnoreCase(Fields[index].Value.Of(head), "100-continue"u8))
        {
            return HeadError.ExpectationUnknown;
        }

        // Without a body there is nothing to wait for (RFC 9110 §10.1.1).
        ExpectsContinue = Framing == BodyFraming.Chunked || ContentLength > 0;
        return HeadError.None;
    }
}
