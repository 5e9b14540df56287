using ElfLoader.Tests.Support;
using static ElfLoader.Arch.X64.X64Relocations;

namespace ElfLoader.Tests.Linking;

/// <summary>Objects that use the host's malloc and free load as cheaply as those that use other functions of the host.</summary>
[Platform("Linux")]
public sealed class AllocationPairCostTests
{
    private const int Loads = 500;

    [TestCase("malloc", "free")]
    [TestCase("strdup", "realpath")]
    public void NoMemoryIsSpentWhereNobodyDefinesAnAllocator(string first, string second)
    {
        using var library = new ObjectLibrary("cost");
        byte[] allocating = Using(first, second);
        byte[] other = Using("strlen", "strcmp");
        _ = Cost(library, allocating);
        _ = Cost(library, other);

        long difference = Cost(library, allocating) - Cost(library, other);

        Assert.That(difference / Loads, Is.LessThan(100), "bytes for each load");
    }

    private static byte[] Using(string first, string second)
    {
        ElfBuilder elf = new();
        int data = elf.AddWords(".data", 0, 0);
        elf.AddRelocation(data, 0, R_X86_64_64, elf.AddSymbol(first));
        elf.AddRelocation(data, 8, R_X86_64_64, elf.AddSymbol(second));
        return elf.Build();
    }

    /// <summary>Bytes that are allocated to load an object again and again.</summary>
    private static long Cost(ObjectLibrary library, byte[] bytes)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Loads; i++)
        {
            library.Load(bytes, "object.o").Unload();
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
