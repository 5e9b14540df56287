using ElfLoader.Elf;
using SharpFuzz;

namespace ElfLoader.AflTarget;

/// <summary>What AFL++ runs: reads each input, loads it, unloads it, and links it into an image. Only refusals may come out.</summary>
internal static class Program
{
    private static void Main() => Fuzzer.OutOfProcess.Run(Try); // instrumented code runs inside of this call only

    private static void Try(Stream input)
    {
        using var copy = new MemoryStream();
        input.CopyTo(copy);
        var limits = new ReadLimits { MaximumDecompressedSize = 1 << 20, MaximumZeroFilledSize = 32 << 20 };
        var inputs = new InputFiles(limits);
        Refusable(() => inputs.Add(copy.ToArray(), "input"));
        var options = new ObjectLibraryOptions { RunCode = false, AllowUndefined = true, UseHostProcess = false, ReadLimits = limits };
        using (var library = new ObjectLibrary("fuzzed", options))
        {
            Refusable(() =>
            {
                library.Add(inputs);
                library.Link()?.Unload();
            });
        }

        Refusable(() => new ImageLinker(new ImageOptions { AllowUndefined = true }).Link(inputs));
    }

    private static void Refusable(Action action)
    {
        try
        {
            action();
        }
        catch (Exception refusal) when (refusal is LinkException or ImageOptionException)
        {
            // As it may.
        }
    }
}
