using System.Numerics;
using System.Text;
using Proxy.Core.Anthropic;

namespace Proxy.Core.Pricing;

/// <summary>Models by the bytes of their id. Immutable; looks up without allocating.</summary>
internal sealed class ModelTable
{
    private readonly Slot[] _slots;
    private readonly ModelPrice[] _all;

    public ModelTable(List<ModelPrice> models)
    {
        _all = [.. models];

        // At most half full, so that runs of taken slots stay short and a free one ends every search.
        _slots = new Slot[BitOperations.RoundUpToPowerOf2((uint)Math.Max(models.Count, 4) * 2)];
        foreach (ModelPrice model in models)
        {
            byte[] id = Encoding.UTF8.GetBytes(model.Model);
            uint index = Hash(id);
            while (_slots[index & (_slots.Length - 1)].Price is not null)
            {
                index++;
            }

            _slots[index & (_slots.Length - 1)] = new Slot(id, model);
        }
    }

    public ReadOnlySpan<ModelPrice> All => _all;

    /// <summary>
    /// The price of a model id: as it is, without <c>[1m]</c>, then also without a date. Nothing else is tried: a point release must not
    /// borrow the
    /// price of its major version.
    /// </summary>
    public ModelPrice? Find(ReadOnlySpan<byte> id)
    {
        ReadOnlySpan<byte> plain = ModelName.WithoutSize(id);
        return FindExact(id) ?? FindExact(plain) ?? FindExact(ModelName.WithoutDate(plain));
    }

    private static uint Hash(ReadOnlySpan<byte> id)
    {
        // FNV-1a. The ids come from the price file, and lookups of anything else only compare and miss.
        uint hash = 2166136261;
        foreach (byte next in id)
        {
            hash = (hash ^ next) * 16777619;
        }

        return hash ^ (hash >> 15);
    }

    private ModelPrice? FindExact(ReadOnlySpan<byte> id)
    {
        for (uint index = Hash(id); ; index++)
        {
            ref readonly Slot slot = ref _slots[index & (_slots.Length - 1)];
            if (slot.Price is null || id.SequenceEqual(slot.Id))
            {
                return slot.Price;
            }
        }
    }

    private readonly record struct Slot(byte[] Id, ModelPrice Price);
}
