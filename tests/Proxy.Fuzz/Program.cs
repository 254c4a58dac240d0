using System.Diagnostics;
using Proxy.Fuzz;
using SharpFuzz;

// proxy-fuzz TARGET afl            under afl-fuzz, on an instrumented Proxy.Core (see fuzz)
// proxy-fuzz TARGET run SECONDS    without feedback
// proxy-fuzz TARGET replay FILE    one input
if (args.Length < 2 || FuzzTarget.All.FirstOrDefault(target => target.Name == args[0]) is not { } target)
{
    await Console.Error.WriteLineAsync("usage: TARGET afl | run SECONDS | replay FILE, with TARGET one of " + string.Join(", ", FuzzTarget.All.Select(target => target.Name)));
    return 2;
}

switch (args[1])
{
    case "afl":
        Fuzzer.Run(stream =>
        {
            using MemoryStream input = new();
            stream.CopyTo(input);
            target.Run(input.GetBuffer().AsSpan(0, (int)input.Length));
        });
        return 0;
    case "replay":
        target.Run(await File.ReadAllBytesAsync(args[2]));
        return 0;
    case "run":
        return RunBlind(target, int.Parse(args[2], System.Globalization.CultureInfo.InvariantCulture));
    default:
        await Console.Error.WriteLineAsync($"unknown mode {args[1]}");
        return 2;
}

static int RunBlind(FuzzTarget target, int seconds)
{
    Mutator mutator = new(Corpus.Read(target.Name), Environment.TickCount);
    long start = Stopwatch.GetTimestamp();
    long count = 0;
    while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds)
    {
        byte[] input = mutator.Next();
        count++;
        try
        {
            target.Run(input);
        }
        catch (Exception fault)
        {
            string file = $"finding-{target.Name}-{count}";
            File.WriteAllBytes(file, input);
            Console.Error.WriteLine($"{file}: {fault}");
            return 1;
        }
    }

    Console.WriteLine($"{target.Name}: {count} inputs in {seconds} s, no finding");
    return 0;
}
