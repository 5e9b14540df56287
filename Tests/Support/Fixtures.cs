using System.Runtime.CompilerServices;

namespace ElfLoader.Tests.Support;

/// <summary>Where the fixtures are, and what their tables say.</summary>
public static class Fixtures
{
    /// <summary>The repository's folder.</summary>
    public static string Root { get; } = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", ".."));

    /// <summary>The folder of all fixtures.</summary>
    public static string Folder { get; } = Path.Combine(Root, "fixtures");

    /// <summary>The programs of <c>fixtures/programs.txt</c>.</summary>
    public static IReadOnlyList<FixtureProgram> Programs { get; } =
        [.. Rows("programs.txt").Select(FixtureProgram.Parse)];

    /// <summary>Path of a committed x86-64 object, by its name without <c>.o</c>.</summary>
    public static string Object(string name) => Path.Combine(Folder, "x64", name + ".o");

    /// <summary>Path of a source file.</summary>
    public static string Source(string file) => Path.Combine(Folder, "src", file);

    /// <summary>What a program prints.</summary>
    public static string ExpectedOutput(string program) =>
        File.ReadAllText(Path.Combine(Folder, "expected", program + ".txt"));

    /// <summary>The rows of a table file: fields without the blanks around them.</summary>
    public static IEnumerable<string[]> Rows(string table) =>
        from line in File.ReadLines(Path.Combine(Folder, table))
        where line.Length > 0 && line[0] is not '#'
        select line.Split('|', StringSplitOptions.TrimEntries);

    private static string ThisFile([CallerFilePath] string path = "") => path;
}

/// <summary>A program of <c>fixtures/programs.txt</c>.</summary>
/// <param name="Name">Its name; also of the file with its output.</param>
/// <param name="ExitStatus">What <c>main</c> returns or <c>exit</c> is given.</param>
/// <param name="Objects">Names of its objects, in order.</param>
/// <param name="Arguments">Its command line.</param>
public sealed record FixtureProgram(string Name, int ExitStatus, string[] Objects, string[] Arguments)
{
    public static FixtureProgram Parse(string[] row) =>
        new(row[0], int.Parse(row[1]), Words(row[2]), Words(row[3]));

    public override string ToString() => Name;

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
