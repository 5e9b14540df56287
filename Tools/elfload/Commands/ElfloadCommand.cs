using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using ElfLoader.Tools.Arguments;
using ElfLoader.Tools.Output;

namespace ElfLoader.Tools.Commands;

/// <summary>The whole command line.</summary>
internal static class ElfloadCommand
{
    /// <summary>Parses a command line and does what it says.</summary>
    /// <returns>The exit status.</returns>
    /// <exception cref="CommandLineException">The command line is wrong.</exception>
    /// <exception cref="LinkException">The input is.</exception>
    internal static int Invoke(CommandTokens tokens, Reporter reporter)
    {
        var options = new CommonOptions();
        var root = new RootCommand("Loads ELF relocatable objects: runs them, links them, shows what is in them.");
        options.AddTo(root);
        root.Add(new RunCommand(tokens.Program, reporter));
        root.Add(new LinkCommand(reporter));
        root.Add(new VerifyCommand(reporter));
        root.Add(new ExplainCommand(reporter));
        root.Add(new InspectCommand(reporter));
        root.Add(new ReportCommand(reporter));
        UseExamples(root);

        ParseResult result = root.Parse(tokens.Own, new ParserConfiguration { ResponseFileTokenReplacer = null });
        options.Apply(result, reporter);
        if (result.Errors.Count > 0 && result.Action is not HelpWithExamples)
        {
            throw new CommandLineException(Describe(result, root));
        }

        OutputPaths.Check(result, tokens.ResponseFiles, reporter);
        if (!CommonOptions.LimitsOf(result).AllowsExternalFiles)
        {
            OutputPaths.CheckResponseFiles(result, tokens);
        }

        using var output = new StreamWriter(new StandardOutput()) { AutoFlush = true }; // of the help
        return result.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = output });
    }

    private static string Describe(ParseResult result, RootCommand root)
    {
        if (result.CommandResult.Command != root)
        {
            return string.Join("; ", result.Errors.Select(error => error.Message.TrimEnd('.')));
        }

        string commands = string.Join(", ", root.Subcommands.Select(command => command.Name));
        return result.UnmatchedTokens is [string word, ..]
            ? $"there is no command '{word}': the commands are {commands}"
            : $"which command? One of {commands}; --help tells more";
    }

    private static void UseExamples(RootCommand root)
    {
        foreach (HelpOption option in root.Options.OfType<HelpOption>())
        {
            option.Action = new HelpWithExamples((SynchronousCommandLineAction)option.Action!);
        }
    }
}
