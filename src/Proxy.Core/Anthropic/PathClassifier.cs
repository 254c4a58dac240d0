using Proxy.Core.Http1;

namespace Proxy.Core.Anthropic;

/// <summary>
/// What kind of work a path below a route's prefix asks for. Reads the path as the most lenient server behind us might (escapes decoded,
/// case, doubled and trailing slashes, path parameters), because metering, the model guard and the workspace fence hang on it: a path spelt
/// differently must not slip past them. What is forwarded stays as it was sent.
/// </summary>
internal static class PathClassifier
{
    /// <summary>No path that means something here is longer; of a longer one only the start is looked at.</summary>
    private const int Capacity = 512;

    public static PathClass Classify(MethodId method, ReadOnlySpan<byte> upstreamPath)
    {
        if (method == MethodId.Post && upstreamPath.SequenceEqual("/v1/messages"u8))
        {
            return PathClass.Messages;
        }

        Span<byte> buffer = stackalloc byte[Capacity];
        ReadOnlySpan<byte> path = Plain(upstreamPath, buffer);
        if (IsUnder(path, "/v1/messages"u8, out ReadOnlySpan<byte> below))
        {
            return OfMessages(method, below);
        }

        return method == MethodId.Post && path.SequenceEqual("/v1/chat/completions"u8) ? PathClass.ChatCompletions
            : method == MethodId.Post && path.SequenceEqual("/v1/complete"u8) ? PathClass.Completions
            : IsUnder(path, "/v1/models"u8, out _) ? PathClass.Models
            : IsUnder(path, "/v1/files"u8, out _) ? PathClass.Files
            : IsUnder(path, "/v1/skills"u8, out _) ? PathClass.Skills
            : IsUnder(path, "/v1/agents"u8, out _) ? PathClass.Agents
            : IsUnder(path, "/v1/sessions"u8, out _) ? PathClass.Sessions
            : IsOtherWorkspace(path) ? PathClass.Workspace
            : PathClass.Other;
    }

    /// <summary>The id of the batch that a path of class BatchResults names, as it was sent.</summary>
    public static ReadOnlySpan<byte> BatchIdOf(ReadOnlySpan<byte> upstreamPath)
    {
        ReadOnlySpan<byte> path = upstreamPath.TrimEnd((byte)'/');
        int results = path.LastIndexOf((byte)'/');
        path = results < 0 ? default : path[..results];
        return path[(path.LastIndexOf((byte)'/') + 1)..];
    }

    private static PathClass OfMessages(MethodId method, ReadOnlySpan<byte> below)
    {
        if (method == MethodId.Post && below.IsEmpty)
        {
            return PathClass.Messages;
        }

        if (method == MethodId.Post && below.SequenceEqual("/count_tokens"u8))
        {
            return PathClass.CountTokens;
        }

        if (!IsUnder(below, "/batches"u8, out ReadOnlySpan<byte> batch))
        {
            return PathClass.Other;
        }

        return method == MethodId.Post && batch.IsEmpty ? PathClass.BatchCreation
            : method == MethodId.Get && IsResults(batch) ? PathClass.BatchResults
            : PathClass.Batches;
    }

    // Kinds of things that live in a workspace and have no class of their own.
    private static bool IsOtherWorkspace(ReadOnlySpan<byte> path) =>
        IsUnder(path, "/v1/environments"u8, out _) || IsUnder(path, "/v1/vaults"u8, out _) || IsUnder(path, "/v1/memory_stores"u8, out _)
        || IsUnder(path, "/v1/deployments"u8, out _) || IsUnder(path, "/v1/organizations"u8, out _);

    // "/{id}/results", with exactly one segment as the id: "/results" alone is a batch of that name.
    private static bool IsResults(ReadOnlySpan<byte> belowBatches)
    {
        const int SuffixLength = 8;
        return belowBatches.EndsWith("/results"u8) && belowBatches[..^SuffixLength] is [(byte)'/', _, ..] folder
            && folder.LastIndexOf((byte)'/') == 0;
    }

    private static bool IsUnder(ReadOnlySpan<byte> path, ReadOnlySpan<byte> folder, out ReadOnlySpan<byte> below)
    {
        bool isUnder = path.StartsWith(folder) && (path.Length == folder.Length || path[folder.Length] == (byte)'/');
        below = isUnder ? path[folder.Length..] : default;
        return isUnder;
    }

    /// <summary>Decoded, in small letters, without path parameters, empty segments and a slash at the end.</summary>
    private static ReadOnlySpan<byte> Plain(ReadOnlySpan<byte> path, Span<byte> buffer)
    {
        Span<byte> decoded = buffer[..Math.Min(path.Length, buffer.Length)];
        path[..decoded.Length].CopyTo(decoded);
        decoded = PathRules.DecodeFully(decoded);
        int written = 0;
        bool isParameter = false;
        foreach (byte next in decoded)
        {
            bool isSlash = next is (byte)'/' or (byte)'\\';
            isParameter = next == ';' || (isParameter && !isSlash);
            if (isParameter || (isSlash && written > 0 && buffer[written - 1] == '/'))
            {
                continue;
            }

            // An encoded query or fragment ends the path for whoever decodes before splitting.
            if (next is (byte)'?' or (byte)'#')
            {
                break;
            }

            buffer[written++] = isSlash ? (byte)'/' : next is >= (byte)'A' and <= (byte)'Z' ? (byte)(next | 0x20) : next;
        }

        return ((ReadOnlySpan<byte>)buffer)[..written].TrimEnd("/ \t"u8);
    }
}
