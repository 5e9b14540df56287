using System.Globalization;
using ElfLoader.Tests.Linking;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>The records of Arm's patched places, beside what readelf says of the objects and what lld makes of them.</summary>
[Category("EndToEnd")]
[Parallelizable(ParallelScope.All)]
public sealed class ArmPatchComparisonTests
{
    private const string Caller = """
        extern int callee(int);
        extern int table[16];
        extern const char *const names[];
        static int (*chosen)(int) = callee;
        int *where = &table[3];
        int local(int x) { return x * 1000003; }
        int caller(int x) { table[x & 15] += local(x); return callee(x) + chosen(x) + names[x & 1][0]; }
        int _start(void) { return caller(3); }
        """;

    private const string Callee = """
        int table[16] = { 1, 2, 3 };
        const char *const names[] = { "one", "two" };
        int callee(int x) { return x * 3 + table[1]; }
        int __aeabi_unwind_cpp_pr0(void) { return 0; }
        """;

    /// <summary>Movable and fixed code; in A32, in T32, and from one to the other.</summary>
    [TestCase("-marm -fno-pic", "-marm")]
    [TestCase("-mthumb -fno-pic", "-mthumb")]
    [TestCase("-marm -fPIC", "-mthumb -fPIC")]
    [TestCase("-mthumb -fPIE", "-marm")]
    [TestCase("-marm -fno-pic -mno-movt", "-mthumb")]
    [TestCase("-mthumb -fno-pic -O0", "-marm -O0")]
    public void RecordsTellWhatReadelfSaysAndAnotherLinkerWrites(string callerFlags, string calleeFlags)
    {
        using var folder = new TemporaryFolder();
        string[] objects = [Compile(folder, "caller", Caller, callerFlags), Compile(folder, "callee", Callee, calleeFlags)];
        var inputs = new InputFiles();
        inputs.Add(objects[0]);
        inputs.Add(objects[1]);
        LinkedImage image = new ImageLinker(new ImageOptions { RecordPatches = true }).Link(inputs);
        ImageExecutable other = OtherLinker.Link(image, objects, folder);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                image.Patches.Select(patch => $"{patch.Object} {patch.Offset:x} {patch.Relocation}"),
                Is.EquivalentTo(objects.SelectMany(Relocations)));
            foreach (PatchRecord patch in image.Patches.Where(patch => patch is { Section: not ".ARM.exidx", Slot: null }))
            {
                ulong start = patch.Address - patch.Offset + patch.BytesOffset;
                Assert.That(patch.Method, Is.EqualTo(PatchMethod.Direct), patch.ToString());
                Assert.That(
                    Convert.ToHexString(patch.After.Span),
                    Is.EqualTo(Convert.ToHexString(other.Read(start, (ulong)patch.After.Length) ?? [])),
                    patch.ToString());
                if (patch is { Symbol: "callee" or "table" or "names" })
                {
                    ulong symbol = other.SymbolNamed(patch.Symbol).Value;
                    Assert.That(patch.Operands.S | patch.Operands.T, Is.EqualTo(symbol), patch.ToString());
                    Assert.That(
                        patch.Source,
                        Is.EqualTo(patch.Object is "callee.o" ? SymbolSource.SameObject : SymbolSource.OtherObject));
                }
            }
        }
    }

    private static string Compile(TemporaryFolder folder, string name, string source, string flags)
    {
        File.WriteAllText(folder.File($"{name}.c"), source);
        Command.Check(
            "clang-19",
            ["--target=armv7a-linux-gnueabihf", "-O1", "-fno-unwind-tables", .. flags.Split(' '), "-c", $"{name}.c", "-o",
                $"{name}.o"],
            folder.Path);
        return folder.File($"{name}.o");
    }

    /// <summary>What readelf lists for sections that are loaded; R_ARM_NONE and R_ARM_V4BX change nothing.</summary>
    private static IEnumerable<string> Relocations(string path)
    {
        bool isLoaded = false;
        foreach (string line in Command.Check("llvm-readelf-19", ["-r", path]).Split('\n'))
        {
            string[] fields = line.Split([' ', '\''], StringSplitOptions.RemoveEmptyEntries);
            if (fields is ["Relocation", "section", string name, ..])
            {
                isLoaded = !name.StartsWith(".rel.debug", StringComparison.Ordinal);
            }
            else if (isLoaded && fields.Length >= 3 && fields[2].StartsWith("R_ARM_", StringComparison.Ordinal)
                && fields[2] is not ("R_ARM_NONE" or "R_ARM_V4BX"))
            {
                ulong offset = ulong.Parse(fields[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                yield return $"{Path.GetFileName(path)} {offset:x} {fields[2]}";
            }
        }
    }
}
