using ElfLoader.Benchmarks.Inputs;
using ElfLoader.Benchmarks.Jobs;
using ElfLoader.Benchmarks.Measuring;

namespace ElfLoader.Benchmarks.Workloads;

/// <summary>Archives for 32-bit Arm, all members linked as an image.</summary>
internal static class Images
{
    private static readonly string[] Archives = ["libc.a", "libstdc++.a"];

    // What start files define is missing; the others that stay undefined are ignored, but hidden ones never are.
    private static readonly string[] Lenient =
    [
        "--unresolved-symbols=ignore-all", "--allow-multiple-definition", "-e", "0",
        "--defsym=_init=0", "--defsym=_fini=0", "--defsym=__dso_handle=0",
    ];

    /// <summary>The C and C++ libraries for armhf.</summary>
    public static Workload Arm { get; } = new("arm", Compare, _ => new Job(Job.Image, Objects("libstdc++.a").List));

    private static ObjectSet Objects(string archive) => ObjectSet.OfArchives(
        $"armhf-{archive}", Shell.Run("arm-linux-gnueabihf-gcc-12", $"-print-file-name={archive}").Trim());

    private static void Compare(Comparison comparison)
    {
        foreach (string archive in Archives)
        {
            ObjectSet objects = Objects(archive);
            string output = InputFolder.Of("output");
            string File(string name) => Path.Combine(output, $"{archive}-{name}");
            string[] link = [.. Lenient, $"@{objects.List}", "-o"];
            IReadOnlyList<Result> results = comparison.Contest.Run(
            [
                Comparison.Ours("ElfLoader, in process, warm", new Job(Job.Image, objects.List)),
                comparison.Process(
                    "elfload link",
                    () => comparison.Harnesses.Elfload,
                    "link", "--allow-undefined", $"@{objects.List}", "-o", File("elfload")),
                comparison.Process("empty .NET program", () => comparison.Harnesses.Empty),
                comparison.Process("ld.lld-19", () => "ld.lld-19", [.. link, File("lld")]),
                comparison.Process("mold", () => "mold", ["-m", "armelf_linux_eabi", .. link, File("mold")]),
                comparison.Process("arm-linux-gnueabihf-ld", () => "arm-linux-gnueabihf-ld", [.. link, File("ld")]),
            ]);
            ResultTable.Print($"arm: {archive} for armhf as an image: {objects.Describe()}", results, results[0]);
        }
    }
}
