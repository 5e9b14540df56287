using ElfLoader.Elf;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Elf;

/// <summary>SHT_CREL: streams made by llvm-mc 19, streams made by hand, and what is wrong with others.</summary>
public sealed class CrelTests
{
    /// <summary>
    /// <c>llvm-mc-19 -triple=x86_64 -crel</c> of <c>call f; call g; .skip 300; leaq x-70000(%rip), %rax;
    /// .quad f+0x7fffffffffffffff; .quad f; .quad .text+16</c>, and what <c>llvm-readelf-19 -r</c> says of it.
    /// </summary>
    [Test]
    public void ReadsWhatTheAssemblerWritesForX64() => Assert.That(
        Read("340f02047c29019f13017e90dd7b277e7ff3a2848080808080807f448180808080808080807f457f10", is64Bit: true),
        Is.EqualTo(new RelocationRecord[]
        {
            new(0x1, 4, 2, -4),
            new(0x6, 4, 3, -4),
            new(0x139, 2, 4, -70004),
            new(0x13d, 1, 2, 0x7fff_ffff_ffff_ffff),
            new(0x145, 1, 2, 0),
            new(0x14d, 1, 1, 16),
        }));

    /// <summary>
    /// <c>llvm-mc-19 -triple=armv7a-linux-gnueabi -crel</c> of
    /// <c>bl f; .skip 300; .word g-12; .word f+0x7fffffff</c>.
    /// </summary>
    [Test]
    public void ReadsWhatTheAssemblerWritesForArm() => Assert.That(
        Read("1e03031ce7040166740d7f8b80808078", is64Bit: false),
        Is.EqualTo(new RelocationRecord[]
        {
            new(0, 0x1c, 3, 0),
            new(0x130, 2, 4, -12),
            new(0x134, 2, 3, 0x7fff_ffff),
        }));

    [TestCase("00", TestName = "Crel: no relocations")]
    [TestCase("08 00", "0:0:0:0", TestName = "Crel: all zero")]
    [TestCase("0e 0f 01 02 7c", "4:2:1:-4", TestName = "Crel: offsets shifted")]
    [TestCase("14 0f 01 02 7c 28", "1:2:1:-4", "6:2:1:-4", TestName = "Crel: only the offset differs")]
    [TestCase("08 87 04 01 02", "129:2:1:0", TestName = "Crel: without addends, offset in two bytes")]
    [TestCase("14 48 f8 ff ff ff ff ff ff ff ff 0f", "9:0:0:0", "8:0:0:0", TestName = "Crel: offset goes back")]
    [TestCase("14 05 01 7c 05 7f 04", "0:0:1:-4", "0:0:0:0", TestName = "Crel: symbol and addend go back")]
    [TestCase("08 80 80 80 80 80 80 80 80 80 80 00", "0:0:0:0", TestName = "Crel: zeros that say nothing")]
    public void ReadsStreams(string stream, params string[] expected) => Assert.That(
        Read(stream, is64Bit: true).Select(r => $"{r.Offset}:{r.Type}:{r.Symbol}:{r.Addend}"), Is.EqualTo(expected));

    [TestCase("", "header is malformed")]
    [TestCase("80", "header is malformed")]
    [TestCase("10 00", "header is malformed, or counts more than 2 bytes can hold")]
    [TestCase("f8 ff ff ff ff ff ff ff ff 01", "header is malformed")]
    [TestCase("10 00 80", "relocation 1 of 2 is malformed")]
    [TestCase("08 01", "relocation 0 of 1 is malformed")]
    [TestCase("08 02 80", "relocation 0 of 1 is malformed")]
    [TestCase("0c 04 80", "relocation 0 of 1 is malformed")]
    [TestCase("08 01 05", "relocation 0 refers to symbol 5 of 5")]
    [TestCase("08 01 7f", "relocation 0 refers to symbol 4294967295 of 5")]
    [TestCase("08 80 ff ff ff ff ff ff ff ff ff 02", "relocation 0 of 1 is malformed")]
    [TestCase("0c 04 ff ff ff ff ff ff ff ff ff 01", "relocation 0 of 1 is malformed")]
    public void RefusesMalformedStreams(string stream, string message) => Assert.That(
        () => Read(stream, is64Bit: true),
        Throws.TypeOf<LinkException>().With.Message.StartWith("a.o: .crel.text").And.Message.Contains(message));

    /// <summary>Two independent pieces of code, one that writes and one that reads, agree on awkward numbers.</summary>
    [TestCase(true, true, 0)]
    [TestCase(true, false, 3)]
    [TestCase(false, true, 2)]
    public void ReadsWhatTheWriterWrites(bool is64Bit, bool hasAddends, int shift)
    {
        Random random = new(1);
        List<RelocationRecord> records = [];
        for (int i = 0; i < 1000; i++)
        {
            long wide = random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64);
            ulong offset = (ulong)wide << shift;
            records.Add(new RelocationRecord(
                is64Bit ? offset : (uint)offset,
                (uint)random.Next(),
                (uint)random.Next(5),
                hasAddends ? is64Bit ? ~wide : (int)~wide : 0));
        }

        string stream = Convert.ToHexString(CrelWriter.Write(records, hasAddends, shift));

        Assert.That(Read(stream, is64Bit), Is.EqualTo(records));
    }

    [Test]
    public void TakesTheNumberOfTheGenericAbi() =>
        Assert.That(Read("08 00", is64Bit: true, SHT_CREL), Has.Count.EqualTo(1));

    private static List<RelocationRecord> Read(string stream, bool is64Bit, uint type = SHT_CREL_LLVM)
    {
        ElfBuilder builder = new(is64Bit);
        int text = builder.AddCode(".text", new byte[400]);
        builder.AddSection(
            ".crel.text", type, 0, Convert.FromHexString(stream.Replace(" ", "", StringComparison.Ordinal)),
            info: (uint)text, entrySize: 1);
        foreach (string name in (string[])["f", "g", "h", "i"])
        {
            builder.AddSymbol(name);
        }

        ElfObject read = ElfObject.Read(builder.Build(), "a.o");
        RelocationSection section = read.RelocationSections[0];
        List<RelocationRecord> records = [];
        foreach (RelocationRecord record in read.Relocations(section))
        {
            records.Add(record);
        }

        Assert.That(section.Target, Is.EqualTo(text));
        Assert.That(section.Format, Is.EqualTo(RelocationFormat.Crel));
        Assert.That(section.HasExplicitAddend, Is.EqualTo((Convert.FromHexString(stream[..2])[0] & 4) != 0));
        Assert.That(section.Count, Is.EqualTo(records.Count));
        return records;
    }
}
