using ElfLoader.Elf;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Fuzz.Differential;

/// <summary>Takes the objects of a batch out of what the assembler made of all of them together.</summary>
internal sealed class Splitter(ElfObject batch)
{
    /// <summary>Names of sections, and which they are.</summary>
    private readonly Dictionary<string, int> _sections = Enumerable.Range(1, batch.Sections.Length - 1)
        .GroupBy(batch.SectionNameText).ToDictionary(group => group.Key, group => group.First());

    /// <summary>Symbols by the section that they are in.</summary>
    private readonly ILookup<int, int> _symbols = Enumerable.Range(1, Math.Max(0, batch.SymbolCount - 1))
        .Where(i => batch.Symbol(i).Place is SymbolPlace.Section).ToLookup(i => batch.Symbol(i).Section);

    private readonly Dictionary<int, RelocationSection> _relocations = batch.RelocationSections.ToArray()
        .ToDictionary(section => section.Target);

    /// <summary>A section as the assembler left it.</summary>
    internal ReadOnlySpan<byte> Bytes(string section) => batch.SectionBytes(_sections[section]);

    /// <summary>Writes one object.</summary>
    /// <param name="file">Which.</param>
    /// <param name="left">Tells the relocations to leave out, by section and offset.</param>
    internal byte[] Object(GeneratedObject file, IReadOnlySet<(string Section, ulong Offset)> left)
    {
        var writer = new ObjectWriter(batch.Machine);
        Dictionary<int, int> sections = [];
        foreach (GeneratedSection section in file.Sections)
        {
            int index = _sections[section.Name];
            SectionHeader header = batch.Sections[index];
            sections.Add(index, writer.AddSection(
                section.Name, header.Type, header.Flags, batch.SectionMemory(index), header.Size, header.Alignment));
        }

        if (_sections.TryGetValue(".ARM.attributes", out int attributes))
        {
            SectionHeader header = batch.Sections[attributes];
            _ = writer.AddSection(".ARM.attributes", header.Type, 0, batch.SectionMemory(attributes), header.Size, 1);
        }

        Dictionary<int, int> symbols = new() { [0] = 0 };
        Dictionary<string, int> byName = [];
        foreach (int section in sections.Keys)
        {
            foreach (int i in _symbols[section])
            {
                SymbolRecord symbol = batch.Symbol(i);
                symbols.Add(i, writer.AddSymbol(
                    batch.SymbolNameText(i), symbol.Info, symbol.Other, (ushort)sections[section], symbol.Value, symbol.Size));
            }
        }

        foreach (GeneratedSymbol number in file.Numbers)
        {
            byte type = number.Kind is 'd' ? STT_OBJECT : STT_FUNC;
            ulong value = number.Address | (number.Kind is 't' ? 1UL : 0);
            byName.Add(number.Name, writer.AddSymbol(number.Name, (byte)((STB_GLOBAL << 4) | type), 0, SHN_ABS, value, number.Size));
        }

        foreach ((int index, int target) in sections)
        {
            if (!_relocations.TryGetValue(index, out RelocationSection relocations))
            {
                continue;
            }

            string name = batch.SectionNameText(index);
            foreach (RelocationRecord record in batch.Relocations(relocations))
            {
                if (!left.Contains((name, record.Offset)))
                {
                    writer.AddRelocation(target, record.Offset, record.Type, Symbol((int)record.Symbol), record.Addend);
                }
            }
        }

        return writer.Build();

        int Symbol(int index)
        {
            if (symbols.TryGetValue(index, out int known))
            {
                return known;
            }

            string name = batch.SymbolNameText(index);
            if (!byName.TryGetValue(name, out int added))
            {
                SymbolRecord symbol = batch.Symbol(index);
                byte binding = symbol.Binding is SymbolBinding.Weak ? STB_WEAK : STB_GLOBAL;
                byte type = name.StartsWith("tls_", StringComparison.Ordinal) ? STT_TLS : STT_NOTYPE; // .reloc does not tell
                added = writer.AddSymbol(name, (byte)((binding << 4) | type), 0, SHN_UNDEF, 0, 0);
                byName.Add(name, added);
            }

            symbols.Add(index, added);
            return added;
        }
    }

    /// <summary>An object with the thread-local variables, and the function that finds them.</summary>
    internal static byte[] TlsObject(ushort machine)
    {
        var writer = new ObjectWriter(machine);
        int data = writer.AddSection(".tdata", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE | SHF_TLS, new byte[0x120], 0x120, 16);
        foreach ((string name, ulong offset) in PairGenerator.TlsSymbols)
        {
            _ = writer.AddSymbol(name, (STB_GLOBAL << 4) | STT_TLS, 0, (ushort)data, offset, 4);
        }

        _ = writer.AddSymbol("__tls_get_addr", (STB_GLOBAL << 4) | STT_FUNC, 0, SHN_ABS, 0x1000, 0);
        return writer.Build();
    }
}
