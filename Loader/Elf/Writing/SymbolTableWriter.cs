using System.Buffers.Binary;

namespace ElfLoader.Elf.Writing;

/// <summary>Writes a symbol table and its names, local symbols before global ones (gABI, "Symbol Table").</summary>
/// <remarks>
/// Names are copied from where they stand in the objects: an image has as many symbols as it pleases its objects, and few
/// people look at them.
/// </remarks>
internal sealed class SymbolTableWriter
{
    /// <summary>Added to the special values of <c>st_shndx</c>, so that they are no section's index.</summary>
    private const uint Special = 0xffff_0000;

    /// <summary>A symbol that is in no section, because nothing defines it.</summary>
    internal const uint Undefined = ElfConstants.SHN_UNDEF;

    /// <summary>A symbol that is in no section, because it is a number.</summary>
    internal const uint Absolute = Special | ElfConstants.SHN_ABS;

    private readonly bool _is64Bit;
    private readonly int _entrySize;
    private byte[] _strings;
    private int _stringsLength = 1; // the empty name
    private Part _locals;
    private Part _globals;
    private Part _localSections;
    private Part _globalSections;

    /// <param name="is64Bit">The class of the file.</param>
    /// <param name="locals">Local symbols to expect.</param>
    /// <param name="globals">Global symbols to expect.</param>
    /// <param name="strings">Bytes of names to expect.</param>
    /// <param name="sections">Number of sections that symbols may be in.</param>
    internal SymbolTableWriter(bool is64Bit, int locals, int globals, int strings, int sections)
    {
        _is64Bit = is64Bit;
        _entrySize = is64Bit ? Elf64.SymbolSize : Elf32.SymbolSize;
        _locals = new Part(_entrySize, locals + 1);
        _globals = new Part(_entrySize, globals);
        _strings = new byte[Math.Max(strings, 256)];
        _locals.Next().Clear(); // the null symbol
        HasSectionIndices = sections >= ElfConstants.SHN_LORESERVE;
        if (HasSectionIndices)
        {
            _localSections = new Part(sizeof(uint), locals + 1);
            _globalSections = new Part(sizeof(uint), globals);
            _localSections.Next().Clear();
        }
    }

    /// <summary>Whether there are more sections than <c>st_shndx</c> can tell apart.</summary>
    internal bool HasSectionIndices { get; }

    /// <summary>The contents of SHT_SYMTAB_SHNDX for local symbols, where <see cref="HasSectionIndices"/>.</summary>
    internal Memory<byte> LocalSections => _localSections.Bytes;

    /// <summary>The same for global symbols.</summary>
    internal Memory<byte> GlobalSections => _globalSections.Bytes;

    /// <summary>Local symbols, the null symbol among them.</summary>
    internal int LocalCount => _locals.Length / _entrySize;

    /// <summary>The entries of local symbols.</summary>
    internal Memory<byte> Locals => _locals.Bytes;

    /// <summary>The entries of global symbols, which follow.</summary>
    internal Memory<byte> Globals => _globals.Bytes;

    /// <summary>The names.</summary>
    internal Memory<byte> Strings => _strings.AsMemory(0, _stringsLength);

    /// <summary>Adds a symbol.</summary>
    /// <param name="name">The name.</param>
    /// <param name="info"><c>st_info</c>: binding and type.</param>
    /// <param name="other"><c>st_other</c>: visibility.</param>
    /// <param name="section">The section's index, <see cref="Undefined"/> or <see cref="Absolute"/>.</param>
    /// <param name="value"><c>st_value</c>.</param>
    /// <param name="size"><c>st_size</c>.</param>
    internal void Add(ReadOnlySpan<byte> name, byte info, byte other, uint section, ulong value, ulong size)
    {
        bool isLocal = info >> 4 is ElfConstants.STB_LOCAL;
        Span<byte> entry = isLocal ? _locals.Next() : _globals.Next();
        ushort index = (ushort)section;
        if (HasSectionIndices)
        {
            bool isExtended = section is >= ElfConstants.SHN_LORESERVE and < Special;
            Span<byte> extended = isLocal ? _localSections.Next() : _globalSections.Next();
            BinaryPrimitives.WriteUInt32LittleEndian(extended, isExtended ? section : 0);
            index = isExtended ? ElfConstants.SHN_XINDEX : index;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(entry, AddName(name));
        if (_is64Bit)
        {
            entry[4] = info;
            entry[5] = other;
            BinaryPrimitives.WriteUInt16LittleEndian(entry[6..], index);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], value);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[16..], size);
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], (uint)value);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], (uint)size);
            entry[12] = info;
            entry[13] = other;
            BinaryPrimitives.WriteUInt16LittleEndian(entry[14..], index);
        }
    }

    private uint AddName(ReadOnlySpan<byte> name)
    {
        int length = checked(_stringsLength + name.Length + 1);
        if (length > _strings.Length)
        {
            Array.Resize(ref _strings, Math.Max(length, (int)Math.Min(2L * _strings.Length, Array.MaxLength)));
        }

        uint offset = (uint)_stringsLength;
        name.CopyTo(_strings.AsSpan(_stringsLength));
        _strings[length - 1] = 0;
        _stringsLength = length;
        return offset;
    }

    /// <summary>Entries of one kind.</summary>
    private struct Part(int entrySize, int expected)
    {
        private byte[] _bytes = GC.AllocateUninitializedArray<byte>(checked(entrySize * Math.Max(expected, 4)));

        /// <summary>Bytes in use.</summary>
        internal int Length { get; private set; }

        internal readonly Memory<byte> Bytes => _bytes.AsMemory(0, Length);

        /// <summary>Room for one more, all of which the caller writes.</summary>
        internal Span<byte> Next()
        {
            if (_bytes.Length - Length < entrySize)
            {
                Array.Resize(ref _bytes, checked(2 * _bytes.Length));
            }

            Length += entrySize;
            return _bytes.AsSpan(Length - entrySize, entrySize);
        }
    }
}
