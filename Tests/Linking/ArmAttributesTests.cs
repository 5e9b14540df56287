using ElfLoader.Elf;
using ElfLoader.Images.Arm;
using ElfLoader.Linking;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Linking;

/// <summary>What the objects of an Arm image say of themselves, made one.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ArmAttributesTests
{
    private const string Start = ".globl _start\n.type _start,%function\n_start: bx lr\n";

    /// <summary>Attributes of two objects, and of the image ("Addenda to, and Errata in, the ABI", the tags' own rules).</summary>
    private static readonly TestCaseData[] Merged =
    [
        Case("6:10", "6:14", "6:14", "the newer architecture"),
        Case("6:9", "6:8", "6:10", "v6K and v6T2 have each what the other lacks"),
        Case("6:11 7:77", "6:13 7:77", "6:13 7:77", "v6-M runs on v7E-M"),
        Case("7:65", "6:10", "6:10 7:65", "one says nothing of the profile"),
        Case("7:83", "7:65", "7:65", "the classic profile is A or R"),
        Case("10:4", "10:5", "10:5", "VFPv3-D16 and VFPv4"),
        Case("10:3", "10:6", "10:5", "32 registers of one, the version of the other"),
        Case("24:1 25:1", "24:2 25:1", "24:1 25:1", "eight bytes are more than four"),
        Case("24:1 25:2", "25:1", "24:1 25:1", "what both keep"),
        Case("24:1 25:1", "6:10", "6:10 24:1 25:1", "an assembler does not say what it keeps"),
        Case("18:4", "", "18:4", "no wchar_t in one"),
        Case("28:1 23:3", "28:3 23:3", "23:3 28:1", "goes with either convention"),
        Case("28:1 23:3", "", "23:3 28:1", "no floating-point code"),
        Case("30:1", "30:2", "", "different goals"),
        Case("34:1", "34:0", "34:1", "may use unaligned addresses"),
        Case("74:1 76:1", "74:1", "74:1", "what all promise"),
        Case("14:3", "14:1", "14:1", "one does not use r9"),
    ];

    private static readonly TestCaseData[] Clashes =
    [
        Clash("28:1 23:3", "28:0 23:3", "floating-point arguments in core registers, and a.o passes floating-point arguments in floating-point registers"),
        Clash("7:77 6:13", "7:65 6:10", "b.o: is for processors of the A profile, and a.o for those of the M profile"),
        Clash("14:1", "14:2", "b.o: uses r9 for thread-local storage, and a.o uses r9 for the static base"),
        Clash("38:1", "38:2", "b.o: has 16-bit floating-point numbers in the alternative format, and a.o"),
        Clash("25:0", "24:1", "b.o: needs data aligned to 8 bytes (Tag_ABI_align_needed), and a.o keeps the stack aligned to 1 only"),
        Clash("24:4 25:4", "25:1", "b.o: keeps the stack aligned to 8 bytes only (Tag_ABI_align_preserved), and a.o needs 16"),
        Clash("", "50:0 56:1", "build attribute 56 is not known"),
    ];

    [TestCaseSource(nameof(Merged))]
    public void AttributesBecomeOne(string first, string second, string expected)
    {
        ElfObject[] objects = [Object(first, Start, "a.o"), Object(second, ".long 0", "b.o")];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Describe(objects), Is.EqualTo(expected));
            Assert.That(Describe(objects.Reverse()), Is.EqualTo(expected));
        }
    }

    [TestCaseSource(nameof(Clashes))]
    public void WhatContradictsEachOtherIsRefusedNamingBoth(string first, string second, string message)
    {
        LinkException? exception = Assert.Throws<LinkException>(() => Link(first, second));

        Assert.That(exception!.Message, Does.Contain(message));
    }

    [TestCase("18:4", "18:2", "b.o has a wchar_t of 2 bytes, and a.o has a wchar_t of 4 bytes (Tag_ABI_PCS_wchar_t)")]
    [TestCase("26:1", "26:2", "b.o has enumerations of 32 bits, and a.o has enumerations as small as can be (Tag_ABI_enum_size)")]
    public void WhatMayBeAMistakeIsAWarning(string first, string second, string warning) =>
        Assert.That(Link(first, second).Warnings, Does.Contain(warning));

    [TestCase("28:1 23:3", EF_ARM_EABI_VER5 | EF_ARM_ABI_FLOAT_HARD)]
    [TestCase("28:0 6:10", EF_ARM_EABI_VER5 | EF_ARM_ABI_FLOAT_SOFT)]
    public void FlagsNameTheFloatingPointConvention(string attributes, uint flags)
    {
        using var stream = new MemoryStream();
        Link(attributes, "").WriteExecutable(stream);

        Assert.That(BitConverter.ToUInt32(stream.ToArray(), 36), Is.EqualTo(flags));
    }

    /// <summary>A veneer from Thumb to code that is too far away.</summary>
    [TestCase("6:2", "", "thumb-ldr-bx")]
    [TestCase("6:4", "", "thumb-ldr")]
    [TestCase("6:7", "", "thumb-ldr")]
    [TestCase("6:11 7:77", "", "thumb-push")]
    [TestCase("6:10 7:65", "", "thumb-movw")]
    [TestCase("6:10 7:77", "", "thumb-movw")]
    [TestCase("6:13 7:77", "6:11 7:77", "thumb-movw")]
    [TestCase("6:2", "6:10 7:65", "thumb-movw")]
    [TestCase("", "", "thumb-movw")]
    public void TheProcessorChoosesTheVeneer(string first, string second, string kind)
    {
        LinkedImage image = new ImageLinker(new ImageOptions
        {
            Definitions = new Dictionary<string, DefinedSymbol> { ["far"] = new(0x7000_0000, Thumb: true) },
        }).Link(
        [
            Object(first, ".thumb\n" + Start + "bl far", "a.o"),
            Object(second, ".globl other\nother: .long 0", "b.o"),
        ]);

        Assert.That(image.Stubs.Single().Kind, Is.EqualTo(kind));
    }

    [Test]
    public void AnotherAbiIsRefused()
    {
        byte[] bytes = Object("", Start, "old.o").Bytes.ToArray();
        BitConverter.TryWriteBytes(bytes.AsSpan(36), 0x0200_0000u);

        LinkException? exception = Assert.Throws<LinkException>(
            () => new ImageLinker(new ImageOptions()).Link([ElfObject.Read(bytes, "old.o")]));

        Assert.That(exception!.Message, Does.Contain("old.o: the object follows version 2 of the Arm EABI"));
    }

    private static TestCaseData Case(string first, string second, string image, string why) =>
        new TestCaseData(first, second, image).SetArgDisplayNames(first, second, image, why);

    private static TestCaseData Clash(string first, string second, string message) =>
        new TestCaseData(first, second, message).SetArgDisplayNames(first, second);

    private static LinkedImage Link(string first, string second) => new ImageLinker(new ImageOptions()).Link(
        [Object(first, Start, "a.o"), Object(second, ".globl other\nother: .long 0", "b.o")]);

    /// <summary>Assembly with attributes, written <c>tag:value</c>.</summary>
    private static ElfObject Object(string attributes, string code, string name)
    {
        byte[] values = [.. attributes.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(pair => pair.Split(':').Select(byte.Parse))];
        const int header = 5; // a tag and a size
        ReadOnlySpan<byte> vendor = "aeabi\0"u8;
        string section = values.Length is 0 ? "" : $"""
            .section .ARM.attributes,"",%0x70000003
            .byte 'A'
            .long {sizeof(int) + vendor.Length + header + values.Length}
            .asciz "aeabi"
            .byte 1
            .long {header + values.Length}
            .byte {string.Join(',', values)}
            """;
        return Assembler.Arm(code + "\n" + section, name);
    }

    /// <summary>The attributes of an image, read from where the ABI's format has them.</summary>
    private static string Describe(IEnumerable<ElfObject> objects)
    {
        var errors = new LinkErrors();
        byte[] section = ArmAttributes.Merge(objects, errors, []).ToSection();
        errors.ThrowIfAny();
        const int header = 1 + 4 + 6 + 1 + 4; // version, size, vendor, scope, size
        return string.Join(' ', section.Skip(header).Chunk(2).Select(pair => $"{pair[0]}:{pair[1]}"));
    }
}
