using ElfLoader.Benchmarks.Inputs;
using ElfLoader.Benchmarks.Jobs;
using ElfLoader.Benchmarks.Measuring;

namespace ElfLoader.Benchmarks.Workloads;

/// <summary>The 59 objects of LLVM 14's x86 code generator.</summary>
internal static class CodeGenerator
{
    /// <summary>Loaded in a warm process.</summary>
    public static Workload InProcess { get; } =
        new("codegen", CompareInProcess, threads => new Job(Job.Load, Objects.List, threads));

    /// <summary>Linked by a process that ends.</summary>
    public static Workload Processes { get; } = new("codegen-process", CompareProcesses) { Command = Link };

    /// <summary>The objects.</summary>
    public static ObjectSet Objects => ObjectSet.OfArchives("codegen", LlvmArchives.Find("X86CodeGen"));

    private static void CompareInProcess(Comparison comparison)
    {
        ObjectSet objects = Objects;
        IReadOnlyList<Result> results = comparison.Contest.Run(
        [
            .. comparison.Ours(threads => new Job(Job.Load, objects.List, threads)),
            comparison.RuntimeDyld(objects.List),
            comparison.JitLink(objects.List),
            comparison.Floor(objects.List),
        ]);
        ResultTable.Print($"libLLVMX86CodeGen.a, in process, warm: {objects.Describe()}", results, results[0]);
        comparison.Draw("speed-in-process", "Loading LLVM's x86 code generator (59 objects, 129,476 relocations), warm", results);
    }

    private static IReadOnlyList<string> Link() =>
        ["link", "--allow-undefined", .. Objects.Paths, "-o", Path.Combine(InputFolder.Of("output"), "elfload")];

    private static void CompareProcesses(Comparison comparison)
    {
        ObjectSet objects = Objects;
        string output = InputFolder.Of("output");

        // Without an entry that some object defines, llvm-jitlink links nothing; from this one, all 59 are reached.
        string[] jitLink = ["-noexec", "-phony-externals", "-entry=LLVMInitializeX86Target", .. objects.Paths];
        string File(string name) => Path.Combine(output, name);
        IReadOnlyList<Result> results = comparison.Contest.Run(
        [
            comparison.Process(
                "elfload link",
                () => comparison.Harnesses.Elfload,
                Link()),
            comparison.Process("empty .NET program", () => comparison.Harnesses.Empty),
            comparison.Process("the same, compiled late", () => comparison.Harnesses.EmptyJit),
            comparison.Process("llvm-jitlink-19", () => "llvm-jitlink-19", jitLink),
            comparison.Process("mold -shared", () => "mold", ["-shared", .. objects.Paths, "-o", File("mold.so")]),
            comparison.Process("ld.lld-19 -shared", () => "ld.lld-19", ["-shared", .. objects.Paths, "-o", File("lld.so")]),
        ]);
        ResultTable.Print($"libLLVMX86CodeGen.a, whole processes: {objects.Describe()}", results, results[0]);
        comparison.Draw("speed-processes", "Linking LLVM's x86 code generator, whole processes", results);
        if (results is [{ Times: { } ours }, { Times: { } empty }, _, _, { Times: { } mold }, ..])
        {
            double net = ours.Median - empty.Median;
            Console.WriteLine(FormattableString.Invariant(
                $"  elfload link less the empty program: {ResultTable.Time(net)}, {net / mold.Median:0.00} of mold -shared"));
        }
    }
}
