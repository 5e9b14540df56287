using ElfLoader.Arch.Arm;
using ElfLoader.Elf;
using ElfLoader.Relocations;
using ElfLoader.Tests.Arch.Arm;
using ElfLoader.Tests.Support;
using static ElfLoader.Arch.Arm.ArmRelocationTypes;
using static ElfLoader.Elf.ElfConstants;
using Machine = ElfLoader.Arch.Arm.Arm;

namespace ElfLoader.Tests.Linking;

/// <summary>What other loaders and linkers are known to get wrong in Arm objects.</summary>
/// <remarks>The right bytes are GNU ld's, or lld's where the mistake is not its own; the limits are the ABI's.</remarks>
[Parallelizable(ParallelScope.All)]
public sealed class ArmPeerMistakesTests
{
    private const uint V4T = 2;
    private const uint V7A = 10;
    private const ulong StaticBase = 0x1000;

    private static IEnumerable<TestCaseData> Mistakes
    {
        get
        {
#pragma warning disable format // columns
            //                what goes wrong elsewhere                             type                   before      S            T  P            right
            yield return Row("JITLink: BLX has no bit H",                           R_ARM_CALL,            "feffffeb", 0x100a,      1, 0x1000,      "000000fb");
            yield return Row("JITLink: BLX stays where BL is needed",               R_ARM_THM_CALL,        "fff7feef", 0x1008,      1, 0x1000,      "00f002f8");
            yield return Row("JITLink: addend of MOVT without sign",                R_ARM_MOVT_ABS,        "fc0f4fe3", 0x7700_0000, 0, 0x1000,      "ff0647e3");
            yield return Row("JITLink: BL before Thumb-2 reaches 2 MiB only",       R_ARM_THM_CALL,        "fff7feff", 0x28_1004,   1, 0x1000,      "80f200f8", V4T);
            yield return Row("JITLink: BLEQ is no branch",                          R_ARM_JUMP24,          "feffff0b", 0x1010,      0, 0x1000,      "0200000b");
            yield return Row("JITLink, RuntimeDyld: no Thumb bit in words",         R_ARM_ABS32,           "00000000", 0x48_4000,   1, 0x1000,      "01404800");
            yield return Row("JITLink: no Thumb bit in MOVW",                       R_ARM_MOVW_ABS_NC,     "00c000e3", 0x76ff_1234, 1, 0x1000,      "35c201e3");
            yield return Row("JITLink: no Thumb bit in MOVW of T32",                R_ARM_THM_MOVW_ABS_NC, "40f20000", 0x1234,      1, 0x1000,      "41f23520");
            yield return Row("JITLink: no Thumb bit in R_ARM_TARGET1",              R_ARM_TARGET1,         "00000000", 0x48_4000,   1, 0x1000,      "01404800");
            yield return Row("JITLink: no R_ARM_THM_JUMP19",                        R_ARM_THM_JUMP19,      "3ff4feaf", 0x8_1004,    1, 0x1000,      "00f00088");
            yield return Row("JITLink: no R_ARM_MOVW_PREL_NC",                      R_ARM_MOVW_PREL_NC,    "000000e3", 0x2234,      0, 0x1000,      "340201e3");
            yield return Row("RuntimeDyld: R_ARM_THM_MOVW_PREL_NC writes nothing",  R_ARM_THM_MOVW_PREL_NC, "40f20000", 0x2234,     0, 0x1000,      "41f23420");
            yield return Row("RuntimeDyld: R_ARM_THM_MOVT_PREL writes nothing",     R_ARM_THM_MOVT_PREL,   "c0f20001", 0xabcd_1000, 0, 0x1000,      "caf6cd31");
            yield return Row("RuntimeDyld: bit 31 is part of PREL31's addend",      R_ARM_PREL31,          "f8ffffff", 0x1008,      0, 0x2000,      "00f0ffff");
            yield return Row("RuntimeDyld: a branch's addend is dropped",           R_ARM_CALL,            "000000eb", 0x1010,      0, 0x1000,      "040000eb");
            yield return Row("RuntimeDyld: PC24's addend must be -8",               R_ARM_PC24,            "000000ea", 0x1010,      0, 0x1000,      "040000ea");
            yield return Row("RuntimeDyld: no REL32",                               R_ARM_REL32,           "00000000", 0x1000,      1, 0x2000,      "01f0ffff");
            yield return Row("lld: addend of BL cut to 24 bits",                    R_ARM_THM_CALL,        "00f000d0", 0x1000,      1, 0xc0_1000,   "00f000f8");
            yield return Row("lld: addend of B<c>.W cut to 20 bits",                R_ARM_THM_JUMP19,      "00f00088", 0x1000,      1, 0x8_1000,    "00f00080");
            yield return Row("lld: addend of BL before Thumb-2 cut to 22 bits",     R_ARM_THM_CALL,        "00f300f8", 0x1000,      1, 0x30_1000,   "00f000f8", V4T);
            yield return Row("lld: bit U of a literal load stays set",              R_ARM_THM_PC12,        "9ff80010", 0x3f_ffd0,   0, 0x40_0006,   "1ff83410");
            yield return Row("lld: (S | T) + A",                                    R_ARM_MOVW_ABS_NC,     "010000e3", 0x1000,      1, 0x1000,      "010001e3");
            yield return Row("lld: R_ARM_MOVW_BREL of REL is an internal error",    R_ARM_MOVW_BREL,       "000000e3", 0x2234,      0, 0x1000,      "340201e3");
            yield return Row("lld: no R_ARM_ABS8",                                  R_ARM_ABS8,            "00",       0xff,        0, 0x1000,      "ff");
            yield return Row("lld: no R_ARM_ABS16",                                 R_ARM_ABS16,           "0000",     0xffff,      0, 0x1000,      "ffff");
            yield return Row("Linux, Zephyr: the lowest distance of BL is refused", R_ARM_CALL,            "feffffeb", 0x200_0008,  0, 0x400_0000,  "000080eb");
            yield return Row("Zephyr: the lowest distance of BL in T32 is refused", R_ARM_THM_CALL,        "fff7feff", 0x100_0004,  1, 0x200_0000,  "00f400d0");
            yield return Row("Linux: no call from A32 to T32",                      R_ARM_CALL,            "feffffeb", 0x1008,      1, 0x1000,      "000000fa");
#pragma warning restore format
        }
    }

    [TestCaseSource(nameof(Mistakes))]
    public void IsRightHere(uint version, uint type, string before, ulong s, ulong t, ulong p, string right)
    {
        byte[] bytes = Convert.FromHexString(before);
        LinkedImage image = Link(version, type, bytes, s | t, p);
        Assert.That(image.TryRead(p, bytes), Is.True);
        Assert.That(Convert.ToHexStringLower(bytes), Is.EqualTo(right));
        Assert.That(image.Stubs, Is.Empty);
    }

    /// <summary>RuntimeDyld checks nothing: it cuts what does not fit.</summary>
    [TestCase(R_ARM_PREL31, "00000000", 0x4000_1000UL, "is not between -0x40000000 and 0x3fffffff")]
    [TestCase(R_ARM_ABS8, "00", 0x100UL, "is not between -0x80 and 0xff")]
    [TestCase(R_ARM_THM_JUMP11, "fee7", 0x1804UL, "is not between -0x800 and 0x7fe")]
    [TestCase(R_ARM_LDR_PC_G0, "08001fe5", 0x2008UL, "is not between -0xfff and 0xfff")]
    public void WhatDoesNotFitIsRefusedWithItsLimits(uint type, string before, ulong s, string limits) => Assert.That(
        () => Link(V7A, type, Convert.FromHexString(before), s, 0x1000),
        Throws.TypeOf<LinkException>().With.Message.Contains(limits));

    /// <summary>RuntimeDyld crashes on 135 of the types, and two more do nothing: here each links or is an error.</summary>
    [Test]
    public void NoTypeIsFatal()
    {
        int refused = 0;
        for (uint type = 0; type < 256; type++)
        {
            RelocationRule? rule = Machine.Default.Relocations[type];
            bool isPossible = rule is { Use: RelocationUse.Static or RelocationUse.Marker };
            try
            {
                _ = Link(V7A, type, new byte[8], 0x1000, 0x1000);
                Assert.That(isPossible, Is.True, $"{type}");
            }
            catch (LinkException exception)
            {
                Assert.That(exception.Message, Does.Contain(rule?.Name ?? $"{type}"), $"{type}");
                refused++;
            }
        }

        Assert.That(refused, Is.GreaterThan(100));
    }

    /// <summary>Linux and NuttX let places reach beyond the end of a section, small ones above all.</summary>
    [TestCase(R_ARM_ABS32, 3, 0UL)]
    [TestCase(R_ARM_ABS32, 8, 5UL)]
    [TestCase(R_ARM_ABS32, 8, 8UL)]
    [TestCase(R_ARM_THM_CALL, 2, 0UL)]
    [TestCase(R_ARM_THM_JUMP11, 1, 0UL)]
    [TestCase(R_ARM_ABS32, 8, 0xffff_fffcUL)]
    public void PlacesBeyondTheSectionAreRefused(uint type, int size, ulong offset) => Assert.That(
        () => Link(V7A, type, new byte[size], 0x1000, 0x1000, offset), Throws.TypeOf<LinkException>());

    private static TestCaseData Row(
        string name, uint type, string before, ulong s, ulong t, ulong p, string right, uint version = V7A) =>
        new TestCaseData(version, type, before, s, t, p, right).SetArgDisplayNames(name);

    private static LinkedImage Link(uint version, uint type, byte[] bytes, ulong symbol, ulong address, ulong offset = 0)
    {
        var elf = new ElfBuilder(is64Bit: false, EM_ARM) { Flags = 0x0500_0000 };
        int text = elf.AddSection(".text", flags: SHF_ALLOC | SHF_EXECINSTR, bytes: bytes);
        bool isFunction = type is not (R_ARM_ABS8 or R_ARM_ABS16 or R_ARM_THM_PC12);
        int target = elf.AddSymbol("target", SHN_ABS, symbol, type: isFunction ? SymbolType.Function : SymbolType.Object);
        _ = elf.AddRelocation(text, offset, type, target, 0, RelocationFormat.Rel);
        return new ImageLinker(new ImageOptions
        {
            StaticBase = StaticBase,
            Arm = new ArmOptions { Architecture = ArmStubsTests.Make(version, isPositionIndependent: false).Options.Architecture },
            MapSections = [new SectionMapping("a.o", ".text", null, address)],
        }).Link([ElfObject.Read(elf.Build(), "a.o")]);
    }
}
