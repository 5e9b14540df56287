using System.Runtime.InteropServices;
using ElfLoader.Elf;
using ElfLoader.Loading;
using ElfLoader.Memory;
using ElfLoader.Runtime;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Linking;

[UnmanagedFunctionPointer(CallingConvention.Cdecl)]
internal delegate int Function();

/// <summary>Small objects, and what is left in the process of those that were loaded.</summary>
internal static class LinkTest
{
    public const ulong Writable = SHF_ALLOC | SHF_WRITE;

    /// <summary>Loads nothing that runs, and takes what has no definition as it is.</summary>
    public static ObjectLibraryOptions Inspecting { get; } = new() { RunCode = false, AllowUndefined = true };

    public static ElfObject Read(ElfBuilder elf, string name) => ElfObject.Read(elf.Build(), name);

    public static LoadedUnit Load(this ObjectLibrary library, ElfBuilder elf, string name = "a.o") =>
        library.Load(elf.Build(), name);

    public static ulong Address(this ObjectLibrary library, string name) => (ulong)library.GetExport(name);

    public static ulong Word(this ObjectLibrary library, string name) => NativeBytes.LoadWord(library.Address(name));

    /// <summary>Adds a writable section of words.</summary>
    public static int AddWords(this ElfBuilder elf, string section, params ulong[] words) => elf.AddSection(
        section, SHT_PROGBITS, Writable, [.. words.SelectMany(BitConverter.GetBytes)], alignment: 8);

    /// <summary>An object with a variable of one word.</summary>
    public static ElfBuilder Variable(string name, ulong value, SymbolBinding binding = SymbolBinding.Global)
    {
        ElfBuilder elf = new();
        elf.AddSymbol(name, elf.AddWords(".data", value), 0, 8, binding, SymbolType.Object);
        return elf;
    }

    /// <summary>An object with a function that returns a number: mov $number,%eax; ret.</summary>
    public static ElfBuilder Returning(string name, byte number, SymbolBinding binding = SymbolBinding.Global)
    {
        ElfBuilder elf = new();
        elf.AddSymbol(name, elf.AddCode(".text", 0xb8, number, 0, 0, 0, 0xc3), 0, 6, binding, SymbolType.Function);
        return elf;
    }

    /// <summary>An object with a variable that holds the address of another symbol.</summary>
    public static ElfBuilder Pointer(string name, string target, SymbolBinding binding = SymbolBinding.Global)
    {
        ElfBuilder elf = new();
        int data = elf.AddWords(".data", 0);
        elf.AddSymbol(name, data, 0, 8, type: SymbolType.Object);
        elf.AddRelocation(data, 0, 1, elf.AddSymbol(target, binding: binding)); // R_X86_64_64
        return elf;
    }

    /// <summary>Memory that is allocated now, and room for static thread-local storage.</summary>
    public static (int Allocations, ulong Allocated, int StaticTls) Footprint()
    {
        MemoryStatistics statistics = NativeProcess.Current.Pools(MemoryMapping.Auto).Statistics;
        return (statistics.Allocations, statistics.Allocated, HostRuntime.Instance.Tls.Arena.Free);
    }
}
