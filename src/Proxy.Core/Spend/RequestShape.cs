using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Proxy.Core.Admission;

namespace Proxy.Core.Spend;

/// <summary>
/// What a request for inference says about its price. Filled as its body streams by; a plain value, so that filling it never allocates.
/// </summary>
public struct RequestShape
{
    /// <summary>Different models that are kept apart; <see cref="HasMoreModels"/> tells of others.</summary>
    public const int MaxModels = 6;

    /// <summary><see cref="MaxTokens"/> was not said.</summary>
    public const long Unsaid = -1;

    /// <summary><see cref="MaxTokens"/> was said in a way that nobody can be sure of.</summary>
    public const long Unclear = -2;

    // Names lie behind one another, for there is a shape for every connection: six of the usual length fit.
    private const int NamesCapacity = 160;

    private NameBytes _names;
    private ModelUses _models;
    private int _modelCount;
    private int _namesLength;

    /// <summary>Of its JSON, as far as it was seen.</summary>
    public long Bytes;

    /// <summary>How many of them are images and documents, which do not cost by the byte.</summary>
    public long MediaBytes;

    /// <summary>What those cost, estimated from kind and size.</summary>
    public long MediaTokens;

    /// <summary>The most output it allows; <see cref="Unsaid"/> or <see cref="Unclear"/>.</summary>
    public long MaxTokens;

    /// <summary>Answers asked for at once (<c>n</c>).</summary>
    public long Choices;

    /// <summary>Web searches it allows.</summary>
    public long Searches;

    public Speed Speed;

    public InferenceGeo InferenceGeo;

    public CacheWrites CacheWrites;

    /// <summary>More models were named than are kept: any may be meant.</summary>
    public bool HasMoreModels;

    /// <summary>Models that were named, each once, apart as one that may answer and as one that a tool calls.</summary>
    public readonly int ModelCount => _modelCount;

    /// <param name="index">Below <see cref="ModelCount"/>.</param>
    [UnscopedRef]
    public readonly ReadOnlySpan<byte> ModelName(int index) =>
        ((ReadOnlySpan<byte>)_names).Slice(_models[index].Start, _models[index].Length);

    /// <summary>How often a model may be called beside the one that answers; 0 for one that may answer.</summary>
    public readonly long ToolUses(int index) => _models[index].ToolUses;

    /// <summary>What the prompt is reckoned to come to, in tokens: four bytes of text make one, and media what they cost.</summary>
    /// <param name="bodyBytes">Of the whole body, as far as anyone can tell.</param>
    public readonly long PromptTokens(long bodyBytes) =>
        (Math.Max(0, Math.Max(bodyBytes, Bytes) - MediaBytes) / OutputEstimate.BytesPerToken) + MediaTokens;

    public void Clear()
    {
        _modelCount = 0;
        _namesLength = 0;
        Bytes = 0;
        MediaBytes = 0;
        MediaTokens = 0;
        MaxTokens = Unsaid;
        Choices = 1;
        Searches = 0;
        Speed = Speed.Unreported;
        InferenceGeo = InferenceGeo.Unreported;
        CacheWrites = CacheWrites.None;
        HasMoreModels = false;
    }

    /// <summary>A model was named.</summary>
    /// <param name="isTool">A tool calls it, and <see cref="AddToolUses"/> will tell how often.</param>
    /// <returns>Its index; -1 where there is no room for it, which <see cref="HasMoreModels"/> tells.</returns>
    internal int Name(ReadOnlySpan<byte> model, bool isTool = false)
    {
        for (int i = 0; i < _modelCount; i++)
        {
            if (_models[i].IsTool == isTool && model.SequenceEqual(ModelName(i)))
            {
                return i;
            }
        }

        if (_modelCount == MaxModels || model.Length > NamesCapacity - _namesLength)
        {
            HasMoreModels = true;
            return -1;
        }

        model.CopyTo(((Span<byte>)_names)[_namesLength..]);
        _models[_modelCount] = new ModelUse((byte)_namesLength, (byte)model.Length, isTool, 0);
        _namesLength += model.Length;
        return _modelCount++;
    }

    internal void AddToolUses(int index, long uses) =>
        _models[index] = _models[index] with { ToolUses = Saturating.Add(_models[index].ToolUses, uses) };

    private readonly record struct ModelUse(byte Start, byte Length, bool IsTool, long ToolUses);

    [InlineArray(MaxModels)]
    private struct ModelUses
    {
        private ModelUse _first;
    }

    [InlineArray(NamesCapacity)]
    private struct NameBytes
    {
        private byte _first;
    }
}

/// <summary>How long what a request puts into the cache is kept there: what writing it costs.</summary>
public enum CacheWrites : byte
{
    None = 0,
    FiveMinutes,
    Hour,
}

/// <summary>Says what a request costs at most, by its shape.</summary>
public interface IRequestPricer
{
    /// <summary>Never allocates.</summary>
    /// <param name="bodyBytes">Of its JSON, where more of it will come than the shape has seen.</param>
    /// <param name="assumedTokens">What it is reckoned to put out where it has not said.</param>
    /// <param name="service">At which rates.</param>
    /// <param name="nowUnixMs">Unix milliseconds.</param>
    CostEstimate Estimate(in RequestShape shape, long bodyBytes, long assumedTokens, ServiceTier service, long nowUnixMs);
}
