using System.Text;
using Proxy.Core.Spend;

namespace Proxy.Core.Tests.Spend;

public sealed class RedactionTests
{
    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("claude-sonnet-5")]
    [InlineData("task-1,desk-2,risk-")]
    [InlineData("a,b;sk")]
    [InlineData("6f1c2d34-9f04-4b6e-8a27-1d2f3e4a5b6c")]
    public void Names_stay_as_they_are(string text) => Assert.Equal(text, Encoding.UTF8.GetString(Redaction.Of(Encoding.UTF8.GetBytes(text))));

    [Theory]
    [InlineData("sk-1234567890")]
    [InlineData("Bearer sk-ant-oat01-x")]
    [InlineData("task-1,sk-x")]
    [InlineData("x=sk-")]
    public void What_begins_like_a_key_is_not_written_down(string text) => Assert.Equal("redacted", Encoding.UTF8.GetString(Redaction.Of(Encoding.UTF8.GetBytes(text))));
}
