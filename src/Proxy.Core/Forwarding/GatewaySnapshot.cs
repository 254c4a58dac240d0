using Proxy.Core.Identity;
using Proxy.Core.Metering;
using Proxy.Core.Routing;

namespace Proxy.Core.Forwarding;

/// <summary>Everything a request is judged by. Immutable; replaced as a whole (design.md decision 7).</summary>
public sealed record GatewaySnapshot(KeyTable Keys, RouteTable Routes, PriceBook Prices, GatewayLimits Limits);
