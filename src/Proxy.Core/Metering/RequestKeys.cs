namespace Proxy.Core.Metering;

/// <summary>A key of a request that matters somewhere in it.</summary>
internal enum RequestKey : byte
{
    None = 0,

    /// <summary>What is below it is a client's own, and no setting, whatever its keys are called.</summary>
    Skipped,
    Model,

    /// <summary>Names another model beside the one that is asked.</summary>
    OtherModel,
    MaxTokens,
    Choices,
    Stream,
    Speed,
    Geo,
    Messages,
    System,
    Tools,

    /// <summary>A list of models, by name or in objects.</summary>
    Names,
    CacheControl,
    Ttl,
    Type,
    MaxUses,
    Content,
    Source,
    ImageUrl,

    /// <summary>What an image or document is given in, or where it lies.</summary>
    Data,
    Requests,
    Params,
}

/// <summary>Keys by their decoded bytes.</summary>
internal static class RequestKeys
{
    public static RequestKey Find(ReadOnlySpan<byte> key) => key.Length switch
    {
        1 when key[0] == 'n' => RequestKey.Choices,
        3 when key.SequenceEqual("ttl"u8) => RequestKey.Ttl,
        3 when key.SequenceEqual("url"u8) => RequestKey.Data,
        4 when key.SequenceEqual("type"u8) => RequestKey.Type,
        4 when key.SequenceEqual("data"u8) => RequestKey.Data,
        5 when key.SequenceEqual("model"u8) => RequestKey.Model,
        5 when key.SequenceEqual("speed"u8) => RequestKey.Speed,
        5 when key.SequenceEqual("tools"u8) => RequestKey.Tools,
        6 when key.SequenceEqual("stream"u8) => RequestKey.Stream,
        6 when key.SequenceEqual("system"u8) => RequestKey.System,
        6 when key.SequenceEqual("source"u8) => RequestKey.Source,
        6 when key.SequenceEqual("params"u8) => RequestKey.Params,
        6 when key.SequenceEqual("models"u8) => RequestKey.Names,
        6 when key.SequenceEqual("schema"u8) => RequestKey.Skipped,
        7 when key.SequenceEqual("content"u8) => RequestKey.Content,
        8 when key.SequenceEqual("messages"u8) => RequestKey.Messages,
        8 when key.SequenceEqual("max_uses"u8) => RequestKey.MaxUses,
        8 when key.SequenceEqual("metadata"u8) => RequestKey.Skipped,
        8 when key.SequenceEqual("requests"u8) => RequestKey.Requests,
        9 when key.SequenceEqual("fallbacks"u8) => RequestKey.Names,
        9 when key.SequenceEqual("image_url"u8) => RequestKey.ImageUrl,
        10 when key.SequenceEqual("max_tokens"u8) => RequestKey.MaxTokens,
        10 when key.SequenceEqual("parameters"u8) => RequestKey.Skipped,
        11 when key.SequenceEqual("description"u8) => RequestKey.Skipped,
        12 when key.SequenceEqual("input_schema"u8) => RequestKey.Skipped,
        13 when key.SequenceEqual("inference_geo"u8) => RequestKey.Geo,
        13 when key.SequenceEqual("cache_control"u8) => RequestKey.CacheControl,
        13 when key.SequenceEqual("output_format"u8) => RequestKey.Skipped,
        14 when key.SequenceEqual("input_examples"u8) => RequestKey.Skipped,
        14 when key.SequenceEqual("stop_sequences"u8) => RequestKey.Skipped,
        15 when key.SequenceEqual("response_format"u8) => RequestKey.Skipped,
        21 when key.SequenceEqual("max_completion_tokens"u8) => RequestKey.MaxTokens,
        _ when key.EndsWith("_models"u8) => RequestKey.Names,
        _ when key.EndsWith("_model"u8) => RequestKey.OtherModel,
        _ => RequestKey.None,
    };
}
