namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// Programs with a C library for ARM, linked and run by <c>elfload run</c>: output and status are those of the same
/// sources compiled for this machine.
/// </summary>
[Category("EndToEnd")]
[Platform("Linux")]
[Parallelizable(ParallelScope.All)]
public sealed class ArmProgramTests
{
    private static readonly Lazy<CommandResult> NativeC = new(() => RunNatively(ProgramGroup.PortableC, "clang-19"));
    private static readonly Lazy<CommandResult> NativeCxx = new(() => RunNatively(ProgramGroup.PortableCxx, "clang-19"));

    /// <summary>Compilers differ in the order in which they put variables into a section.</summary>
    private static readonly Lazy<CommandResult> NativeCOfGcc = new(() => RunNatively(ProgramGroup.PortableC, "gcc-12"));

    private static IEnumerable<ArmFlags> Linux => ArmFlags.Linux;

    private static IEnumerable<ArmFlags> Cxx =>
    [
        new("clang-19", "armv7-linux-gnueabihf -marm", "-O2 -fPIC"),
        new("clang-19", "armv7-linux-gnueabihf -mthumb", "-O2 -fno-pic"),
        new("clang-14", "armv7-linux-gnueabihf -mthumb", "-O0 -fPIC"),
        new("gcc", "armv7-linux-gnueabihf -marm", "-O0 -fno-pic"),
        new("gcc", "armv7-linux-gnueabihf -mthumb", "-O2 -fPIC -ffunction-sections"),
    ];

    [TestCaseSource(nameof(Linux))]
    public void RunsAsNatively(ArmFlags flags) =>
        AssertRuns(ProgramGroup.PortableC, flags, (flags.Compiler is "gcc" ? NativeCOfGcc : NativeC).Value);

    [TestCaseSource(nameof(Cxx))]
    public void CxxRunsAsNatively(ArmFlags flags) => AssertRuns(ProgramGroup.PortableCxx, flags, NativeCxx.Value);

    private static void AssertRuns(ProgramGroup group, ArmFlags flags, CommandResult native)
    {
        using var folder = new TemporaryFolder();
        IReadOnlyList<string> objects = group.Compile(flags.Program(group.IsCxx), flags.All, folder.Path);

        CommandResult result = ElfloadCommand.Run(flags.Library.Around(objects, group.IsCxx));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Error, Is.EqualTo(native.Error));
            Assert.That(result.Output, Is.EqualTo(native.Output));
            Assert.That(result.Status, Is.EqualTo(native.Status));
        }
    }

    private static CommandResult RunNatively(ProgramGroup group, string compiler)
    {
        using var folder = new TemporaryFolder();
        var flags = new CompilerFlags(compiler, "-O2", "", "");
        return group.RunNatively(flags, group.Compile(flags, folder.Path), folder.Path);
    }
}
