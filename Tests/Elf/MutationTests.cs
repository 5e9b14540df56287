using ElfLoader.Elf;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Elf;

/// <summary>Whatever happens to the bytes, a reader either reads them or throws LinkException.</summary>
public sealed class MutationTests
{
    private static readonly ReadLimits Limits = new() { MaximumDecompressedSize = 1 << 20 };

    [TestCase(true)]
    [TestCase(false)]
    public void EveryPrefixOfAnObjectIsReadOrRefused(bool is64Bit)
    {
        byte[] file = EveryStructure(is64Bit);
        Assert.That(IsRead(() => ReadAll(file)), Is.True);

        int read = Enumerable.Range(0, file.Length).Count(length => IsRead(() => ReadAll(file.AsMemory(0, length))));

        // The section headers stand at the end, so no real prefix is whole.
        Assert.That(read, Is.Zero);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void EveryMutantOfAnObjectIsReadOrRefused(bool is64Bit)
    {
        byte[] file = EveryStructure(is64Bit);

        int read = Mutants(file, seed: is64Bit ? 64 : 32, count: 6000).Count(mutant => IsRead(() => ReadAll(mutant)));

        // Were all refused, the mutants would not get past the header; were all read, nothing would be checked.
        Assert.That(read, Is.InRange(600, 5400));
    }

    [Test]
    public void EveryPrefixOfAnArchiveIsReadOrRefused()
    {
        foreach (byte[] file in Archives())
        {
            for (int length = 0; length < file.Length; length++)
            {
                _ = IsRead(() => ReadArchive(file.AsMemory(0, length)));
            }
        }
    }

    [Test]
    public void EveryMutantOfAnArchiveIsReadOrRefused()
    {
        foreach (byte[] file in Archives())
        {
            int read = Mutants(file, seed: file.Length, count: 2000).Count(mutant => IsRead(() => ReadArchive(mutant)));
            Assert.That(read, Is.InRange(1, 1999));
        }
    }

    [Test]
    public void EveryMutantOfAScriptIsReadOrRefused()
    {
        byte[] script =
            [.. "/* GNU ld script */ OUTPUT_FORMAT(elf64-x86-64) GROUP ( /a.so \"b c\" AS_NEEDED ( -ld ) )"u8];

        int read = Mutants(script, seed: 5, count: 3000).Count(mutant => IsRead(() => LinkerScript.Read(mutant, "a")));

        Assert.That(read, Is.InRange(300, 2700));
    }

    /// <summary>Changes one to four bytes, at random and to numbers that are often limits.</summary>
    private static IEnumerable<byte[]> Mutants(byte[] file, int seed, int count)
    {
        Random random = new(seed);
        byte[] limits = [0, 1, 2, 0x7f, 0x80, 0xff, (byte)' ', (byte)'9'];
        for (int i = 0; i < count; i++)
        {
            byte[] mutant = [.. file];
            for (int changes = random.Next(1, 5); changes > 0; changes--)
            {
                int at = random.Next(mutant.Length);
                mutant[at] = random.Next(3) switch
                {
                    0 => (byte)random.Next(256),
                    1 => (byte)(mutant[at] ^ 1 << random.Next(8)),
                    _ => limits[random.Next(limits.Length)],
                };
            }

            yield return mutant;
        }
    }

    private static bool IsRead(Action read)
    {
        try
        {
            read();
            return true;
        }
        catch (LinkException)
        {
            return false;
        }
    }

    /// <summary>Asks for everything that can be asked for, as far as it goes without a refusal.</summary>
    private static void ReadAll(ReadOnlyMemory<byte> file)
    {
        ElfObject read = ElfObject.Read(file, "a.o", Limits);
        for (int i = 0; i < read.Sections.Length; i++)
        {
            _ = read.SectionNameText(i);
            _ = read.SectionBytes(i).Length;
            _ = read.GroupOf(i);
            _ = IsRead(() => read.Decompress(i));
        }

        for (int i = 0; i < read.SymbolCount; i++)
        {
            SymbolRecord symbol = read.Symbol(i);
            _ = read.SymbolNameText(i);
            Assert.That(symbol.Section, Is.InRange(0, read.Sections.Length - 1));
            Assert.That(symbol.Place == SymbolPlace.Section, Is.EqualTo(symbol.Section != 0));
        }

        foreach (RelocationSection section in read.RelocationSections)
        {
            int count = 0;
            foreach (RelocationRecord record in read.Relocations(section))
            {
                Assert.That(record.Symbol, Is.LessThan(Math.Max(read.SymbolCount, 1)));
                count++;
            }

            Assert.That(count, Is.EqualTo(section.Count));
            Assert.That(section.Target, Is.InRange(1, read.Sections.Length - 1));
        }

        foreach (SectionGroup group in read.Groups)
        {
            _ = read.Signature(group).Length;
            _ = read.Members(group).Length;
        }

        _ = IsRead(() => _ = read.Attributes);
        _ = IsRead(() => _ = read.Properties);
    }

    private static void ReadArchive(ReadOnlyMemory<byte> file)
    {
        Archive archive = Archive.Read(file, "a.a", _ => file);
        foreach (ArchiveMember member in archive.Members)
        {
            _ = member.FullName;
            _ = IsRead(() => _ = member.Bytes.Length);
        }

        _ = archive.TryFind("f"u8, out _);
        _ = archive.TryFind("missing"u8, out _);
    }

    private static IEnumerable<byte[]> Archives()
    {
        byte[] member = Definition("f");
        yield return ArchiveBuilder.Gnu(("a.o", member), ("a name that is longer than sixteen.o", Definition("g")))
            .WithIndex(("f", 0), ("g", 1)).Build();
        yield return ArchiveBuilder.Bsd(("a.o", member), ("b.o", Definition("g")))
            .WithIndex(("f", 0), ("g", 1)).Build();
        yield return ArchiveBuilder.Gnu(("a.o", member)).Build();
        yield return ArchiveBuilder.Thin(("folder/a.o", member)).WithIndex(("f", 0)).Build();
    }

    private static byte[] Definition(string name)
    {
        ElfBuilder builder = new();
        builder.AddSymbol(name, builder.AddCode(".text", 0xc3));
        return builder.Build();
    }

    /// <summary>A small object that has each of the format's structures.</summary>
    private static byte[] EveryStructure(bool is64Bit)
    {
        ElfBuilder builder = new(is64Bit, EM_ARM) { LargeIndices = true, ExtendedNumbering = true };
        int text = builder.AddCode(".text", new byte[16]);
        int data = builder.AddSection(".data", bytes: new byte[8]);
        builder.AddSection(".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, size: 32);
        byte[] compression = Convert.FromHexString("789ccb48cdc9c957c84027b9304408880300c6b71a2f");
        byte[] header = is64Bit
            ? [1, .. new byte[7], 72, .. new byte[7], 1, .. new byte[7]]
            : [1, 0, 0, 0, 72, 0, 0, 0, 1, 0, 0, 0];
        builder.AddSection(".debug_str", SHT_PROGBITS, SHF_COMPRESSED, [.. header, .. compression]);
        builder.AddSection(".ARM.attributes", SHT_ARM_ATTRIBUTES, 0, Convert.FromHexString(
            "41210000006165616269000117000000047261770005636f727465782d6d34001c01"));
        builder.AddSection(".note.gnu.property", SHT_NOTE, SHF_ALLOC, Convert.FromHexString(
            "040000001000000005000000474e5500020000c0040000000300000000000000"));
        builder.AddSymbol("$a", text, binding: SymbolBinding.Local);
        builder.AddSymbol("", text, binding: SymbolBinding.Local, type: SymbolType.Section);
        int f = builder.AddSymbol("f", text, type: SymbolType.Function);
        int g = builder.AddSymbol("g");
        builder.AddSymbol("c", SHN_COMMON, value: 8, size: 24);
        builder.AddSymbol("abs", SHN_ABS, value: 77);
        foreach (RelocationFormat format in Enum.GetValues<RelocationFormat>())
        {
            builder.AddRelocation(text, 0, 28, f, -8, format);
            builder.AddRelocation(text, 4, 2, g, 0, format);
            builder.AddRelocation(data, 4, 2, f, 1234567, format);
        }

        builder.AddGroup(f, isComdat: true, text);
        return builder.Build();
    }
}
