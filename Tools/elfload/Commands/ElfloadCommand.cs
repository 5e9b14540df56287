using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
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

        ParseResult result = root.Parse(WithHelp(tokens.Own, root), new ParserConfiguration { ResponseFileTokenReplacer = null });
        options.Apply(result, reporter);
        if (result.Action is not HelpWithExamples && Fault(result, root) is { } fault)
        {
            throw new CommandLineException(fault);
        }

        OutputPaths.Check(result, tokens.ResponseFiles, reporter);
        if (!CommonOptions.LimitsOf(result).AllowsExternalFiles)
        {
            OutputPaths.CheckResponseFiles(result, tokens);
        }

        using var output = new StreamWriter(new StandardOutput()) { AutoFlush = true }; // of the help
        return result.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = output });
    }

    /// <summary><c>elfload help run</c> is <c>elfload run --help</c>.</summary>
    private static IReadOnlyList<string> WithHelp(IReadOnlyList<string> words, RootCommand root)
    {
        if (words is not ["help", ..])
        {
            return words;
        }

        return words.Count is 1 || root.Subcommands.Any(command => command.Name == words[1])
            ? [.. words.Skip(1).Take(1), "--help"]
            : throw new CommandLineException(NoCommand(words[1], root));
    }

    /// <summary>What is wrong with a command line; null if nothing is.</summary>
    private static string? Fault(ParseResult result, RootCommand root)
    {
        Command command = result.CommandResult.Command;
        IEnumerable<string> inputs = command.Arguments.OfType<InputArgument>()
            .SelectMany(argument => result.GetResult(argument)?.Tokens ?? []).Select(token => token.Value);
        if (result.UnmatchedTokens.Concat(inputs).FirstOrDefault(InputArgument.LooksLikeOption) is { } option)
        {
            return UnknownOption.Describe(option, command, root); // what else is wrong may come from that
        }

        if (command.Options.Concat(root.Options).FirstOrDefault(one => HasEmptyValue(result, one)) is { } empty)
        {
            return $"{empty.Name}: its value is empty";
        }

        return command != root
            ? result.Errors.Count is 0 ? null : string.Join("; ", result.Errors.Select(error => Describe(error, command)))
            : result.UnmatchedTokens is [string word, ..] ? NoCommand(word, root)
            : result.Errors.Count is 0 ? null
            : $"no command is given: {UnknownOption.Commands(root)}; --help tells more";
    }

    /// <summary>Whether an option has a value without a character, as of a variable of the shell that is not set: none may be so.</summary>
    private static bool HasEmptyValue(ParseResult result, Option option) =>
        result.GetResult(option)?.Tokens.Any(token => token.Value is "") is true;

    /// <summary>An error of the parser; what is missing is called as in the help.</summary>
    private static string Describe(ParseError error, Command command)
    {
        if (error.SymbolResult is OptionResult { Tokens.Count: 0, Option: { HelpName: { } value } option } result)
        {
            return result.IdentifierToken is null
                ? $"{option.Name} {value} is needed: {option.Description?.TrimEnd('.')}"
                : $"{option.Name}: {value} is missing behind it";
        }

        return command.Arguments.FirstOrDefault(argument => error.Message.Contains($"'{argument.Name}'", StringComparison.Ordinal)) is { } input
            ? $"no {input.Name} is given"
            : error.Message.TrimEnd('.');
    }

    private static string NoCommand(string word, RootCommand root)
    {
        string advice = NearestName.Find(word, root.Subcommands.Select(command => command.Name)) is { } near
            ? $"did you mean '{near}'?"
            : UnknownOption.Commands(root);
        string file = File.Exists(word) ? "; it is a file: to run it, elfload run FILE" : "";
        return $"there is no command '{word}': {advice}{file}";
    }

    private static void UseExamples(RootCommand root)
    {
        foreach (HelpOption option in root.Options.OfType<HelpOption>())
        {
            option.Action = new HelpWithExamples((SynchronousCommandLineAction)option.Action!);
        }
    }
}
