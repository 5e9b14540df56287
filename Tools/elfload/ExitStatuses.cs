namespace ElfLoader.Tools;

/// <summary>The statuses with which a command ends where it has not done what was asked.</summary>
/// <param name="Input">The input could not be loaded, or a check failed.</param>
/// <param name="CommandLine">The command line was wrong.</param>
/// <param name="Internal">A defect of the tool.</param>
internal sealed record ExitStatuses(int Input, int CommandLine, int Internal)
{
    private static readonly ExitStatuses Usual = new(1, 2, 3);

    /// <summary>Out of the way of the program's own statuses, where shells put theirs.</summary>
    private static readonly ExitStatuses BeforeProgram = new(125, 126, 127);

    private const string Run = "run";

    /// <summary>The statuses of the command that a command line names.</summary>
    internal static ExitStatuses Of(IReadOnlyList<string> arguments) =>
        arguments.FirstOrDefault(argument => !argument.StartsWith('-')) is Run ? BeforeProgram : Usual;

    /// <summary>What a command's statuses mean, as lines for its help.</summary>
    internal static IReadOnlyList<string> Explain(string command)
    {
        bool isRun = command is Run;
        ExitStatuses statuses = isRun ? BeforeProgram : Usual;
        return
        [
            isRun ? "The program's own; 128 and more where a signal ended it. Where it was not started:" : "0    done",
            $"{statuses.Input,-3}  {(isRun ? "the input could not be loaded" : "the input could not be read or linked, or a check failed")}",
            $"{statuses.CommandLine,-3}  the command line is wrong",
            $"{statuses.Internal,-3}  elfload itself is at fault: please report it",
        ];
    }
}
