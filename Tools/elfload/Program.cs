using ElfLoader.Tools.Arguments;
using ElfLoader.Tools.Commands;
using ElfLoader.Tools.Output;

namespace ElfLoader.Tools;

/// <summary>The <c>elfload</c> command.</summary>
internal static class Program
{
    /// <summary>
    /// Synchronous to the last call: a loaded program's <c>main</c> runs on the process's primary thread, as it expects.
    /// </summary>
    private static int Main(string[] arguments)
    {
        ExitStatuses statuses = ExitStatuses.Of(arguments);
        using var reporter = new Reporter();
        try
        {
            int status = ElfloadCommand.Invoke(CommandTokens.Expand(arguments), reporter);
            return status is 0 && reporter.HasLostMessages ? statuses.Input : status;
        }
        catch (CommandLineException exception)
        {
            reporter.Fail(exception.Message);
            return statuses.CommandLine;
        }
        catch (LinkException exception)
        {
            reporter.Fail(exception.Errors);
            return statuses.Input;
        }
        catch (ClosedOutputException)
        {
            return statuses.Input;
        }
#pragma warning disable CA1031 // Whatever it is, it is a defect, and has a status of its own.
        catch (Exception exception)
        {
            reporter.Fail(exception);
            return statuses.Internal;
        }
#pragma warning restore CA1031
    }
}
