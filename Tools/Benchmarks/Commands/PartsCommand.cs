using System.CommandLine;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using ElfLoader.Benchmarks.Inputs;

namespace ElfLoader.Benchmarks.Commands;

/// <summary><c>parts</c>: BenchmarkDotNet on the steps of a load.</summary>
internal sealed class PartsCommand : Command
{
    private readonly Argument<string[]> _arguments = new("ARGUMENTS")
    {
        Description = "BenchmarkDotNet's own arguments, such as --filter '*Read*' or --list flat.",
    };

    internal PartsCommand()
        : base("parts", "Measures the steps of a load with BenchmarkDotNet.")
    {
        TreatUnmatchedTokensAsErrors = false;
        Add(_arguments);
        SetAction(result => Run([.. result.GetValue(_arguments) ?? [], .. result.UnmatchedTokens]));
    }

    private static void Run(string[] arguments)
    {
        // In this process: a project that BenchmarkDotNet generates would be held to this repository's rules.
        IConfig config = DefaultConfig.Instance
            .AddJob(BenchmarkDotNet.Jobs.Job.Default.WithToolchain(InProcessEmitToolchain.Instance))
            .WithArtifactsPath(Path.Combine(Repository.Root, "artifacts", "benchmarks"));
        _ = BenchmarkSwitcher.FromAssembly(typeof(PartsCommand).Assembly).Run(arguments, config);
    }
}
