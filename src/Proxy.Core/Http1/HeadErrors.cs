namespace Proxy.Core.Http1;

internal static class HeadErrors
{
    public static int StatusOf(HeadError error) => error == HeadError.None ? 200 : 400;

    public static string MessageOf(HeadError error) => error.ToString();
}
