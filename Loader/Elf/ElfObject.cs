using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace ElfLoader.Elf;

/// <summary>
/// A relocatable object: a validated view of its bytes. Nothing is copied but the section headers of ELFCLASS32; symbols
/// and relocations are decoded as they are asked for.
/// </summary>
/// <remarks>
/// Immutable and safe for use by many threads, as long as nobody changes the bytes. Indices given by the caller are
/// checked as those of arrays are; everything that the file states was checked by <see cref="Read"/>.
/// </remarks>
public sealed class ElfObject
{
    private ElfTables _tables;

    private ElfObject(in ElfTables tables) => _tables = tables;

    /// <summary>The name for messages that the caller gave.</summary>
    public string Name => _tables.Name;

    /// <summary>The whole file.</summary>
    public ReadOnlyMemory<byte> Bytes => _tables.Bytes;

    /// <summary>The limits that were given.</summary>
    public ReadLimits Limits => _tables.Limits;

    /// <summary>Whether the structures are those of ELFCLASS64.</summary>
    public bool Is64Bit => _tables.Is64Bit;

    /// <summary>e_machine, one of <c>EM_…</c>.</summary>
    public ushort Machine => _tables.Machine;

    /// <summary>The machine's name for messages: <c>AArch64</c>.</summary>
    public string MachineName => ElfMachines.NameOf(Machine, Is64Bit);

    /// <summary>e_flags, whose meaning is the machine's.</summary>
    public uint Flags => _tables.Flags;

    /// <summary>EI_OSABI.</summary>
    public byte OsAbi => _tables.OsAbi;

    /// <summary>The section headers, for loops over many; index 0 is the null section.</summary>
    public ReadOnlySpan<SectionHeader> Sections => _tables.Sections;

    /// <summary>The section headers up to the last of a section that is in memory when the program runs (SHF_ALLOC).</summary>
    internal ReadOnlySpan<SectionHeader> SectionsInMemory => _tables.Sections[.._tables.SectionsInMemory];

    /// <summary>Number of symbols, counting symbol 0; 0 where there is no symbol table.</summary>
    public int SymbolCount => _tables.SymbolCount;

    /// <summary>Index of the first symbol that is not local; <see cref="SymbolCount"/> where there is none.</summary>
    public int FirstGlobalSymbol => _tables.FirstGlobalSymbol;

    /// <summary>The symbols, for loops over many.</summary>
    public SymbolTable Symbols =>
        new(_tables.At(_tables.Symbols), _tables.At(_tables.LargeIndices), _tables.At(_tables.SymbolNames), Is64Bit);

    /// <summary>All SHT_REL, SHT_RELA and SHT_CREL sections, in file order.</summary>
    public ReadOnlySpan<RelocationSection> RelocationSections => _tables.RelocationSections;

    /// <summary>What the relocations of sections in memory have in common.</summary>
    internal ref readonly RelocationSummary RelocationSummary => ref _tables.Relocations;

    /// <summary>All section groups, in file order.</summary>
    public ReadOnlySpan<SectionGroup> Groups => _tables.Groups;

    /// <summary>What an ARM object says of itself; null where it says nothing or is for another machine.</summary>
    /// <exception cref="LinkException">They are malformed.</exception>
    public BuildAttributes? Attributes => Machine is ElfConstants.EM_ARM
        ? _tables.Rare.Attributes ??= ObjectMetadata.ReadAttributes(this, _tables)
        : null;

    /// <summary>What .note.gnu.property says; empty where there is none.</summary>
    /// <exception cref="LinkException">It is malformed.</exception>
    public GnuProperties Properties => _tables.Rare.Properties ??= ObjectMetadata.ReadProperties(this, _tables);

    /// <summary>Bytes from the start of the file to the symbols' names; 0 where there are no symbols.</summary>
    internal int SymbolNamesStart =>
        SymbolCount == 0 ? 0 : (int)Sections[(int)Sections[_tables.SymbolSection].Link].Offset;

    /// <summary>Bytes of the symbols' names.</summary>
    internal int SymbolNamesLength => _tables.SymbolNames.Length;

    /// <summary>
    /// Hints that the object is soon going to be linked: of many small ones, most of the time goes into waiting for memory.
    /// </summary>
    internal void Prefetch()
    {
        const int few = 256; // bytes: all of a small object's, and who reads more than that goes on in order
        _tables.Prefetch(_tables.SectionHeaders, few);
        _tables.Prefetch(_tables.Symbols, few);
        _tables.Prefetch(_tables.SymbolNames, few);
    }

    /// <summary>Reads and validates an object.</summary>
    /// <param name="bytes">The whole file; not to be changed as long as the object is used.</param>
    /// <param name="name">Name for messages; <c>archive.a(member.o)</c> for a member.</param>
    /// <param name="limits">What the object may claim; <see cref="ReadLimits.Default"/> where null.</param>
    /// <exception cref="LinkException">The bytes are no relocatable object that can be read here.</exception>
    public static ElfObject Read(ReadOnlyMemory<byte> bytes, string name, ReadLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        limits ??= ReadLimits.Default;
        try
        {
            ElfIdent.Check(bytes.Span, name);
            ElfTables tables = bytes.Span[ElfIdent.Class] == ElfConstants.ELFCLASS64
                ? ElfValidator<Elf64>.Read(bytes, name, limits)
                : ElfValidator<Elf32>.Read(bytes, name, limits);
            return new ElfObject(tables);
        }
        catch (OutOfMemoryException exception)
        {
            throw MemoryShortage.Of(name, "read it", exception);
        }
    }

    /// <summary>Gives it another name, where another object turns out to have the same.</summary>
    internal void Rename(string name) => _tables.Name = name;

    /// <summary>A section's name in UTF-8, in place, without its zero.</summary>
    public ReadOnlySpan<byte> SectionName(int section) =>
        StringTable.At(_tables.At(_tables.SectionNames), Sections[section].Name);

    /// <summary>Whether a section has a name: cheaper than to look for the name's end.</summary>
    internal bool HasSectionName(int section, ReadOnlySpan<byte> name) =>
        StringTable.IsAt(SectionNames, Sections[section].Name, name);

    /// <summary>Whether a section's name begins so.</summary>
    internal bool SectionNameStartsWith(int section, ReadOnlySpan<byte> prefix) =>
        StringTable.StartsAt(SectionNames, Sections[section].Name, prefix);

    /// <summary>The names of all sections, one behind the other.</summary>
    internal ReadOnlySpan<byte> SectionNames => _tables.At(_tables.SectionNames);

    /// <summary>A section's name as text.</summary>
    public string SectionNameText(int section) => Encoding.UTF8.GetString(SectionName(section));

    /// <summary>A section's bytes as they stand in the file: compressed where it is, none for SHT_NOBITS.</summary>
    public ReadOnlySpan<byte> SectionBytes(int section) => _tables.At(_tables.PartOf(section));

    /// <summary>As <see cref="SectionBytes"/>, for keeping.</summary>
    public ReadOnlyMemory<byte> SectionMemory(int section) => _tables.SectionMemory(section);

    /// <summary>What stands before a compressed section's bytes; null where the section is not compressed.</summary>
    public CompressionHeader? Compression(int section)
    {
        ref readonly SectionHeader header = ref Sections[section];
        if (header.HasNoBytes || !header.Has(ElfConstants.SHF_COMPRESSED))
        {
            return null;
        }

        ReadOnlySpan<byte> bytes = SectionBytes(section);
        return Is64Bit ? CompressionHeader.Read<Elf64>(bytes) : CompressionHeader.Read<Elf32>(bytes);
    }

    /// <summary>A copy of a section's bytes, decompressed where it is compressed.</summary>
    /// <exception cref="LinkException">The section is compressed with something else than zlib, not to the size that
    /// it claims, or claims more than <see cref="ReadLimits.MaximumDecompressedSize"/>.</exception>
    public byte[] Decompress(int section)
    {
        ReadOnlySpan<byte> bytes = SectionBytes(section);
        int header = Is64Bit ? Elf64.CompressionHeaderSize : Elf32.CompressionHeaderSize;
        return Compression(section) is { } compression
            ? SectionInflater.Inflate(_tables, section, compression, bytes[header..])
            : bytes.ToArray();
    }

    /// <summary>The symbol at an index below <see cref="SymbolCount"/>.</summary>
    public SymbolRecord Symbol(int index) => Symbols[index];

    /// <summary>A symbol's name in UTF-8, in place, without its zero.</summary>
    public ReadOnlySpan<byte> SymbolName(int index)
    {
        SymbolTable symbols = Symbols;
        return symbols.Name(symbols[index]);
    }

    /// <summary>Whether <c>.note.GNU-stack</c> says that its functions put code on the stack.</summary>
    internal bool WantsExecutableStack => _tables.WantsExecutableStack;

    /// <summary>Whether there is GCC's intermediate code, and no machine code.</summary>
    internal bool HasIntermediateCodeOnly => _tables.HasIntermediateCode && IntermediateCode.IsAlone(this);

    /// <summary>Whether any symbol's name may have a version (<see cref="VersionedName"/>).</summary>
    internal bool MayHaveVersions => VersionedName.MayBeIn(_tables.At(_tables.SymbolNames));

    /// <summary>A symbol's name, of which the place and the length are known.</summary>
    internal ReadOnlySpan<byte> NameAt(int offset, int length) => _tables.At(_tables.SymbolNames).Slice(offset, length);

    /// <summary>A symbol's name as text.</summary>
    public string SymbolNameText(int index) => Encoding.UTF8.GetString(SymbolName(index));

    /// <summary>Goes through the relocations of a section.</summary>
    /// <param name="section">One of <see cref="RelocationSections"/>.</param>
    public RelocationReader Relocations(in RelocationSection section) =>
        new(SectionBytes(section.Index), section.Format, Is64Bit, section.Count);

    /// <summary>Goes through the relocations of an SHT_RELA section of an ELFCLASS64 object, from one on.</summary>
    internal RelocationReader RelocationsFrom(in RelocationSection section, int first) => new(
        SectionBytes(section.Index)[(first * Unsafe.SizeOf<Rela64>())..], section.Format, Is64Bit, section.Count - first);

    /// <summary>The relocations of a section where they lie; empty where they have another format than x86-64's.</summary>
    internal ReadOnlySpan<Rela64> RelaEntries(in RelocationSection section) =>
        Is64Bit && section.Format == RelocationFormat.Rela && BitConverter.IsLittleEndian
            ? MemoryMarshal.Cast<byte, Rela64>(SectionBytes(section.Index))
            : [];

    /// <summary>The section indices of a group's members.</summary>
    /// <param name="group">One of <see cref="Groups"/>.</param>
    public ReadOnlySpan<int> Members(in SectionGroup group) =>
        MemoryMarshal.Cast<byte, int>(SectionBytes(group.Index))[1..]; // behind the flags

    /// <summary>
    /// A group's signature in UTF-8, in place: the name of its symbol, or of the section that this symbol stands for.
    /// </summary>
    /// <param name="group">One of <see cref="Groups"/>.</param>
    public ReadOnlySpan<byte> Signature(in SectionGroup group)
    {
        SymbolRecord symbol = Symbol(group.SignatureSymbol);
        ReadOnlySpan<byte> name = SymbolName(group.SignatureSymbol);
        return name.IsEmpty && symbol is { Type: SymbolType.Section, Place: SymbolPlace.Section }
            ? SectionName(symbol.Section)
            : name;
    }

    /// <summary>The group that a section belongs to, as an index into <see cref="Groups"/>; -1 for none.</summary>
    public int GroupOf(int section) =>
        (_tables.Rare.GroupsOfSections ??= GroupValidator.GroupsOfSections(this))[section] - 1;
}
