using System.Text;
using ElfLoader.Elf;
using ElfLoader.Linking;

namespace ElfLoader.Images;

/// <summary>The symbol at which a program starts, where no global one has its name: a local one, if there is only one.</summary>
internal static class LocalEntry
{
    /// <summary>Looks for it.</summary>
    /// <param name="objects">The objects; their sections have addresses.</param>
    /// <param name="name">Its name.</param>
    /// <param name="address">Its address, with the bit that tells Thumb code.</param>
    /// <returns>Whether an object has it.</returns>
    /// <exception cref="LinkException">Several have.</exception>
    internal static bool TryFind(IEnumerable<LinkObject> objects, string name, out ulong address)
    {
        (LinkObject File, SymbolRecord Record)? found = Find(objects, name);
        address = found is (LinkObject file, SymbolRecord record) ? AddressOf(file, record) : 0;
        return found is not null;
    }

    /// <summary>The symbol as one that other objects may refer to; null where no object has it.</summary>
    /// <param name="objects">The objects; their sections need no addresses yet.</param>
    /// <param name="name">Its name.</param>
    /// <param name="thumbBit">The bit of a function's value that tells Thumb code; 0 where there is none.</param>
    /// <exception cref="LinkException">Several have it.</exception>
    internal static SyntheticSymbol? Globalized(IEnumerable<LinkObject> objects, string name, ulong thumbBit)
    {
        if (Find(objects, name) is not (LinkObject file, SymbolRecord record))
        {
            return null;
        }

        bool isThumb = record.Type is SymbolType.Function && (record.Value & thumbBit) != 0;
        return new SyntheticSymbol(
            () => AddressOf(file, record) & ~thumbBit,
            SymbolTraits.Internal | SymbolTraits.Function | (isThumb ? SymbolTraits.Thumb : 0));
    }

    /// <summary>Refuses a name that is a local symbol of several objects.</summary>
    /// <exception cref="LinkException">It is.</exception>
    internal static void RefuseSeveral(IEnumerable<LinkObject> objects, string name) => _ = Find(objects, name);

    private static ulong AddressOf(LinkObject file, in SymbolRecord record) =>
        unchecked(file.SymbolBase(record.Section) + record.Value); // with the bit that tells Thumb code

    private static (LinkObject File, SymbolRecord Record)? Find(IEnumerable<LinkObject> objects, string name)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        List<string> owners = [];
        (LinkObject, SymbolRecord)? found = null;
        foreach (LinkObject file in objects)
        {
            SymbolTable symbols = file.Elf.Symbols;
            for (int i = 1; i < file.Elf.FirstGlobalSymbol; i++)
            {
                SymbolRecord record = symbols[i];
                if (MayStart(file, record) && symbols.Name(record).SequenceEqual(bytes))
                {
                    found = (file, record);
                    owners.Add(file.Elf.Name);
                }
            }
        }

        return owners.Count <= 1
            ? found
            : throw new LinkException(
                LinkErrorCode.Duplicate,
                new LinkLocation(owners[0], Symbol: name),
                $"the entry '{name}' is a local symbol of more than one object: {string.Join(", ", owners)}");
    }

    private static bool MayStart(LinkObject file, in SymbolRecord record) =>
        record is { Place: SymbolPlace.Section, Type: SymbolType.Function or SymbolType.NoType } && file.IsKept(record.Section)
        && EntryCode.Objection(file.Elf, record) is null;
}
