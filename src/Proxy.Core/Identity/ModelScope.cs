using System.Text;
using Proxy.Core.Admission;

namespace Proxy.Core.Identity;

/// <summary>Limits of a key for one model.</summary>
public sealed class ModelScope(string model, AdmissionScope scope)
{
    private readonly byte[] _name = ModelName.WithoutSize(Encoding.UTF8.GetBytes(model)).ToArray();

    public string Model => model;

    public AdmissionScope Scope => scope;

    internal bool Matches(ReadOnlySpan<byte> asked) => asked.SequenceEqual(_name) || ModelName.WithoutDate(asked).SequenceEqual(_name);
}
