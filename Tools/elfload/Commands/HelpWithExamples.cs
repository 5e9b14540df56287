using System.CommandLine;
using System.CommandLine.Invocation;
using System.Text.RegularExpressions;

namespace ElfLoader.Tools.Commands;

/// <summary>Prints a command's help, then the statuses that it ends with, and its examples.</summary>
internal sealed partial class HelpWithExamples(SynchronousCommandLineAction help) : SynchronousCommandLineAction
{
    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <summary>
    /// The name for help of a value that may be left out and else follows '='. The library writes a space before values and takes the
    /// name as it is, so the place that the brackets are going to take is marked.
    /// </summary>
    internal static string Optional(string name) => $"={name}=";

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        TextWriter output = parseResult.InvocationConfiguration.Output;
        var text = new StringWriter { NewLine = output.NewLine };
        parseResult.InvocationConfiguration.Output = text;
        int status = help.Invoke(parseResult);
        parseResult.InvocationConfiguration.Output = output;
        Command command = parseResult.CommandResult.Command;
        output.Write(MarkedValue().Replace(text.ToString(), "[=<$1>]").TrimEnd('\n'));
        output.WriteLine();
        output.WriteLine();
        output.WriteLine("Exit status:");
        foreach (string line in ExitStatuses.Explain(command.Name))
        {
            output.WriteLine($"  {line}");
        }

        if (command is IExamples { Examples: var examples })
        {
            output.WriteLine();
            output.WriteLine("Examples:");
            foreach (string example in examples)
            {
                output.WriteLine($"  {example}");
            }
        }

        return status;
    }

    [GeneratedRegex(" <=([^=<>]+)=>")]
    private static partial Regex MarkedValue();
}
