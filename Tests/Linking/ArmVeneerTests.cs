using System.Diagnostics;
using ElfLoader.Elf;
using ElfLoader.Relocations;
using ElfLoader.Tests.Arch.Arm;
using ElfLoader.Tests.Support;
using static ElfLoader.Arch.Arm.ArmRelocationTypes;
using static ElfLoader.Elf.ElfConstants;
using Machine = ElfLoader.Arch.Arm.Arm;

namespace ElfLoader.Tests.Linking;

/// <summary>
/// Branches from each instruction set to each, near and across 64 MiB, for all versions of the architecture: images that
/// qemu runs. And veneers in text that is larger than any branch reaches.
/// </summary>
/// <remarks>A program's exit status is the sum of two arguments and of what the stack has moved by.</remarks>
[Parallelizable(ParallelScope.All)]
public sealed class ArmVeneerTests
{
    private const ulong Start = 0x10_0000;
    private const ulong Near = 0x11_0000;
    private const ulong Far = Start + (64 << 20);
    private const int Answer = 42;
    private const int Mebi = 1 << 20;

    // mov r0, #40; mov r1, #2; mov r4, sp; cmp r0, r0
    private const string ArmStart = "2800a0e3" + "0210a0e3" + "0d40a0e1" + "000050e1";
    private const string ThumbStart = "2820" + "0221" + "6c46" + "8042";

    // add r0, r0, r1; sub r4, r4, sp; add r0, r0, r4; mov r7, #1 (exit); svc #0
    private const string ArmTarget = "010080e0" + "0d4044e0" + "040080e0" + "0170a0e3" + "000000ef";
    private const string ThumbTarget = "4018" + "6a46" + "a41a" + "0019" + "0127" + "00df";

    private const string Bl = "feffffeb";
    private const string ThumbBl = "fff7feff";

    // bl, b, beq, bleq
    private static readonly (uint Type, string Code)[] ArmBranches =
        [(R_ARM_CALL, Bl), (R_ARM_JUMP24, "feffffea"), (R_ARM_JUMP24, "feffff0a"), (R_ARM_JUMP24, "feffff0b")];

    // bl; b.w, beq.w where Thumb-2 is
    private static readonly (uint Type, string Code)[] ThumbBranches =
        [(R_ARM_THM_CALL, ThumbBl), (R_ARM_THM_JUMP24, "fff7febf"), (R_ARM_THM_JUMP19, "3ff4feaf")];

    private static IEnumerable<TestCaseData> Branches =>
        from version in (uint[])[2, 3, 6, 10, 11, 14] // v4T, v5T, v6, v7, v6-M, v8
        from fromThumb in (bool[])[false, true]
        from toThumb in (bool[])[false, true]
        from place in (string[])["near", "far", "far-pic"]
        where version is not 11 || (fromThumb && toThumb)
        select new TestCaseData(version, fromThumb, toThumb, place)
            .SetArgDisplayNames($"{version}, {(fromThumb ? "T" : "A")}32 to {(toThumb ? "T" : "A")}32, {place}");

    [TestCaseSource(nameof(Branches))]
    public void BranchesArrive(uint version, bool fromThumb, bool toThumb, string place)
    {
        bool hasWideBranches = version is 10 or 14;
        foreach ((uint type, string code) in fromThumb ? ThumbBranches.Take(hasWideBranches ? 3 : 1) : ArmBranches)
        {
            LinkedImage image = new ImageLinker(new ImageOptions
            {
                Arm = ArmStubsTests.Make(version, isPositionIndependent: place is "far-pic").Options,
                MapSections =
                [
                    new SectionMapping("a.o", ".text", null, Start),
                    new SectionMapping("b.o", ".text", null, place is "near" ? Near : Far),
                ],
            }).Link([Caller(type, code, fromThumb), Callee(toThumb)]);

            Assert.That(image.Stubs, place is "near" ? Has.Count.LessThanOrEqualTo(1) : Has.Count.EqualTo(1), code);
            Assert.That(Run(image), Is.EqualTo(Answer), $"{code}, {string.Join(", ", image.Stubs)}");
        }
    }

    /// <summary>
    /// Callers at both ends of each of twelve sections of 4 MiB: one veneer for each instruction set in reach of all that
    /// it can serve, however large the text is.
    /// </summary>
    [TestCase(false, 2, Description = "32 MiB each way")]
    [TestCase(true, 3, Description = "16 MiB each way")]
    public void LargeTextHasAsFewVeneersAsReachAllows(bool isThumb, int veneers)
    {
        const int size = 4 * Mebi;
        const int sections = 12;
        var elf = new ElfBuilder(is64Bit: false, EM_ARM) { Flags = 0x0500_0000 };
        byte[] bytes = new byte[size];
        Convert.FromHexString(isThumb ? ThumbBl : Bl).CopyTo(bytes, 0);
        Convert.FromHexString(isThumb ? ThumbBl : Bl).CopyTo(bytes, size - 4);
        int[] texts = [.. Enumerable.Range(0, sections).Select(i => elf.AddSection(
            $".text.{i}", flags: SHF_ALLOC | SHF_EXECINSTR, bytes: bytes, alignment: 4))];
        int symbol = elf.AddSymbol("callee");
        foreach (int text in texts)
        {
            _ = elf.AddRelocation(text, 0, isThumb ? R_ARM_THM_CALL : R_ARM_CALL, symbol, 0, RelocationFormat.Rel);
            _ = elf.AddRelocation(text, size - 4, isThumb ? R_ARM_THM_CALL : R_ARM_CALL, symbol, 0, RelocationFormat.Rel);
        }

        LinkedImage image = new ImageLinker(new ImageOptions
        {
            Definitions = new Dictionary<string, DefinedSymbol> { ["callee"] = new(0xf000_0000, Thumb: true) },
        }).Link([ElfObject.Read(elf.Build(), "large.o")]);

        RelocationRule rule = Machine.Default.Relocations[isThumb ? R_ARM_THM_CALL : R_ARM_CALL]!;
        HashSet<ulong> used = [];
        foreach (ImageSection section in image.Sections.Where(section => section.Section.StartsWith(".text.", StringComparison.Ordinal)))
        {
            foreach (ulong place in (ulong[])[section.Address, section.Address + size - 4])
            {
                byte[] branch = new byte[4];
                Assert.That(image.TryRead(place, branch), Is.True);
                _ = used.Add((ulong)((long)place + Machine.Default.BranchOrigin(rule) + rule.Field.Read(branch)));
            }
        }

        Assert.That(used, Is.EquivalentTo(image.Stubs.Select(stub => stub.Address)), "every branch goes to a veneer, and each is used");
        Assert.That(image.Stubs.Select(stub => stub.Target), Has.All.EqualTo(0xf000_0001));
        Assert.That(image.Stubs, Has.Count.EqualTo(veneers));
    }

    /// <summary>A caller in each instruction set and each object: a veneer for each set, not for each caller.</summary>
    [Test]
    public void CallersShareVeneers()
    {
        LinkedImage image = new ImageLinker(new ImageOptions
        {
            Definitions = new Dictionary<string, DefinedSymbol> { ["callee"] = new(0xf000_0000, Thumb: false) },
        }).Link([
            Caller(R_ARM_CALL, Bl, isThumb: false, "a.o"), Caller(R_ARM_JUMP24, "feffff0a", isThumb: false, "b.o"),
            Caller(R_ARM_THM_CALL, ThumbBl, isThumb: true, "c.o"), Caller(R_ARM_THM_JUMP19, "3ff4feaf", isThumb: true, "d.o"),
        ]);

        Assert.That(image.Stubs.Select(stub => (stub.Kind, stub.Target)), Is.EquivalentTo(new[]
        {
            ("arm-movw", 0xf000_0000UL), ("thumb-movw", 0xf000_0000UL),
        }));
    }

    /// <summary>A section that may lie at any multiple of two has its veneers behind it, at multiples of four.</summary>
    [Test]
    public void VeneersDoNotMoveWhatIsPlacedAtOddHalfwords()
    {
        LinkedImage image = new ImageLinker(new ImageOptions
        {
            MapSections = [new SectionMapping("a.o", ".text", null, Start + 2)],
            Definitions = new Dictionary<string, DefinedSymbol> { ["callee"] = new(0xf000_0000, Thumb: true) },
        }).Link([Caller(R_ARM_THM_CALL, ThumbBl, isThumb: true)]);

        Assert.That(image.Sections.Single(section => section.Section is ".text").Address, Is.EqualTo(Start + 2));
        Assert.That(image.Stubs.Single().Address, Is.EqualTo(Start + 16));
    }

    /// <summary>What stands right behind a caller stays there, and the veneer is where the branch still reaches it.</summary>
    [Test]
    public void VeneersWithoutRoomBehindTheCallerAreNearby()
    {
        LinkedImage image = new ImageLinker(new ImageOptions
        {
            MapSections =
            [
                new SectionMapping("a.o", ".text", null, Far),
                new SectionMapping("b.o", ".text", null, Far + 20),
            ],
            Definitions = new Dictionary<string, DefinedSymbol> { ["callee"] = new(0xf000_0000, Thumb: true) },
        }).Link([Caller(R_ARM_CALL, Bl, isThumb: false), Callee(isThumb: false, "other")]);

        Assert.That(image.Sections.Single(section => section.Object is "b.o").Address, Is.EqualTo(Far + 20));
        Assert.That(image.Stubs.Single().Address, Is.EqualTo(Far + 40));
    }

    private static ElfObject Caller(uint type, string branch, bool isThumb, string name = "a.o")
    {
        var elf = new ElfBuilder(is64Bit: false, EM_ARM) { Flags = 0x0500_0000 };
        string start = isThumb ? ThumbStart : ArmStart;
        int text = elf.AddSection(
            ".text", flags: SHF_ALLOC | SHF_EXECINSTR, bytes: Convert.FromHexString(start + branch), alignment: isThumb ? 2UL : 4);
        if (name is "a.o")
        {
            _ = elf.AddSymbol("_start", text, isThumb ? 1UL : 0, type: SymbolType.Function);
        }

        _ = elf.AddRelocation(text, (ulong)start.Length / 2, type, elf.AddSymbol("callee"), 0, RelocationFormat.Rel);
        return ElfObject.Read(elf.Build(), name);
    }

    private static ElfObject Callee(bool isThumb, string symbol = "callee")
    {
        var elf = new ElfBuilder(is64Bit: false, EM_ARM) { Flags = 0x0500_0000 };
        int text = elf.AddSection(
            ".text", flags: SHF_ALLOC | SHF_EXECINSTR, bytes: Convert.FromHexString(isThumb ? ThumbTarget : ArmTarget), alignment: 4);
        _ = elf.AddSymbol(symbol, text, isThumb ? 1UL : 0, type: SymbolType.Function);
        return ElfObject.Read(elf.Build(), "b.o");
    }

    private static int Run(LinkedImage image)
    {
        string path = Path.GetTempFileName();
        try
        {
            using (FileStream file = File.Create(path))
            {
                image.WriteExecutable(file);
            }

            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }

            using var process = Process.Start(new ProcessStartInfo("qemu-arm", [path]))!;
            Assert.That(process.WaitForExit(TimeSpan.FromSeconds(60)), Is.True);
            return process.ExitCode;
        }
        finally
        {
            File.Delete(path);
        }
    }
}
