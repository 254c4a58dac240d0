using Proxy.Fuzz;

namespace Proxy.Core.Tests.Fuzz;

/// <summary>A bounded run of every fuzz target: the corpus, and some thousands of inputs made of it. The long one is tests/Proxy.Fuzz/fuzz.</summary>
public sealed class FuzzSmokeTests
{
    private const int Inputs = 20_000;

    public static TheoryData<string> Targets => [.. FuzzTarget.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void A_target_holds_for_its_corpus_and_for_what_comes_of_it(string name)
    {
        FuzzTarget target = FuzzTarget.All.Single(one => one.Name == name);
        IReadOnlyList<byte[]> corpus = Corpus.Read(name);
        Assert.NotEmpty(corpus);
        Assert.All(corpus, input => target.Run(input));

        Mutator mutator = new(corpus, seed: 20261123);
        for (int i = 0; i < Inputs; i++)
        {
            byte[] input = mutator.Next();
            try
            {
                target.Run(input);
            }
            catch (Exception fault)
            {
                Assert.Fail($"input {i} ({Convert.ToHexString(input)}): {fault}");
            }
        }
    }
}
