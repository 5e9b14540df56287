namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// The promise about compilers and flags: what each of them makes of the fixture programs runs through
/// <c>elfload run</c> with the output and the exit status of the natively linked program.
/// </summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class CompilerMatrixTests
{
    private const int NotLoaded = 125;

    private static IEnumerable<object[]> Matrix =>
        from flags in CompilerFlags.All
        from program in ProgramGroup.All
        where program.LinksNatively(flags)
        select new object[] { flags, program };

    [TestCaseSource(nameof(Matrix))]
    public void RunsAsNativelyLinked(CompilerFlags flags, ProgramGroup group)
    {
        using var folder = new TemporaryFolder();
        IReadOnlyList<string> objects = group.Compile(flags, folder.Path);
        CommandResult native = group.RunNatively(flags, objects, folder.Path);
        IReadOnlySet<string> outOfReach =
            flags.IsPositionDependent ? HostReferences.OutOfReach(objects) : new HashSet<string>();

        CommandResult loaded = ElfloadCommand.Run(["--no-demangle", .. objects]); // what is out of reach is known by its mangled name

        if (outOfReach.Count is 0)
        {
            AssertSame(loaded, native);
            return;
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(loaded.Status, Is.EqualTo(NotLoaded), loaded.Output);
            Assert.That(loaded.Output, Is.Empty);
            Assert.That(loaded.Error, Does.Match(string.Join('|', outOfReach)), "names a symbol");
            Assert.That(loaded.Error, Does.Match(@"\.o: \.[\w.]+\+0x[0-9a-f]+: "), "names a place");
            Assert.That(loaded.Error, Does.Match("-fPIC|-fPIE"), "names a flag that helps");
        }
    }

    [Test]
    public void PositionDependentCxxRunsWithTheStaticStandardLibrary(
        [Values("clang-14", "clang-19", "gcc-12")] string compiler,
        [Values("-O0", "-O2")] string optimisation)
    {
        using var folder = new TemporaryFolder();
        var flags = new CompilerFlags(compiler, optimisation, "-fno-pic", "");
        IReadOnlyList<string> objects = ProgramGroup.CxxWithoutLibc.Compile(flags, folder.Path);
        CommandResult native = ProgramGroup.CxxWithoutLibc.RunNatively(flags, objects, folder.Path);
        string library = Command.Check("gcc-12", ["-print-file-name=libstdc++.a"]).Trim();

        AssertSame(ElfloadCommand.Run([.. objects, library]), native);
    }

    private static void AssertSame(CommandResult loaded, CommandResult native)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(loaded.Error, Is.EqualTo(native.Error));
            Assert.That(loaded.Output, Is.EqualTo(native.Output));
            Assert.That(loaded.Status, Is.EqualTo(native.Status));
        }
    }
}
