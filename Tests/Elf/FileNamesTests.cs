using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using ElfLoader.Elf;
using ElfLoader.Loading;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Elf;

/// <summary>Names of machines and kinds of files: the C library's list of machines, and files that other tools made.</summary>
public sealed partial class FileNamesTests
{
    /// <summary>The C library's header lists the registry.</summary>
    [Test]
    public void EveryMachineOfTheSystemsHeaderHasAName()
    {
        List<ushort> machines = [.. Machine().Matches(File.ReadAllText("/usr/include/elf.h"))
            .Where(match => match.Groups[1].Value is not ("NONE" or "NUM"))
            .Select(match => match.Groups[2].Value)
            .Select(number => number.StartsWith("0x", StringComparison.Ordinal)
                ? ushort.Parse(number[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture)
                : ushort.Parse(number, CultureInfo.InvariantCulture))];

        Assert.That(machines, Has.Count.GreaterThan(150));
        Assert.That(machines.Where(machine => ElfMachines.NameOf(machine, false).Contains("unknown", StringComparison.Ordinal)), Is.Empty);
        Assert.That(ElfMachines.NameOf(0xfff0, true), Is.EqualTo("an unknown machine (e_machine 65520)"));
    }

    [Test]
    public void TheTableIsSorted()
    {
        ushort[] known = [.. Enumerable.Range(0, 0x10000).Select(number => (ushort)number).Where(number => ElfMachines.Find(number, true) is not null)];

        Assert.That(known, Has.Length.GreaterThan(200), "the search finds rows that are in order only");
        Assert.That(known, Is.SupersetOf((ushort[])[1, 3, 40, 62, 183, 243, 258, 269, 0x1057, 0x9026, 0xfeed]));
    }

    /// <summary>A process on another machine: x86-64 objects are not its own.</summary>
    [TestCase(Architecture.X64, null)]
    [TestCase(Architecture.Arm64, "the object is for x86-64, and this process runs AArch64 code; objects can be loaded into processes of x86-64 and ARM")]
    [TestCase(Architecture.RiscV64, "the object is for x86-64, and this process runs 64-bit RISC-V code; objects can be loaded into processes of x86-64 and ARM")]
    [TestCase(Architecture.Arm, "the object is for x86-64, and this process runs ARM code only")]
    public void AProcessLoadsObjectsOfItsOwnMachine(Architecture host, string? refusal)
    {
        var elf = ElfObject.Read(File.ReadAllBytes(Fixtures.Object("hello")), "hello.o");

        if (refusal is null)
        {
            Assert.That(() => HostMachine.Check(elf, host), Throws.Nothing);
        }
        else
        {
            Assert.That(
                () => HostMachine.Check(elf, host),
                Throws.TypeOf<LinkException>().With.Message.EqualTo($"hello.o: {refusal}"));
        }
    }

    [TestCase("0061736d01000000", "WebAssembly module")]
    [TestCase("1f8b0800", "gzip-compressed file")]
    [TestCase("fd377a585a00", "xz-compressed file")]
    [TestCase("28b52ffd", "zstd-compressed file")]
    [TestCase("504b0304", "zip file")]
    [TestCase("cafebabe00000002", "Mach-O file for several machines")]
    [TestCase("cafebabe0000003d", "Java class")]
    [TestCase("cffaedfe0c000001", "Mach-O file for AArch64")]
    [TestCase("feedface00000012", "Mach-O file for PowerPC")]
    [TestCase("64aa0300", "COFF object for AArch64")]
    [TestCase("23212f62696e2f7368", "script")]
    [TestCase("425a6839", "bzip2-compressed file")]
    [TestCase("377abcaf271c", "7-Zip archive")]
    [TestCase("526172211a0701", "RAR archive")]
    [TestCase("04224d18", "lz4-compressed file")]
    [TestCase("1f9d90", "compress-compressed file")]
    [TestCase("255044462d312e37", "PDF document")]
    [TestCase("89504e470d0a1a0a", "PNG image")]
    [TestCase("ffd8ffe0", "JPEG image")]
    [TestCase("4d5a9000", "Windows executable")]
    [TestCase("a70d0d0a00000000", "Python bytecode")]
    [TestCase("2b0e0d0a00000000", "Python bytecode")]
    [TestCase("fffe69006e007400", "text")]
    [TestCase("696e74c3", "text")] // the sample ends within a character
    [TestCase("696e7400", "data of an unknown kind")]
    [TestCase("", "empty file")]
    [TestCase("7f454c46", "beginning of an ELF file")]
    public void FilesAreCalledWhatTheyAre(string bytes, string expected) =>
        Assert.That(FileDescription.Of(Convert.FromHexString(bytes)), Is.EqualTo(expected));

    /// <summary>Files as the programs write them that are there for it.</summary>
    [TestCase("tar cf out in", "tar archive")]
    [TestCase("tar --format=ustar -cf out in", "tar archive")]
    [TestCase("tar --format=pax -cf out in", "tar archive")]
    [TestCase("gzip < in > out", "gzip-compressed file")]
    [TestCase("bzip2 < in > out", "bzip2-compressed file")]
    [TestCase("xz < in > out", "xz-compressed file")]
    [TestCase("python3 -c 'import py_compile; py_compile.compile(\"in\", \"out\")'", "Python bytecode")]
    public void FilesOfOtherProgramsAreCalledWhatTheyAre(string command, string expected)
    {
        using var folder = new EndToEnd.TemporaryFolder();
        File.WriteAllText(folder.File("in"), "x = 1\n");
        if (!EndToEnd.Command.Exists(command.Split(' ')[0]))
        {
            Assert.Inconclusive($"there is no {command.Split(' ')[0]}");
        }

        EndToEnd.Command.Check("bash", ["-c", command], folder.File(""));

        Assert.That(FileDescription.Of(File.ReadAllBytes(folder.File("out"))), Is.EqualTo(expected));
    }

    [GeneratedRegex(@"^#define EM_(\w+)\s+(0x[0-9a-fA-F]+|\d+)", RegexOptions.Multiline)]
    private static partial Regex Machine();
}
