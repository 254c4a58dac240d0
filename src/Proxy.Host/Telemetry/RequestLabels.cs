using Proxy.Core.Anthropic;
using Proxy.Core.Outcomes;

namespace Proxy.Host.Telemetry;

internal readonly record struct RequestLabels(string Route, PathClass Path, EndReason End, int Status);
