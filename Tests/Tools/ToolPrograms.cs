using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Tools;

/// <summary>Small C programs, compiled when they are needed, in a folder that goes with them.</summary>
internal sealed class ToolPrograms : IDisposable
{
    private const string Compiler = "clang-14";

    private readonly TemporaryFolder _folder = new();

    /// <summary>The path of a file in the folder.</summary>
    public string Path(string name) => _folder.File(name);

    /// <summary>Compiles a program and gives the object's path.</summary>
    public string Compile(string name, string source, params IEnumerable<string> flags) =>
        Build($"{name}.o", source, ["-c", .. flags]);

    /// <summary>Compiles, and links if the flags say so, and gives the result's path.</summary>
    public string Build(string name, string source, params IEnumerable<string> flags)
    {
        string input = Write(System.IO.Path.ChangeExtension(name, ".c"), source);
        Command.Check(Compiler, ["-O1", "-D_GNU_SOURCE", .. flags, input, "-o", Path(name)]);
        return Path(name);
    }

    /// <summary>Puts objects into an archive.</summary>
    public string Archive(string name, params IEnumerable<string> objects)
    {
        Command.Check("ar", ["rc", Path(name), .. objects]);
        return Path(name);
    }

    /// <summary>Writes a text file.</summary>
    public string Write(string name, string text)
    {
        File.WriteAllText(Path(name), text);
        return Path(name);
    }

    public void Dispose() => _folder.Dispose();
}
