using ElfLoader.Elf;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Linking;

/// <summary>What a load allocates in managed memory, once all code has run and the pools of arrays are full.</summary>
[NonParallelizable]
public sealed class AllocationTests
{
    private const int Few = 1_000;
    private const int Many = 51_000;

    [Test]
    public void RelocationsAllocateNothing()
    {
        byte[] few = Relocations(Few);
        byte[] many = Relocations(Many);

        Assert.That(Allocated(many) - Allocated(few), Is.LessThan(Many - Few), "less than a byte for each");
    }

    /// <summary>A symbol is entries of a few arrays, and its name's bytes in the library's table; never an object.</summary>
    [Test]
    public void SymbolsTakeNoObjects()
    {
        byte[] few = Symbols(Few);
        byte[] many = Symbols(Many);

        Assert.That((Allocated(many) - Allocated(few)) / (double)(Many - Few), Is.LessThan(200));
    }

    /// <summary>What an object of a batch takes: its tables, its places, a definition. Beside that no object.</summary>
    [Test]
    public void ObjectOfABatchTakesLittle()
    {
        ElfObject[] few = Functions(100);
        ElfObject[] many = Functions(1_100);

        Assert.That((Allocated(many, together: true) - Allocated(few, together: true)) / 1_000.0, Is.LessThan(400));
    }

    /// <summary>A load takes the same, however many there were before it.</summary>
    [Test]
    public void LoadTakesLittle()
    {
        ElfObject[] few = Functions(100);
        ElfObject[] many = Functions(1_100);

        Assert.That((Allocated(many, together: false) - Allocated(few, together: false)) / 1_000.0, Is.LessThan(950));
    }

    private static long Allocated(ElfObject[] objects, bool together)
    {
        long least = long.MaxValue;
        for (int i = 0; i < 4; i++)
        {
            using var library = new ObjectLibrary(
                "allocation", new ObjectLibraryOptions { RunCode = false, MaximumParallelism = 1 });
            long before = GC.GetAllocatedBytesForCurrentThread();
            if (together)
            {
                _ = library.Load(objects);
            }
            else
            {
                foreach (ElfObject elf in objects)
                {
                    _ = library.Load([elf]);
                }
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    /// <summary>Objects of one function each, which jumps to that of the object before.</summary>
    private static ElfObject[] Functions(int count)
    {
        var objects = new ElfObject[count];
        for (int i = 0; i < count; i++)
        {
            var elf = new ElfBuilder();
            int text = elf.AddCode(".text", 0xe9, 0, 0, 0, 0, 0xc3);
            int function = elf.AddSymbol($"f{i}", text, 0, 5, type: SymbolType.Function);
            elf.AddRelocation(text, 1, 4, i is 0 ? function : elf.AddSymbol($"f{i - 1}"), -4); // R_X86_64_PLT32
            objects[i] = LinkTest.Read(elf, $"{i}.o");
        }

        return objects;
    }

    private static long Allocated(byte[] bytes)
    {
        long least = long.MaxValue;
        for (int i = 0; i < 4; i++)
        {
            using var library = new ObjectLibrary(
                "allocation", new ObjectLibraryOptions { RunCode = false, MaximumParallelism = 1 });
            long before = GC.GetAllocatedBytesForCurrentThread();
            _ = library.Load(bytes, "a.o");
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    private static byte[] Relocations(int count)
    {
        var elf = new ElfBuilder();
        int text = elf.AddCode(".text", new byte[count * 4]);
        int symbol = elf.AddSymbol("f", text, 0, 4, type: SymbolType.Function);
        for (int i = 0; i < count; i++)
        {
            elf.AddRelocation(text, (ulong)(i * 4), 2, symbol); // R_X86_64_PC32
        }

        return elf.Build();
    }

    private static byte[] Symbols(int count)
    {
        var elf = new ElfBuilder();
        int text = elf.AddCode(".text", 0xc3);
        for (int i = 0; i < count; i++)
        {
            elf.AddSymbol($"function_with_a_name_{i}", text, 0, 1, type: SymbolType.Function);
        }

        return elf.Build();
    }
}
