using System.Globalization;
using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Tools;

/// <summary>Runs the command-line tool, and tells the most memory that it took.</summary>
internal sealed class MeasuredCommand
{
    // Runs a command and tells the most memory that it took, in kB, in a file.
    private const string Measuring = """
        #include <stdio.h>
        #include <sys/resource.h>
        #include <sys/wait.h>
        #include <unistd.h>
        int main(int count, char **words)
        {
            (void)count;
            pid_t child = fork();
            if (child == 0)
            {
                alarm(30); /* seconds, whatever the command does */
                execvp(words[2], words + 2);
                _exit(126);
            }
            int status;
            struct rusage usage;
            wait4(child, &status, 0, &usage);
            FILE *file = fopen(words[1], "w");
            fprintf(file, "%ld", usage.ru_maxrss);
            fclose(file);
            return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
        }
        """;

    private readonly TemporaryFolder _folder;

    public MeasuredCommand(TemporaryFolder folder)
    {
        _folder = folder;
        File.WriteAllText(folder.File("measure.c"), Measuring);
        Command.Check("gcc-12", ["-O1", folder.File("measure.c"), "-o", folder.File("measure")]);
    }

    /// <summary>Runs a command on a file.</summary>
    /// <returns>How it ended, and kB of resident memory at its peak.</returns>
    public (CommandResult Result, long Memory) Run(string command, string file)
    {
        string tool = Environment.GetEnvironmentVariable("ELFLOAD") ?? $"dotnet {ElfloadCommand.Tool}";
        string report = _folder.File("memory");
        CommandResult result = Command.Run(
            _folder.File("measure"), [report, .. tool.Split(' '), .. command.Split(' '), file]);
        return (result, long.Parse(File.ReadAllText(report), CultureInfo.InvariantCulture));
    }
}
