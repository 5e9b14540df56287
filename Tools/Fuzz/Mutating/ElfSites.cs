using System.Buffers.Binary;
using ElfLoader.Elf;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>Finds the fields of a well-formed object: reads no more of it than it takes to name its bytes.</summary>
internal ref struct ElfSites
{
    /// <summary>At most so many bytes of one section are offered for change, evenly spread.</summary>
    private const int BytesOfSection = 64;

    private readonly ReadOnlySpan<byte> _file;
    private readonly int _base;
    private readonly bool _is64;
    private readonly List<Site> _sites;
    private readonly List<(int Offset, int Size)> _entries;

    private ElfSites(ReadOnlySpan<byte> file, int start, bool is64, List<Site> sites, List<(int Offset, int Size)> entries)
    {
        _file = file;
        _base = start;
        _is64 = is64;
        _sites = sites;
        _entries = entries;
    }

    private readonly int Word => _is64 ? 8 : 4;

    /// <summary>Finds them.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="start">Where the object starts in it.</param>
    /// <param name="length">Bytes of the object.</param>
    /// <param name="sites">Receives the fields.</param>
    /// <param name="entries">Receives the entries of its tables.</param>
    /// <returns>The object's e_machine.</returns>
    internal static ushort Find(
        byte[] file, int start, int length, List<Site> sites, List<(int Offset, int Size)> entries)
    {
        var elf = ElfObject.Read(file.AsMemory(start, length), "seed");
        new ElfSites(file.AsSpan(start, length), start, elf.Is64Bit, sites, entries).Find(elf);
        return elf.Machine;
    }

    private readonly void Find(ElfObject elf)
    {
        int headers = (int)(_is64 ? BinaryPrimitives.ReadUInt64LittleEndian(_file[40..]) : BinaryPrimitives.ReadUInt32LittleEndian(_file[32..]));
        for (int i = 0; i < 16; i++)
        {
            Add(i, 1, SiteKind.FileHeader);
        }

        for (int at = 16; at < (_is64 ? 64 : 52); at += 2)
        {
            Add(at, 2, SiteKind.FileHeader);
        }

        Add(_is64 ? 40 : 32, Word, SiteKind.SectionRange, _file.Length);
        int size = _is64 ? 64 : 40;
        for (int i = 0; i < elf.Sections.Length; i++)
        {
            Header(headers + (i * size), elf.Sections.Length);
            _entries.Add((_base + headers + (i * size), size));
        }

        for (int i = 1; i < elf.Sections.Length; i++)
        {
            Section(elf, i);
        }
    }

    private readonly void Header(int at, int sections)
    {
        int word = Word;
        Add(at, 4, SiteKind.NameOffset, 256);
        Add(at + 4, 4, SiteKind.SectionType);
        Add(at + 8, word, SiteKind.SectionFlags);
        Add(at + 8 + word, word, SiteKind.SectionOther);
        Add(at + 8 + (2 * word), word, SiteKind.SectionRange, _file.Length);
        Add(at + 8 + (3 * word), word, SiteKind.SectionRange, _file.Length);
        Add(at + 8 + (4 * word), 4, SiteKind.SectionIndex, sections);
        Add(at + 12 + (4 * word), 4, SiteKind.SectionIndex, sections);
        Add(at + 16 + (4 * word), word, SiteKind.SectionAlignment);
        Add(at + 16 + (5 * word), word, SiteKind.SectionOther);
    }

    private readonly void Section(ElfObject elf, int index)
    {
        SectionHeader header = elf.Sections[index];
        if (header.HasNoBytes || header.Size is 0)
        {
            return;
        }

        int start = (int)header.Offset;
        int size = (int)header.Size;
        switch (header.Type)
        {
            case SHT_SYMTAB:
                Symbols(elf, start, size);
                break;
            case SHT_REL or SHT_RELA:
                Relocations(elf, header, start, size);
                break;
            case SHT_CREL_LLVM or SHT_CREL:
                Bytes(start, size, SiteKind.Crel);
                Places(elf, index);
                break;
            case SHT_STRTAB:
                Bytes(start, size, SiteKind.NameText);
                break;
            case SHT_GROUP or SHT_SYMTAB_SHNDX:
                for (int at = 0; at + 4 <= size; at += 4)
                {
                    Add(start + at, 4, SiteKind.SectionIndex, elf.Sections.Length);
                }

                break;
            default:
                bool isLoaded = header.Has(SHF_ALLOC) && header.Type is not SHT_NOTE;
                Bytes(start, size, isLoaded ? SiteKind.Content : SiteKind.Description);
                if (header.Has(SHF_COMPRESSED))
                {
                    Bytes(start, Math.Min(size, 32), SiteKind.Compression);
                }

                break;
        }
    }

    private readonly void Symbols(ElfObject elf, int start, int size)
    {
        int entry = _is64 ? 24 : 16;
        for (int at = start; at + entry <= start + size; at += entry)
        {
            _entries.Add((_base + at, entry));
            Add(at, 4, SiteKind.NameOffset, 256);
            int info = _is64 ? at + 4 : at + 12;
            Add(info, 1, SiteKind.SymbolInfo);
            Add(info + 1, 1, SiteKind.SymbolOther);
            Add(info + 2, 2, SiteKind.SymbolSection, elf.Sections.Length);
            Add(_is64 ? at + 8 : at + 4, Word, SiteKind.SymbolValue, 64);
            Add(_is64 ? at + 16 : at + 8, Word, SiteKind.SymbolValue, 64);
        }
    }

    private readonly void Relocations(ElfObject elf, SectionHeader header, int start, int size)
    {
        int entry = (header.Type is SHT_RELA ? 3 : 2) * Word;
        long bound = header.Info < elf.Sections.Length ? (long)elf.Sections[(int)header.Info].Size : 0;
        for (int at = start; at + entry <= start + size; at += entry)
        {
            _entries.Add((_base + at, entry));
            Add(at, Word, SiteKind.RelocationOffset, bound);
            Add(at + Word, _is64 ? 4 : 1, SiteKind.RelocationType);
            Add(at + Word + (_is64 ? 4 : 1), _is64 ? 4 : 3, SiteKind.RelocationSymbol, elf.SymbolCount);
            if (header.Type is SHT_RELA)
            {
                Add(at + (2 * Word), Word, SiteKind.RelocationAddend);
            }
        }

        Places(elf, FindRelocations(elf, start));
    }

    private static int FindRelocations(ElfObject elf, int start)
    {
        foreach (ref readonly RelocationSection section in elf.RelocationSections)
        {
            if ((int)elf.Sections[section.Index].Offset == start)
            {
                return section.Index;
            }
        }

        return 0;
    }

    private readonly void Places(ElfObject elf, int index)
    {
        foreach (ref readonly RelocationSection section in elf.RelocationSections)
        {
            SectionHeader target = elf.Sections[section.Target];
            if (section.Index != index || !target.Has(SHF_ALLOC) || target.HasNoBytes)
            {
                continue;
            }

            foreach (RelocationRecord record in elf.Relocations(section))
            {
                for (int i = -3; i < 4; i++)
                {
                    long at = (long)record.Offset + i;
                    if (at >= 0 && at < (long)target.Size)
                    {
                        Add((int)target.Offset + (int)at, 1, SiteKind.Place);
                    }
                }
            }
        }
    }

    private readonly void Bytes(int start, int size, SiteKind kind)
    {
        int step = Math.Max(1, size / BytesOfSection);
        for (int at = 0; at < size; at += step)
        {
            Add(start + at, 1, kind);
        }
    }

    private readonly void Add(int offset, int width, SiteKind kind, long bound = 0) =>
        _sites.Add(new Site(_base + offset, width, kind, bound));
}
