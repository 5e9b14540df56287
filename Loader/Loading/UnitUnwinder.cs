using ElfLoader.Elf;
using ElfLoader.Libraries;
using ElfLoader.Linking;
using ElfLoader.Runtime;

namespace ElfLoader.Loading;

/// <summary>
/// Finds the unwinder that comes with the objects of a link, and how it finds unwind tables: it asks the dynamic linker, or it is
/// told of each; never both.
/// </summary>
/// <remarks>
/// The unwinder is that of libgcc (<c>unwind-dw2-fde.h</c>), of LLVM (<c>libunwind_ext.h</c>), or one that has their functions.
/// </remarks>
internal static class UnitUnwinder
{
    // LLVM's __register_frame takes a single description; its other function takes a whole table, as libgcc's does.
    private static readonly (HashedName Register, HashedName Deregister)[] Pairs =
    [
        (new("__unw_add_dynamic_eh_frame_section"), new("__unw_remove_dynamic_eh_frame_section")),
        (new("__register_frame"), new("__deregister_frame")),
    ];

    private static readonly HashedName Raise = new("_Unwind_RaiseException");

    /// <summary>The unwinder that is to be told of tables; null if the link has none, or one that finds them itself.</summary>
    /// <param name="resolution">The link; its sections have addresses.</param>
    internal static LoadedUnwinder? Find(SymbolResolution resolution) =>
        TryFind(resolution, out int register, out int deregister)
        && DefinerOf(resolution, register) is { } file
        && !Asks(resolution, file, "dl_iterate_phdr"u8) && !Asks(resolution, file, "_dl_find_object"u8)
            ? new LoadedUnwinder(AddressOf(resolution, register), AddressOf(resolution, deregister))
            : null;

    /// <summary>Says so if the link has an unwinder that will not find any table.</summary>
    /// <returns>The warning; null if there is nothing to say.</returns>
    internal static string? Warning(SymbolResolution resolution) =>
        DefinerOf(resolution, resolution.Symbols.Find(Raise)) is { } file
        && !TryFind(resolution, out _, out _)
        && !IsFromProcess(resolution, "dl_iterate_phdr"u8) && !IsFromProcess(resolution, "_dl_find_object"u8)
        && !IsFromProcess(resolution, "_Unwind_Find_FDE"u8) // the host's tables
        && !IsFromProcess(resolution, "dlsym"u8) && !IsFromProcess(resolution, "dlvsym"u8) // passes on to the host's
            ? $"'{file.Elf.Name}' defines _Unwind_RaiseException, but nothing in the unit can find unwind tables (dl_iterate_phdr, "
                + "_dl_find_object, __register_frame): what is thrown will not be caught"
            : null;

    private static bool TryFind(SymbolResolution resolution, out int register, out int deregister)
    {
        foreach ((HashedName first, HashedName second) in Pairs)
        {
            register = resolution.Symbols.Find(first);
            if (DefinerOf(resolution, register) is null)
            {
                continue; // mostly, so that nothing more is looked up
            }

            deregister = resolution.Symbols.Find(second);
            if (DefinerOf(resolution, deregister) is not null)
            {
                return true;
            }
        }

        register = deregister = -1;
        return false;
    }

    /// <summary>The object of the link that defines a function; null if none does.</summary>
    private static LinkObject? DefinerOf(SymbolResolution resolution, int index) =>
        index >= 0 && resolution.Symbols[index] is { Definer: >= 0, State: SymbolState.Strong or SymbolState.Weak } symbol
            && resolution.Objects[symbol.Definer] is var file
            && file.Elf.Symbol(symbol.DefinerSymbol) is { Place: SymbolPlace.Section, Type: SymbolType.Function or SymbolType.NoType }
            ? file
            : null;

    /// <summary>Address of the function itself, not of an entry that may lead elsewhere when the unit ends.</summary>
    private static ulong AddressOf(SymbolResolution resolution, int index)
    {
        LinkSymbol symbol = resolution.Symbols[index];
        LinkObject file = resolution.Objects[symbol.Definer];
        SymbolRecord record = file.Elf.Symbol(symbol.DefinerSymbol);
        return unchecked(file.SymbolBase(record.Section) + record.Value);
    }

    /// <summary>Whether an object asks the dynamic linker for tables.</summary>
    private static bool Asks(SymbolResolution resolution, LinkObject file, ReadOnlySpan<byte> name)
    {
        bool refers = false;
        for (int i = file.Elf.FirstGlobalSymbol; IsFromProcess(resolution, name) && !refers && i < file.Elf.SymbolCount; i++)
        {
            refers = file.Elf.SymbolName(i).SequenceEqual(name);
        }

        return refers;
    }

    /// <summary>Whether the link refers to a name that the host, or the loader in its place, defines.</summary>
    private static bool IsFromProcess(SymbolResolution resolution, ReadOnlySpan<byte> name) =>
        resolution.Symbols.Find(name) is >= 0 and int index
        && resolution.Symbols[index] is { State: SymbolState.External } symbol
        && resolution.Outside(symbol).Unit is null;
}
