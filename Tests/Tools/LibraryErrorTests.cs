using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Tools;

/// <summary>Libraries that the system's loader cannot open are refused in its own words, the first of a process too.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class LibraryErrorTests
{
    private const string Ask = """
        #include <dlfcn.h>
        #include <stdio.h>
        int main(int argc, char **argv) { dlopen(argv[1], RTLD_NOW); puts(dlerror()); return 0; }
        """;

    [TestCase("libnope.so.9", null)]
    [TestCase("program", "int main(void) { return 0; }")]
    [TestCase("libwanting.so", "int missing(void); int (*reference)(void) = missing;")]
    [TestCase("libempty.so", "")]
    public void TheWordsAreTheSystems(string name, string? source)
    {
        using var programs = new ToolPrograms();
        string main = programs.Compile("main", "int main(void) { return 0; }");
        string library = source switch
        {
            null => name,
            "" => programs.Write(name, ""),
            _ when name is "program" => programs.Build(name, source, "-pie", "-fPIE"),
            _ => programs.Build(name, source, "-shared", "-fPIC"),
        };
        string words = Command.Check(programs.Build("ask", Ask, "-ldl"), [library]);
        words = words.StartsWith(library + ": ", StringComparison.Ordinal) ? words[(library.Length + 2)..] : words;

        CommandResult result = ElfloadCommand.Invoke("run", main, "--library", library);

        Assert.That(result, Is.EqualTo(new CommandResult(125, "", $"elfload: error: {library}: {words}")));
    }
}
