using System.Text;
using ElfLoader.Elf;

namespace ElfLoader.Linking;

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
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        List<string> owners = [];
        address = 0;
        foreach (LinkObject file in objects)
        {
            SymbolTable symbols = file.Elf.Symbols;
            for (int i = 1; i < file.Elf.FirstGlobalSymbol; i++)
            {
                SymbolRecord record = symbols[i];
                if (MayStart(file, record) && symbols.Name(record).SequenceEqual(bytes))
                {
                    address = unchecked(file.SymbolBase(record.Section) + record.Value); // with the bit that tells Thumb code
                    owners.Add(file.Elf.Name);
                }
            }
        }

        return owners.Count <= 1
            ? owners.Count is 1
            : throw new LinkException(
                LinkErrorCode.Duplicate,
                new LinkLocation(owners[0], Symbol: name),
                $"the entry '{name}' is a local symbol of more than one object: {string.Join(", ", owners)}");
    }

    private static bool MayStart(LinkObject file, in SymbolRecord record) =>
        record is { Place: SymbolPlace.Section, Type: SymbolType.Function or SymbolType.NoType } && file.IsKept(record.Section);
}
