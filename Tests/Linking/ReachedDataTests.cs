using System.Runtime.InteropServices;
using ElfLoader.Memory;
using ElfLoader.Tests.Support;
using static ElfLoader.Arch.X64.X64Relocations;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Linking;

/// <summary>A unit lies near to the data elsewhere that its relocations reach, wherever in the address space that is.</summary>
[Platform("Linux")]
public sealed class ReachedDataTests
{
    private const ulong GiB = 1UL << 30;

    /// <summary>Units of one library lie in pools of their own, and call one another in both directions.</summary>
    [Test]
    public void UnitsInDifferentPoolsCallOneAnother([Values] bool redirectable)
    {
        using var far = new DistantWords(64);
        using var library = new ObjectLibrary("pools", new ObjectLibraryOptions { Redirectable = redirectable });
        library.DefineData("far_word", (nint)far[0]);
        far.Store(0, 30);

        LoadedUnit distant = library.Load(Code("read_far", "far_word", null), "distant.o");
        LoadedUnit near = library.Load(Code("read_environ", "environ", "read_far"), "near.o");
        LoadedUnit again = library.Load(Code("read_again", "far_word", "read_environ"), "again.o");

        Assert.That(again.Resources.Pool, Is.SameAs(distant.Resources.Pool));
        Assert.That(near.Resources.Pool, Is.Not.SameAs(distant.Resources.Pool));
        int environ = unchecked((int)NativeBytes.LoadWord(NativeBytesOf("environ")));
        Assert.That(library.GetFunction<Function>("read_far")(), Is.EqualTo(30));
        Assert.That(library.GetFunction<Function>("read_environ")(), Is.EqualTo(unchecked(environ + 60)));
        Assert.That(library.GetFunction<Function>("read_again")(), Is.EqualTo(unchecked(30 + (2 * (environ + 60)))));
    }

    /// <summary>Distances at which there are addresses within 2 GiB of both words, and others.</summary>
    [TestCase(1UL, true)]
    [TestCase(3UL, true)]
    [TestCase(5UL, false)]
    [TestCase(600UL, false)]
    public void OneUnitReachesDataInTwoPlacesThatAreNotTooFarApart(ulong distance, bool isReached)
    {
        using var far = new DistantWords(64, distance);
        using var library = new ObjectLibrary("two");
        library.DefineData("lower", (nint)far[0]);
        library.DefineData("upper", (nint)far[1]);
        far.Store(0, 7);
        far.Store(1, 8);
        ElfBuilder elf = Code("read_lower", "lower", null);
        AddCode(elf, "read_upper", "upper", null);

        if (!isReached)
        {
            LinkError error = Assert.Throws<LinkException>(() => library.Load(elf)).Errors.Single();

            Assert.That(error.Code, Is.EqualTo(LinkErrorCode.Placement));
            Assert.That(error.Message, Does.Contain($"'lower' is data of two.Define at 0x{far[0]:x}"));
            Assert.That(error.Message, Does.Contain($"'upper' is data of two.Define at 0x{far[1]:x}"));
            Assert.That(error.Message, Does.Contain("gcc's default output (-fPIE)").And.Contain("-fPIC"));
            Assert.That(library.TryGetExport("read_lower", out _), Is.False);
            return;
        }

        library.Load(elf);
        Assert.That(library.GetFunction<Function>("read_lower")(), Is.EqualTo(7));
        Assert.That(library.GetFunction<Function>("read_upper")(), Is.EqualTo(8));
    }

    /// <summary>Units of many libraries that reach the same lie in one pool.</summary>
    [Test]
    public void UnitsThatReachTheSameDataShareAPool()
    {
        using var far = new DistantWords(96);
        List<MemoryPool> pools = [];
        for (int i = 0; i < 50; i++)
        {
            using var library = new ObjectLibrary($"library {i}");
            library.DefineData("far_word", (nint)far[0]);
            pools.Add(library.Load(Code("read", "far_word", null)).Resources.Pool!);
            Assert.That(library.GetFunction<Function>("read")(), Is.Zero);
        }

        Assert.That(pools.Distinct(), Has.Exactly(1).Items);
    }

    /// <summary>Data of a unit that has a pool to itself is reached by units that have no room there.</summary>
    [Test]
    public void DataOfALargeUnitIsReachedFromOutsideOfItsPool()
    {
        using var library = new ObjectLibrary("large");
        ElfBuilder large = new();
        large.AddSymbol("word", large.AddSection(".bss", SHT_NOBITS, LinkTest.Writable, size: 700 << 20, alignment: 8), 8, 8, type: ElfLoader.Elf.SymbolType.Object);
        LoadedUnit first = library.Load(large);

        LoadedUnit second = library.Load(Code("read_word", "word", null));

        Assert.That(second.Resources.Pool, Is.Not.SameAs(first.Resources.Pool));
        Assert.That(library.GetFunction<Function>("read_word")(), Is.Zero);
    }

    private static ulong NativeBytesOf(string name) => (ulong)NativeLibrary.GetExport(NativeLibrary.Load("libc.so.6"), name);

    private static ElfBuilder Code(string name, string word, string? callee)
    {
        ElfBuilder elf = new();
        AddCode(elf, name, word, callee);
        return elf;
    }

    /// <summary>
    /// A function that gives a word's value and adds what another gives, which it calls directly, as well as through its address.
    /// </summary>
    private static void AddCode(ElfBuilder elf, string name, string word, string? callee)
    {
        byte[] code =
        [
            0x53, // push %rbx
            0x8b, 0x1d, 0, 0, 0, 0, // mov word(%rip),%ebx
            0xe8, 0, 0, 0, 0, // call callee
            0x01, 0xc3, // add %eax,%ebx
            0x48, 0x8d, 0x05, 0, 0, 0, 0, // lea callee(%rip),%rax
            0xff, 0xd0, // call *%rax
            0x01, 0xc3, // add %eax,%ebx
            0x89, 0xd8, // mov %ebx,%eax
            0x5b, // pop %rbx
            0xc3, // ret
        ];
        if (callee is null)
        {
            code = [.. code[..7], 0x89, 0xd8, 0x5b, 0xc3];
        }

        int text = elf.AddCode($".text.{name}", code);
        elf.AddSymbol(name, text, 0, (ulong)code.Length, type: ElfLoader.Elf.SymbolType.Function);
        elf.AddRelocation(text, 3, R_X86_64_PC32, elf.AddSymbol(word), -4);
        if (callee is not null)
        {
            int symbol = elf.AddSymbol(callee);
            elf.AddRelocation(text, 8, R_X86_64_PLT32, symbol, -4);
            elf.AddRelocation(text, 17, R_X86_64_PC32, symbol, -4);
        }
    }

    /// <summary>Two pages far from the C library and a given distance from one another, with room around them.</summary>
    private sealed class DistantWords : IDisposable
    {
        private const int Page = 4096;
        private readonly nint[] _pages;

        internal DistantWords(ulong fromHost, ulong distance = 1)
        {
            ulong host = NativeBytesOf("environ") & ~(GiB - 1);
            List<AddressRange> taken = [.. ProcessMaps.Read().Select(mapping => mapping.Range)];
            for (ulong lower = host - ((fromHost + distance) * GiB); lower > 16 * GiB; lower -= 16 * GiB)
            {
                ulong upper = lower + (distance * GiB);
                var around = new AddressRange(lower - (2 * GiB), upper + (2 * GiB));
                if (!taken.Exists(range => range.Start < around.End && around.Start < range.End))
                {
                    _pages = [Map(lower), Map(upper)];
                    return;
                }
            }

            throw new InvalidOperationException("There is no such room.");
        }

        internal ulong this[int index] => (ulong)_pages[index];

        public void Dispose() => Array.ForEach(_pages, page => _ = munmap(page, Page));

        internal void Store(int index, int value) => Marshal.WriteInt32(_pages[index], value);

        private static nint Map(ulong address)
        {
            nint page = mmap((nint)address, Page, 3, 0x10_0022, -1, 0); // MAP_FIXED_NOREPLACE, private and anonymous
            Assert.That(page, Is.EqualTo((nint)address));
            return page;
        }

        [DllImport("libc.so.6")]
        private static extern nint mmap(nint address, nint size, int protection, int flags, int file, nint offset);

        [DllImport("libc.so.6")]
        private static extern int munmap(nint address, nint size);
    }
}
