using System.CommandLine;

namespace ElfLoader.Fuzz.Mutating;

/// <summary><c>check</c>: puts files through as <c>mutate</c> does, without changing them.</summary>
internal sealed class CheckCommand : Command
{
    private readonly Argument<string[]> _files = new("FILE") { Description = "Objects and archives.", Arity = ArgumentArity.OneOrMore };

    internal CheckCommand()
        : base("check", "Hold reader, linker and loader to their promises with these files.")
    {
        Add(_files);
        SetAction(Run);
    }

    private int Run(ParseResult result)
    {
        int status = 0;
        string scratch = Directory.CreateTempSubdirectory("elfloader-check-").FullName;
        foreach (string file in result.GetRequiredValue(_files))
        {
            byte[] bytes = File.ReadAllBytes(file);
            using var subject = new Subject(MembersOf(file), Path.Combine(scratch, "files"));
            for (int number = 0; number < 16; number++)
            {
                try
                {
                    Outcome outcome = subject.Run(bytes, number);
                    if (number is 0)
                    {
                        Console.WriteLine($"{file}: {outcome.Phase}{(outcome.Error is { } error ? $": {error}" : "")}");
                    }
                }
                catch (FindingException finding)
                {
                    Console.WriteLine($"{file}: FINDING {finding.Kind}: {finding.Message}");
                    status = 1;
                    break;
                }
            }
        }

        Directory.Delete(scratch, recursive: true);
        return status;
    }

    /// <summary>What lies next to a thin archive may be its members.</summary>
    private static Dictionary<string, byte[]> MembersOf(string file) => file.EndsWith(".a", StringComparison.Ordinal)
        ? Directory.EnumerateFiles(Path.GetDirectoryName(Path.GetFullPath(file))!, "*.o").ToDictionary(member => Path.GetFileName(member), File.ReadAllBytes)
        : [];
}
