using System.CommandLine;

namespace ElfLoader.Tools.Commands;

/// <summary>Says what is wrong with a word of a command line that looks like an option and is none there.</summary>
internal static class UnknownOption
{
    /// <summary>Options of compilers that a value follows without a space, and what people write here instead.</summary>
    private static readonly (string Start, Func<string, bool, string> Advice)[] OfCompilers =
    [
        ("-l", (name, isRun) => $"libraries are given as files: lib{name}.a{(isRun ? $", or --library lib{name}.so" : "")}"),
        ("-L", (folder, _) => $"libraries are given as files, with their folder: {Path.Combine(folder, "libNAME.a")}"),
    ];

    /// <summary>Describes it.</summary>
    /// <param name="text">The word.</param>
    /// <param name="command">The command that it stands with.</param>
    /// <param name="root">The root, whose options may be those of all commands.</param>
    internal static string Describe(string text, Command command, Command root)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? text : text[..equals];
        if (Takes(command, root).Any(option => Has(option, name)))
        {
            return $"'{name}' is an option of '{command.Name}': it stands behind the command's name";
        }

        if (root.Options.Any(option => Has(option, name)))
        {
            return $"'{name}' stands without a command: elfload {name}";
        }

        if (command == root && root.Subcommands.FirstOrDefault(one => one.Options.Any(option => Has(option, name))) is { } owner)
        {
            return $"'{name}' is an option of commands, such as '{owner.Name}': it stands behind their names";
        }

        string[] names = [.. Takes(command, root).Select(option => option.Name)];
        bool isRun = command is RunCommand;
        string advice = NearestName.Find(name, names) is { } near ? $"; did you mean '{near}'?"
            : names.Contains($"-{name}") ? $"; did you mean '-{name}'?"
            : OfCompiler(text, isRun) is { } compilers ? $": {compilers}"
            : isRun ? "; arguments of the program stand behind '--'"
            : "";
        return $"there is no option '{text}'{advice}";
    }

    /// <summary>The commands' names, as text.</summary>
    internal static string Commands(Command root) =>
        $"the commands are {string.Join(", ", root.Subcommands.Select(command => command.Name))}";

    private static string? OfCompiler(string text, bool isRun) => OfCompilers
        .Where(option => text.Length > option.Start.Length && text.StartsWith(option.Start, StringComparison.Ordinal))
        .Select(option => option.Advice(text[option.Start.Length..], isRun)).FirstOrDefault();

    /// <summary>The options that a command takes; the root has some that others take, too.</summary>
    private static IEnumerable<Option> Takes(Command command, Command root) =>
        command == root ? root.Options : command.Options.Concat(root.Options.Where(option => option.Recursive));

    private static bool Has(Option option, string name) => option.Name == name || option.Aliases.Contains(name);
}
