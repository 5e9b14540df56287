using System.Diagnostics;
using ElfLoader.Elf;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Elf;

/// <summary>Objects with more sections than their header can count, and what reading costs.</summary>
public sealed class ManySectionsTests
{
    [TestCase(true)]
    [TestCase(false)]
    public void ReadsSeventyThousandSections(bool is64Bit)
    {
        const int count = 70_000;
        ElfBuilder builder = new(is64Bit);
        for (int i = 1; i <= count; i++)
        {
            builder.AddCode(".text", 0xc3);
        }

        for (int i = 1; i <= count; i++)
        {
            if (i == SHN_ABS)
            {
                // The number of a section here, not the special index.
                builder.AddRawSymbol(new RawSymbol(1, STB_GLOBAL << 4, 0, SHN_XINDEX, 0, 0), (uint)i);
            }
            else
            {
                builder.AddSymbol("f", i);
            }
        }

        byte[] file = builder.Build();
        long start = Stopwatch.GetTimestamp();
        ElfObject read = ElfObject.Read(file, "a.o");
        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);

        Assert.That(read.Sections.Length, Is.EqualTo(count + 5));
        Assert.That(read.SectionNameText(count + 4), Is.EqualTo(".shstrtab"));
        Assert.That(read.Symbol(count).Section, Is.EqualTo(count));
        Assert.That(read.Symbol(0xfeff).Section, Is.EqualTo(0xfeff));
        Assert.That(read.Symbol(SHN_ABS), Is.EqualTo(read.Symbol(1) with { Section = SHN_ABS }));

        // Takes some 3 ms optimised; anything quadratic would take minutes.
        Assert.That(elapsed, Is.LessThan(TimeSpan.FromSeconds(2)));
    }

    [Test]
    public void DecodingAllocatesNothing()
    {
        ElfBuilder builder = new();
        int text = builder.AddCode(".text", new byte[8]);
        for (int i = 0; i < 1000; i++)
        {
            builder.AddRelocation(text, 0, 1, builder.AddSymbol($"f{i}", text));
        }

        ElfObject read = ElfObject.Read(builder.Build(), "a.o");
        _ = Sum(read);
        long before = GC.GetAllocatedBytesForCurrentThread();
        ulong sum = Sum(read);

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
        Assert.That(sum, Is.EqualTo((1000 * 1001 / 2) + 3890 + 1000));
    }

    [Test]
    public void ReadingAllocatesForSectionsOnly()
    {
        ElfBuilder builder = new();
        int text = builder.AddCode(".text", new byte[8]);
        for (int i = 0; i < 1000; i++)
        {
            builder.AddRelocation(text, 0, 1, builder.AddSymbol($"f{i}", text));
        }

        byte[] file = builder.Build();
        _ = ElfObject.Read(file, "a.o");
        long before = GC.GetAllocatedBytesForCurrentThread();
        _ = ElfObject.Read(file, "a.o");

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(1500));
    }

    /// <summary>Symbol indices, names' lengths and sections of all relocations' symbols.</summary>
    private static ulong Sum(ElfObject read)
    {
        ulong sum = 0;
        SymbolTable symbols = read.Symbols;
        foreach (ref readonly RelocationSection section in read.RelocationSections)
        {
            foreach (RelocationRecord record in read.Relocations(section))
            {
                SymbolRecord symbol = symbols[(int)record.Symbol];
                sum += record.Symbol + (ulong)symbols.Name(symbol).Length + (ulong)symbol.Section;
            }
        }

        return sum;
    }
}
