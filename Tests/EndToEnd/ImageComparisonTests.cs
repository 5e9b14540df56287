using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>An image beside what another linker makes of the same objects at the same addresses.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class ImageComparisonTests
{
    /// <summary>
    /// Every byte of code and data; the unwind tables, which the other linker rewrites, and the slots, which it puts
    /// elsewhere, are compared by the programs that run.
    /// </summary>
    [TestCase("data")]
    [TestCase("switches")]
    [TestCase("constructors")]
    [TestCase("calls")]
    [TestCase("templates")]
    [TestCase("shapes")]
    [TestCase("throws")]
    [TestCase("throws-sections")]
    [TestCase("comdat")]
    [TestCase("narrow")]
    [TestCase("addends")]
    [TestCase("sizes")]
    [TestCase("statics")]
    [TestCase("strings")]
    [TestCase("vectors")]
    [TestCase("tls")]
    public void SectionsHaveTheSameBytes(string name)
    {
        FixtureProgram program = Fixtures.Programs.Single(row => row.Name == name);
        using var folder = new TemporaryFolder();
        var inputs = new InputFiles();
        foreach (string path in program.Objects.Select(Fixtures.Object))
        {
            inputs.Add(path);
        }

        string outside = OtherLinker.AddOutside(inputs, folder);
        AssertSame(inputs, [.. program.Objects.Select(Fixtures.Object), outside], folder);
    }

    /// <summary>
    /// The same for ARM, where all branches reach without veneers; the exception index, which the other linker rewrites, is
    /// compared by the programs that run.
    /// </summary>
    [TestCase("armv4t-none-linux-gnueabi", "-O0", "alone")]
    [TestCase("armv4t-none-linux-gnueabi -mthumb", "-O2", "alone")]
    [TestCase("armv5te-none-linux-gnueabi", "-O2", "alone")]
    [TestCase("armv6-none-linux-gnueabi -mthumb", "-O0", "alone")]
    [TestCase("armv7-none-linux-gnueabi", "-O0", "alone")]
    [TestCase("armv7-none-linux-gnueabi", "-O2", "alone")]
    [TestCase("armv7-none-linux-gnueabi -mthumb", "-O0", "alone")]
    [TestCase("armv7-none-linux-gnueabi -mthumb", "-O2", "alone")]
    [TestCase("thumbv6m-none-eabi", "-O2", "alone")]
    [TestCase("thumbv8m.main-none-eabi", "-O2", "alone")]
    [TestCase("armv5te-none-linux-gnueabi", "-O0", "far")]
    [TestCase("armv7-none-linux-gnueabi", "-O0", "far")]
    [TestCase("armv8-none-linux-gnueabihf", "-O0", "far")]
    public void ArmSectionsHaveTheSameBytes(string target, string level, string program)
    {
        using var folder = new TemporaryFolder();
        string[] alone = ["-ffreestanding", "-fno-builtin"];
        var flags = new ArmFlags("clang-19", target, $"{level} -fno-pic");
        List<string> objects = [.. flags.Compile(
            folder.Path, ArmSources([.. program is "far" ? (string[])["far-main.c"] : ["alone.c", "alone2.c"], "support.c", "system.S"]), alone)];
        foreach (string name in program is "far" ? (string[])["first", "second", "third", "fourth"] : [])
        {
            var own = new ArmFlags("clang-19", name is "second" or "fourth" ? $"{target} -mthumb" : target, $"{level} -fno-pic");
            string compiled = own.Compile(folder.Path, ArmSources("far.c"), [.. alone, $"-DNAME={name}", "-DCODE=7"])[0];
            objects.Add(folder.File(name + ".o"));
            File.Move(compiled, objects[^1]);
        }

        var inputs = new InputFiles();
        objects.ForEach(inputs.Add);

        AssertSame(inputs, [.. objects], folder);
    }

    private static string[] ArmSources(params string[] files) =>
        [.. files.Select(file => Fixtures.Source(Path.Combine("arm-programs", file)))];

    private static void AssertSame(InputFiles inputs, string[] objects, TemporaryFolder folder)
    {
        LinkedImage image = new ImageLinker(new ImageOptions { Entry = "main" }).Link(inputs);
        ImageExecutable other = OtherLinker.Link(image, objects, folder);

        using (Assert.EnterMultipleScope())
        {
            foreach (ImageSection section in OtherLinker.Compared(image).Where(section => !section.Section.Contains("bss")))
            {
                byte[] ours = new byte[section.Size];
                Assert.That(image.TryRead(section.Address, ours), Is.True);
                Assert.That(
                    Convert.ToHexStringLower(ours),
                    Is.EqualTo(Convert.ToHexStringLower(other.Read(section.Address, section.Size) ?? [])),
                    section.ToString());
            }
        }
    }
}
