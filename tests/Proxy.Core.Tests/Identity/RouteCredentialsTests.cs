using System.Text;
using Proxy.Core.Identity;

namespace Proxy.Core.Tests.Identity;

public sealed class RouteCredentialsTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("None")]
    [InlineData(" null\n")]
    [InlineData("UNDEFINED")]
    public void No_key_is_no_line(string? serverKey)
    {
        RouteCredentials route = new(serverKey, acceptsClientCredentials: true);
        Assert.False(route.HasServerKey);
        Assert.Equal("", Encoding.ASCII.GetString(route.ServerKeyLine));
    }

    [Fact]
    public void A_key_is_one_field_line_without_the_line_end_of_its_file()
    {
        RouteCredentials route = new("sk-ant-api03-server\n", acceptsClientCredentials: false);
        Assert.True(route.HasServerKey);
        Assert.Equal("x-api-key: sk-ant-api03-server\r\n", Encoding.ASCII.GetString(route.ServerKeyLine));
    }

    [Theory]
    [InlineData("sk-one\r\nx-evil: 1")]
    [InlineData("sk-one\nsk-two")]
    [InlineData("sk-\u00e9")]
    [InlineData("sk-one two")]
    public void A_key_cannot_become_another_field_and_is_not_repeated_in_the_message(string serverKey)
    {
        ArgumentException fault = Assert.Throws<ArgumentException>(() => new RouteCredentials(serverKey, acceptsClientCredentials: true));
        Assert.DoesNotContain(serverKey, fault.Message, StringComparison.Ordinal);
    }
}
