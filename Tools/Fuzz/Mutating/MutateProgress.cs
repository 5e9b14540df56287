using System.Globalization;
using Spectre.Console;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>Runs workers, and shows how far they are: a bar on a terminal, a line a minute elsewhere.</summary>
internal static class MutateProgress
{
    /// <summary>Returns when all workers are done.</summary>
    internal static void Show(WorkerProcess[] workers, long count)
    {
        Task[] tasks = [.. workers.Select(worker => Task.Factory.StartNew(worker.Run, TaskCreationOptions.LongRunning))];
        if (!Console.IsOutputRedirected)
        {
            AnsiConsole.Progress()
                .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
                .Start(context =>
                {
                    ProgressTask bar = context.AddTask("mutants", maxValue: count);
                    while (!Task.WaitAll(tasks, 500))
                    {
                        bar.Value = workers.Sum(worker => worker.Done);
                    }

                    bar.Value = count;
                });
            return;
        }

        while (!Task.WaitAll(tasks, TimeSpan.FromMinutes(1)))
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{DateTime.Now:HH:mm:ss} {workers.Sum(worker => worker.Done):N0} of {count:N0}"));
        }
    }
}
