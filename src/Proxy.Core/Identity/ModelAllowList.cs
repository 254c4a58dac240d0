using System.Text;
using Proxy.Core.Anthropic;

namespace Proxy.Core.Identity;

/// <summary>
/// The models a key may ask for. An entry is a model id, or a prefix ending in <c>*</c>. An id without a date allows its dated snapshots
/// too; one with a date allows only that snapshot. A trailing <c>[1m]</c> says nothing about the model and is disregarded on both sides.
/// Immutable; asking allocates nothing.
/// </summary>
public sealed class ModelAllowList
{
    private readonly byte[][] _names;
    private readonly byte[][] _prefixes;

    public ModelAllowList(IEnumerable<string> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        List<byte[]> names = [];
        List<byte[]> prefixes = [];
        foreach (string entry in entries)
        {
            if (entry.EndsWith('*'))
            {
                prefixes.Add(Encoding.UTF8.GetBytes(entry[..^1]));
            }
            else
            {
                names.Add(ModelName.WithoutSize(Encoding.UTF8.GetBytes(entry)).ToArray());
            }
        }

        _names = [.. names];
        _prefixes = [.. prefixes];
    }

    public bool Allows(ReadOnlySpan<byte> model)
    {
        model = ModelName.WithoutSize(model);
        if (model.IsEmpty)
        {
            return false;
        }

        ReadOnlySpan<byte> undated = ModelName.WithoutDate(model);
        foreach (byte[] name in _names)
        {
            if (model.SequenceEqual(name) || undated.SequenceEqual(name))
            {
                return true;
            }
        }

        foreach (byte[] prefix in _prefixes)
        {
            if (model.StartsWith(prefix))
            {
                return true;
            }
        }

        return false;
    }
}
