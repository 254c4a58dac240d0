using Proxy.Core.Metering;

namespace Proxy.Host.Telemetry;

internal readonly record struct RequestLabels(string Route, PathClass Path, EndReason End, int Status);
