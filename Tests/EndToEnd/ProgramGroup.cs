using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// Several fixture programs made into one: each <c>main</c> is renamed to <c>NAME_main</c> and called in turn, so that
/// one link and one run of the matrix cover them all.
/// </summary>
/// <param name="Name">What the group is called.</param>
/// <param name="Extension">Of its sources: <c>.c</c> or <c>.cpp</c>.</param>
/// <param name="Programs">Names of its programs.</param>
public sealed record ProgramGroup(string Name, string Extension, params string[] Programs)
{
    /// <summary>C that needs functions of the host only.</summary>
    public static ProgramGroup C { get; } = new(
        "C", ".c", "hello", "calls", "data", "symbols", "constructors", "tls", "switches", "callbacks", "vectors", "registry");

    /// <summary>An indirect function.</summary>
    public static ProgramGroup Indirect { get; } = new("indirect", ".c", "indirect");

    /// <summary>C that reads and writes data of the host.</summary>
    public static ProgramGroup HostData { get; } = new("host data", ".c", "hostdata");

    /// <summary>C++ that needs data of the C++ library, and of no other.</summary>
    public static ProgramGroup CxxWithoutLibc { get; } = new(
        "C++ without libc's data", ".cpp", "shapes", "templates", "throws", "strings", "threads", "statics");

    /// <summary>C++ with the standard library.</summary>
    public static ProgramGroup Cxx { get; } = new("C++", ".cpp", [.. CxxWithoutLibc.Programs, "shared"]);

    /// <summary>C whose output does not depend on the machine.</summary>
    public static ProgramGroup PortableC { get; } = new(
        "C", ".c", "hello", "data", "constructors", "tls", "switches", "registry", "indirect", "hostdata", "arm-programs/library");

    /// <summary>C++ whose output does not depend on the machine.</summary>
    public static ProgramGroup PortableCxx { get; } = new("C++", ".cpp", [.. CxxWithoutLibc.Programs, "shared"]);

    /// <summary>All of those for this machine.</summary>
    public static IEnumerable<ProgramGroup> All => [C, Indirect, HostData, Cxx];

    /// <summary>Whether GNU ld, the witness, can link it: it refuses GOTOFF64 against an indirect function.</summary>
    public bool LinksNatively(CompilerFlags flags) => this != Indirect || flags.Model is not "-mcmodel=large";

    /// <summary>Whether it is C++ rather than C.</summary>
    public bool IsCxx => Extension is ".cpp";

    /// <summary>Compiles the group's objects into a folder and gives their paths, in link order.</summary>
    public IReadOnlyList<string> Compile(CompilerFlags flags, string folder) =>
        Compile(IsCxx ? flags.CxxCompiler : flags.Compiler, flags.ForCompiling, folder);

    /// <summary>Compiles the group's objects into a folder and gives their paths, in link order.</summary>
    public IReadOnlyList<string> Compile(string compiler, IEnumerable<string> flags, string folder)
    {
        string[] all = [.. IsCxx ? (string[])["-std=c++17"] : [], .. flags];
        List<string> objects = [];
        foreach (string program in Programs)
        {
            IEnumerable<string> sources = ObjectsOf(program).Select(name => Fixtures.Source(name + Extension));
            Command.Check(compiler, [.. all, $"-Dmain={Path.GetFileName(program)}_main", "-c", .. sources], folder);
            objects.AddRange(sources.Select(source => Path.Combine(folder, Path.GetFileNameWithoutExtension(source) + ".o")));
        }

        string driver = Path.Combine(folder, "driver" + Extension);
        File.WriteAllText(driver, Driver());
        Command.Check(compiler, [.. all, "-c", driver], folder);
        return [.. objects, Path.ChangeExtension(driver, ".o")];
    }

    /// <summary>Links the objects with the system's linker and runs the program.</summary>
    public CommandResult RunNatively(CompilerFlags flags, IEnumerable<string> objects, string folder)
    {
        string program = Path.Combine(folder, "native");
        Command.Check(
            IsCxx ? flags.CxxCompiler : flags.Compiler,
            [.. flags.ForLinking, .. objects, "-lpthread", "-lm", "-o", program],
            folder);
        return Command.Run(program, []);
    }

    public override string ToString() => Name;

    /// <summary>Sources without their extension; a program that has no row of its own is one file.</summary>
    private static string[] ObjectsOf(string program) =>
        Fixtures.Programs.SingleOrDefault(row => row.Name == program)?.Objects ?? [program];

    private string Driver() =>
        $$"""
        {{string.Join('\n', Programs.Select(program => $"int {Path.GetFileName(program)}_main(int, char **);"))}}

        int main(int argc, char **argv)
        {
            char one[] = "one";
            char *arguments[] = {argv[0], one, 0};
            int status = 40 + argc;
        {{string.Join('\n', Programs.Select(program => $"    status += {Path.GetFileName(program)}_main(2, arguments);"))}}
            return status;
        }

        """;
}
