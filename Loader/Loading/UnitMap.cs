using ElfLoader.Elf;
using ElfLoader.Images;
using ElfLoader.Linking;
using ElfLoader.Memory;

namespace ElfLoader.Loading;

/// <summary>A symbol that an object of a unit defines.</summary>
/// <param name="File">The object.</param>
/// <param name="Symbol">Index of the symbol.</param>
/// <param name="Record">What the object says of it.</param>
/// <param name="Bound">What the link says of it.</param>
/// <param name="Address">Where its bytes are: of a function behind an entry, the code.</param>
internal readonly record struct UnitDefinition(LinkObject File, int Symbol, SymbolRecord Record, BoundSymbol Bound, ulong Address);

/// <summary>Lists what of a unit lies where in this process.</summary>
internal sealed class UnitMap
{
    private readonly LoadedUnit _unit;

    internal UnitMap(LoadedUnit unit) => _unit = unit;

    /// <summary>The machine of this process.</summary>
    internal static string Machine => HostMachine.Architecture.Name;

    /// <summary>Whether an object has a definition that others see.</summary>
    internal static bool Defines(ElfObject elf, ReadOnlySpan<byte> name)
    {
        bool hasVersions = elf.MayHaveVersions;
        for (int i = elf.FirstGlobalSymbol; i < elf.SymbolCount; i++)
        {
            ReadOnlySpan<byte> defined = elf.SymbolName(i);
            if (elf.Symbol(i).IsDefined && (defined.SequenceEqual(name) || (hasVersions && IsDefault(defined, name))))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsDefault(ReadOnlySpan<byte> defined, ReadOnlySpan<byte> name) =>
        VersionedName.Of(defined) is { IsDefault: true } versioned && versioned.Name.SequenceEqual(name);

    /// <summary>The sections.</summary>
    internal IEnumerable<ImageSection> Sections() => _unit.Sections.Select(section => new ImageSection(
        section.Object, section.Name, section.Index, section.Address, section.Size, ImageMap.Letters(section.Flags)));

    /// <summary>The symbols that its objects define, as far as their definitions prevail, without compilers' labels.</summary>
    internal IEnumerable<ImageSymbol> Symbols()
    {
        foreach ((LinkObject file, int symbol, SymbolRecord record, _, ulong address) in Definitions())
        {
            yield return new ImageSymbol(
                file.Elf.SymbolNameText(symbol),
                file.Elf.Name,
                record.Place is SymbolPlace.Section ? file.Elf.SectionNameText(record.Section)
                    : record.IsCommon ? "COMMON" : null,
                address,
                record.Size,
                MapNames.NameOf(record.Binding),
                MapNames.NameOf(record.Type));
        }
    }

    /// <summary>The same symbols, as they stand in the objects.</summary>
    internal IEnumerable<UnitDefinition> Definitions()
    {
        HashSet<int> commons = [];
        foreach (LinkObject file in _unit.Objects)
        {
            for (int i = 1; i < file.Elf.SymbolCount; i++)
            {
                SymbolRecord record = file.Elf.Symbol(i);
                if (record is { IsDefined: true, Type: not (SymbolType.Section or SymbolType.File) }
                    && !file.Elf.SymbolName(i).StartsWith(".L"u8)
                    && file.Bound(i) is var bound && Prevails(file, record, bound, commons))
                {
                    yield return new UnitDefinition(file, i, record, bound, AddressOf(bound));
                }
            }
        }
    }

    /// <summary>The stubs, with where they lead now.</summary>
    internal IEnumerable<ImageStub> Stubs()
    {
        PlacedStub[] stubs = _unit.Stubs.ToArray();
        Dictionary<int, (LinkObject File, int Symbol)> users = FindUsers(
            [.. stubs.Where(stub => stub.Object < 0).Select(stub => stub.Symbol)]);
        foreach (PlacedStub stub in stubs)
        {
            (LinkObject file, int symbol) = stub.Object < 0
                ? users[stub.Symbol]
                : (_unit.Objects[stub.Object], stub.Symbol);
            yield return new ImageStub(
                file.SymbolText(symbol),
                file.Elf.Name,
                stub.IsIfunc ? "iplt" : HostMachine.Architecture.Stub.Kind,
                stub.Address,
                HostMachine.Architecture.Stub.Size,
                NativeBytes.LoadWord(stub.SlotAddress));
        }
    }

    /// <summary>The slots.</summary>
    internal IEnumerable<ImageGotSlot> Got()
    {
        foreach (LinkObject file in _unit.Objects)
        {
            for (int i = 0; i < file.Got.Entries.Length; i++)
            {
                GotEntry entry = file.Got.Entries[i];
                ulong address = file.Got.Address + (ulong)entry.Offset;
                yield return new ImageGotSlot(
                    entry.Symbol is 0 ? "" : file.SymbolText(entry.Symbol),
                    file.Elf.Name,
                    MapNames.NameOf(entry.Kind),
                    address,
                    NativeBytes.LoadWord(address));
            }
        }
    }

    /// <summary>What is mapped: a part of each zone.</summary>
    internal IEnumerable<ImageSegment> Segments()
    {
        if (_unit.Resources.Allocation is not { } allocation)
        {
            yield break;
        }

        foreach ((MemoryZone zone, string flags) in ((MemoryZone, string)[])[
            (MemoryZone.Code, "RX"), (MemoryZone.ReadOnly, "R"), (MemoryZone.Relro, "R"), (MemoryZone.Data, "RW")])
        {
            if (allocation.Size(zone) > 0)
            {
                yield return new ImageSegment(allocation.Address(zone), allocation.Size(zone), 0, 0, flags);
            }
        }
    }

    /// <summary>Whether others see this definition, rather than another object's of the same name.</summary>
    private bool Prevails(LinkObject file, in SymbolRecord record, in BoundSymbol bound, HashSet<int> commons)
    {
        switch (record.Place)
        {
            case SymbolPlace.Section:
                return file.IsKept(record.Section)
                    && (bound.Is(SymbolTraits.Ifunc)
                        || AddressOf(bound) == unchecked(file.SymbolBase(record.Section) + record.Value));
            case SymbolPlace.Absolute:
                return bound.Value == record.Value;
            default: // shared by all objects that have it, and listed for the first
                return bound.Is(SymbolTraits.Internal) && commons.Add(bound.Global);
        }
    }

    /// <summary>Where a symbol's bytes are: of a function behind an entry, the code.</summary>
    private ulong AddressOf(in BoundSymbol bound) =>
        bound.Global >= 0 && _unit.Entries is { } entries && entries[bound.Global].Entry is not null
            ? entries[bound.Global].Body
            : bound.Value;

    /// <summary>For each global name the first object that has it, and its symbol there.</summary>
    private Dictionary<int, (LinkObject File, int Symbol)> FindUsers(HashSet<int> names)
    {
        Dictionary<int, (LinkObject, int)> users = [];
        foreach (LinkObject file in _unit.Objects)
        {
            for (int i = 1; i < file.Symbols.Length; i++)
            {
                if (names.Contains(file.Symbols[i].Global))
                {
                    users.TryAdd(file.Symbols[i].Global, (file, i));
                }
            }
        }

        return users;
    }
}
