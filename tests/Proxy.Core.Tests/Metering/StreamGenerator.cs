using System.Text;

namespace Proxy.Core.Tests.Metering;

/// <summary>Random event streams of valid grammar in all its liberties, the same ones for the same seed.</summary>
internal sealed class StreamGenerator(int seed)
{
    private readonly Random _random = new(seed);
    private readonly StringBuilder _text = new();

    public byte[] Next()
    {
        if (Chance(4))
        {
            _text.Append('\uFEFF');
        }

        int count = _random.Next(1, 12);
        for (int i = 0; i < count; i++)
        {
            AppendRecord();
        }

        byte[] bytes = Encoding.UTF8.GetBytes(_text.ToString());
        return Chance(3) ? bytes[.._random.Next(bytes.Length + 1)] : bytes;
    }

    private void AppendRecord()
    {
        string[] types = ["message_start", "content_block_start", "content_block_delta", "content_block_delta", "message_delta", "message_delta",
            "message_stop", "ping", "error", "new_event"];
        string type = types[_random.Next(types.Length)];
        string data = type switch
        {
            "message_start" => "{\"type\":\"message_start\",\"message\":{\"id\":\"" + Text() + "\",\"model\":\"" + Text() + "\",\"content\":[" + Junk(2) + "],\"usage\":" + Usage() + "}}",
            "content_block_delta" => "{\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"" + Text() + "\"},\"type\":\"content_block_delta\"}",
            "message_delta" => "{\"delta\":" + Junk(2) + ",\"usage\":" + Usage() + ",\"type\":\"message_delta\"}",
            _ => "{\"usage\":" + Junk(2) + ",\"type\":\"" + type + "\",\"content_block\":" + Junk(3) + "}",
        };

        int place = _random.Next(3);
        string name = Chance(8) ? "ping" : type;
        if (place == 0)
        {
            Line("event", name);
        }

        Noise();
        int split = Chance(3) ? data.IndexOf(",\"", StringComparison.Ordinal) : -1;
        if (split > 0 && !data[..split].Contains('\\'))
        {
            Line("data", data[..(split + 1)]);
            Noise();
            Line("data", data[(split + 1)..]);
        }
        else
        {
            Line("data", data);
        }

        if (place == 1)
        {
            Line("event", name);
        }

        Noise();
        End();
    }

    private string Usage()
    {
        List<string> fields = [];
        foreach (string name in new[] { "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "unknown_tokens" })
        {
            if (!Chance(3))
            {
                fields.Add($"\"{Escape(name)}\":{Number()}");
            }
        }

        if (Chance(2))
        {
            fields.Insert(_random.Next(fields.Count + 1),
                Chance(5) ? "\"cache_creation\":null" : $"\"cache_creation\":{{\"ephemeral_5m_input_tokens\":{Number()},\"x\":{Junk(2)},\"ephemeral_1h_input_tokens\":{Number()}}}");
        }

        return "{" + string.Join(Chance(2) ? "," : " , ", fields) + "}";
    }

    private string Number() => _random.Next(8) switch
    {
        0 => "null",
        1 => "-" + _random.Next(1, 9),
        2 => "\"5\"",
        3 => "[1,{\"output_tokens\":5}]",
        _ => _random.NextInt64(0, 1L << _random.Next(1, 63)).ToString(),
    };

    private string Junk(int depth) => (depth == 0 ? _random.Next(4) : _random.Next(7)) switch
    {
        0 => "null",
        1 => "\"" + Text() + "\"",
        2 => "-1.5e+7",
        3 => "true",
        4 => "[]",
        5 => "[" + Junk(depth - 1) + ", " + Junk(depth - 1) + "]",
        _ => "{\"output_tokens\":" + Junk(depth - 1) + ",\"" + Text() + "\" : " + Junk(depth - 1) + "}",
    };

    private string Text()
    {
        string[] pieces = ["a", "usage", "é", "😀", "\\\"", "\\\\", "\\n", "\\u00e9", "\\ud83d\\ude00", "{", "}]", ":", "data: ", "\\/", "\u2028"];
        StringBuilder text = new("x");
        for (int i = _random.Next(8); i > 0; i--)
        {
            text.Append(pieces[_random.Next(pieces.Length)]);
        }

        return text.ToString();
    }

    private string Escape(string name) => Chance(6) ? $"\\u{(int)name[0]:X4}{name[1..]}" : name;

    private void Noise()
    {
        if (Chance(4))
        {
            string[] lines = [": comment", ":", "id: 7", "foo", "foo: bar", "dataa: {}", "events: x", "\u00e9: y"];
            _text.Append(lines[_random.Next(lines.Length)]);
            End();
        }
    }

    private void Line(string field, string value)
    {
        _text.Append(field).Append(Chance(3) ? ":" : ": ").Append(value);
        End();
    }

    private void End()
    {
        // A line feed behind a carriage return would end the same line once more.
        bool isAfterReturn = _text.Length != 0 && _text[^1] == '\r';
        _text.Append(_random.Next(isAfterReturn ? 1 : 0, 3) switch { 0 => "\n", 1 => "\r\n", _ => "\r" });
    }

    private bool Chance(int oneIn) => _random.Next(oneIn) == 0;
}
