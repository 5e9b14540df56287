using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace ElfLoader.Fuzz.Differential;

/// <summary><c>differential</c>: random objects, linked by us and by another linker at the same addresses.</summary>
internal sealed class DifferentialCommand : Command
{
    private readonly Option<long> _count = new("--count") { Description = "Objects for each machine.", DefaultValueFactory = _ => 100_000 };
    private readonly Option<int> _batch = new("--batch") { Description = "Pairs of objects that are assembled and linked at a time.", DefaultValueFactory = _ => 400 };
    private readonly Option<ulong> _seed = new("--seed") { Description = "What the random numbers follow from.", DefaultValueFactory = _ => 1 };
    private readonly Option<string> _machine = new("--machine") { Description = "x86_64, arm or both.", DefaultValueFactory = _ => "both" };
    private readonly Option<string> _oracle = new("--oracle") { Description = "lld, or gnu for GNU ld.", DefaultValueFactory = _ => "lld" };
    private readonly Option<string> _output = new("--output")
    {
        Description = "Folder of the differences and the state; a run with the same folder goes on where the last one stopped.",
        DefaultValueFactory = _ => Path.Combine(Programs.Repository, "artifacts", "differential"),
    };

    internal DifferentialCommand()
        : base("differential", "Make random objects and compare what we make of them with what other linkers do.")
    {
        Add(_count);
        Add(_batch);
        Add(_seed);
        Add(_machine);
        Add(_oracle);
        Add(_output);
        SetAction(Run);
    }

    private int Run(ParseResult result)
    {
        string wanted = result.GetRequiredValue(_machine);
        int status = 0;
        foreach (string machine in (string[])["x86_64", "arm"])
        {
            if (wanted is "both" || wanted == machine)
            {
                DifferentialState state = Run(result, machine);
                Report(machine, state, result.GetRequiredValue(_oracle));
                status |= state.Reasons.ContainsKey(nameof(Reason.Unexplained)) ? 1 : 0;
            }
        }

        return status;
    }

    private DifferentialState Run(ParseResult result, string machine)
    {
        bool isArm = machine is "arm";
        string root = Path.GetFullPath(result.GetRequiredValue(_output));
        Oracle oracle = result.GetRequiredValue(_oracle) is "gnu" ? Oracle.Gnu(isArm) : Oracle.Lld;
        string file = Path.Combine(root, $"{machine}-{oracle.Name}.json");
        string folder = Path.Combine(root, $"batch-{machine}-{oracle.Name}");
        _ = Directory.CreateDirectory(root);
        var state = DifferentialState.Load(file);
        Dictionary<string, int> kept = [];
        long count = result.GetRequiredValue(_count);
        int size = result.GetRequiredValue(_batch);
        double before = state.Seconds;
        var watch = Stopwatch.StartNew();
        void Work(Action<long> progress)
        {
            while (state.Objects < count)
            {
                int pairs = (int)Math.Min(size, (count - state.Objects + 1) / 2);
                new Batch(isArm, result.GetRequiredValue(_seed), state.Batches, pairs, folder, oracle, state, kept).Run();
                state.Batches++;
                state.Seconds = before + watch.Elapsed.TotalSeconds;
                state.Save(file);
                progress(state.Objects);
            }
        }

        if (Console.IsOutputRedirected)
        {
            var last = Stopwatch.StartNew();
            Work(done =>
            {
                if (last.Elapsed > TimeSpan.FromMinutes(1))
                {
                    last.Restart();
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{DateTime.Now:HH:mm:ss} {machine} {done:N0} of {count:N0}"));
                }
            });
        }
        else
        {
            AnsiConsole.Progress().Start(context =>
            {
                ProgressTask bar = context.AddTask(machine, maxValue: count);
                Work(done => bar.Value = done);
            });
        }

        return state;
    }

    private static void Report(string machine, DifferentialState state, string oracle)
    {
        void Line(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
        double share = 100.0 / Math.Max(1, state.Objects);
        Line($"{machine} against {oracle}: {state.Objects:N0} objects, {share * state.Identical:F1} % identical, {share * state.RefusedByBoth:F1} % refused by both");
        foreach ((string reason, long places) in state.Reasons.OrderByDescending(pair => pair.Value))
        {
            Line($"  {reason,-24} {places,10:N0}");
        }

        Line($"  {state.Types.Count} kinds of place, the rarest {state.Types.Values.DefaultIfEmpty().Min():N0} times; {state.Objects / Math.Max(0.001, state.Seconds):N0} objects a second");
    }
}
