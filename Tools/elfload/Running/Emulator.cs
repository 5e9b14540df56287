using System.CommandLine.Parsing;

namespace ElfLoader.Tools.Running;

/// <summary>The program that runs images of another machine.</summary>
/// <param name="Path">Its file.</param>
/// <param name="Arguments">Its name and the arguments that the user gives it.</param>
internal sealed record Emulator(string Path, IReadOnlyList<string> Arguments)
{
    private const string Advice = "install qemu's user-mode emulators (apt-get install qemu-user), or name a runner with --runner";

    /// <summary>Of the packages qemu-user and qemu-user-static.</summary>
    private static readonly string[] Usual = ["qemu-arm", "qemu-arm-static"];

    /// <summary>Finds what the user wishes for, or the usual one.</summary>
    /// <param name="wish">A command with arguments; null for the usual one.</param>
    /// <exception cref="LinkException">There is none.</exception>
    /// <exception cref="CommandLineException">The wish names no command.</exception>
    internal static Emulator Find(string? wish)
    {
        if (wish is null)
        {
            return Usual.Select(name => Locate(name) is { } path ? new Emulator(path, [name]) : null)
                .FirstOrDefault(emulator => emulator is not null)
                ?? throw Missing(Usual[0], $"is not on the PATH; ARM programs are run with it: {Advice}");
        }

        string[] words = [.. CommandLineParser.SplitCommandLine(wish)];
        if (words is [])
        {
            throw new CommandLineException("--runner: the command is empty");
        }

        return Locate(words[0]) is { } found
            ? new Emulator(found, words)
            : throw Missing(words[0], $"{Objection(words[0])}, and --runner names it; {Usual[0]} comes with apt-get install qemu-user");
    }

    /// <summary>The whole command.</summary>
    /// <param name="image">The image's file.</param>
    /// <param name="programArguments">The program's arguments, its name first.</param>
    internal IReadOnlyList<string> Command(string image, IReadOnlyList<string> programArguments)
    {
        // qemu can be told what the program is called; others take the file's name.
        bool takesName = Usual.Contains(System.IO.Path.GetFileName(Path)) && !Arguments.Contains("-0");
        return [.. Arguments, .. takesName ? (string[])["-0", programArguments[0]] : [], image, .. programArguments.Skip(1)];
    }

    private static string Objection(string name) => !name.Contains('/', StringComparison.Ordinal)
        ? "no folder of the PATH has a program of this name"
        : Directory.Exists(name) ? "this is a directory, not a program"
        : File.Exists(name) ? "this file may not be executed"
        : "there is no such file";

    private static string? Locate(string name)
    {
        IEnumerable<string> folders = name.Contains('/', StringComparison.Ordinal)
            ? [""]
            : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        return folders.Select(folder => System.IO.Path.Combine(folder, name)).FirstOrDefault(IsProgram);
    }

    private static bool IsProgram(string path)
    {
        const UnixFileMode AnyExecute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        return File.Exists(path) && (OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & AnyExecute) is not 0);
    }

    private static LinkException Missing(string name, string what) =>
        new(new LinkError(LinkErrorCode.File, new LinkLocation(name), what));
}
