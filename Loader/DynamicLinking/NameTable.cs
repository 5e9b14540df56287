using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ElfLoader.Linking;
using ElfLoader.Memory;

namespace ElfLoader.DynamicLinking;

/// <summary>The names that a library defines, as native code looks them up: a hash table with open addressing.</summary>
/// <remarks>Whoever guards the library's definitions guards it; threads read it meanwhile.</remarks>
internal sealed class NameTable
{
    // struct names and struct name of Interface.c
    private const int Header = 8;
    private const int EntrySize = 32;
    private const int Text = 8;
    private const int Value = 16;
    private const int Module = 24;
    private const ulong Removed = ulong.MaxValue;

    private const int LeastEntries = 64;
    private const int TextBlockSize = 4096;

    private readonly Readers _readers;
    private readonly ulong _owner;
    private readonly List<NativeBlock> _texts = [];
    private NativeBlock? _table;
    private int _capacity;
    private int _used;
    private int _live;
    private int _textUsed;

    /// <param name="readers">Who tells when memory can be freed.</param>
    /// <param name="owner">Address of the word that points to the table.</param>
    internal NameTable(Readers readers, ulong owner)
    {
        _readers = readers;
        _owner = owner;
    }

    /// <summary>Says what a name stands for.</summary>
    internal void Set(ReadOnlySpan<byte> name, in Definition definition)
    {
        if (name.Contains((byte)0))
        {
            return; // nobody can ask for it
        }

        if (definition.IsHidden)
        {
            Remove(name);
            return;
        }

        ulong value = definition.Tls?.Offset ?? definition.Address;
        Set(name, value == Removed ? 0 : value, definition.Tls?.Module ?? 0);
    }

    /// <summary>Says that a name stands for nothing any more.</summary>
    internal void Remove(ReadOnlySpan<byte> name)
    {
        if (Find(name, HashOf(name)) is { } entry)
        {
            NativeBytes.StoreWord(entry + Value, Removed);
            _live--;
        }
    }

    /// <summary>Lets go of everything: the library defines nothing any more.</summary>
    internal void Clear()
    {
        NativeBytes.StoreWord(_owner, 0);
        Retire(_table, [.. _texts]);
        _texts.Clear();
        (_table, _capacity, _used, _live, _textUsed) = (null, 0, 0, 0, 0);
    }

    private void Set(ReadOnlySpan<byte> name, ulong value, ulong module)
    {
        ulong hash = HashOf(name);
        if (Find(name, hash) is { } entry)
        {
            if (NativeBytes.LoadWord(entry + Module) == module && module is 0)
            {
                NativeBytes.StoreWord(entry + Value, value);
                return;
            }

            NativeBytes.StoreWord(entry + Value, Removed); // two words cannot be written as one
            _live--;
        }

        if ((_used + 1) * 2 > _capacity)
        {
            Rebuild();
        }

        Insert(_table!.Bytes, hash, CopyText(name), value, module);
    }

    /// <summary>FNV-1a, as Interface.c has it.</summary>
    private static ulong HashOf(ReadOnlySpan<byte> name)
    {
        ulong hash = 0xcbf2_9ce4_8422_2325;
        foreach (byte letter in name)
        {
            hash = unchecked((hash ^ letter) * 0x100_0000_01b3);
        }

        return hash;
    }

    /// <summary>Address of the entry of a name that stands for something.</summary>
    private ulong? Find(ReadOnlySpan<byte> name, ulong hash)
    {
        for (ulong i = hash; _table is not null; i++)
        {
            ulong entry = _table.Address + Header + ((i & (ulong)(_capacity - 1)) * EntrySize);
            ulong text = NativeBytes.LoadWord(entry + Text);
            if (text is 0)
            {
                break;
            }

            if (NativeBytes.LoadWord(entry) == hash && NativeBytes.LoadWord(entry + Value) is not Removed
                && NativeBytes.StringAt(text).SequenceEqual(name))
            {
                return entry;
            }
        }

        return null;
    }

    private void Insert(Span<byte> table, ulong hash, ulong text, ulong value, ulong module)
    {
        for (ulong i = hash; ; i++)
        {
            Span<byte> entry = table.Slice(Header + ((int)(i & (ulong)(_capacity - 1)) * EntrySize), EntrySize);
            if (BinaryPrimitives.ReadUInt64LittleEndian(entry[Text..]) is 0)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(entry, hash);
                BinaryPrimitives.WriteUInt64LittleEndian(entry[Value..], value);
                BinaryPrimitives.WriteUInt64LittleEndian(entry[Module..], module);
                Volatile.Write(ref MemoryMarshal.AsRef<ulong>(entry[Text..]), text); // from here on it can be found
                _used++;
                _live++;
                return;
            }
        }
    }

    /// <summary>Makes a table with room, without what was removed. The old one is read meanwhile.</summary>
    private void Rebuild()
    {
        (NativeBlock? old, int oldCapacity, NativeBlock[] oldTexts) = (_table, _capacity, [.. _texts]);
        (int used, int live, int textUsed) = (_used, _live, _textUsed);
        int capacity = LeastEntries;
        while (capacity < (_live + 1) * 4)
        {
            capacity = checked(capacity * 2);
        }

        var table = new NativeBlock(checked(Header + (capacity * EntrySize)));
        _texts.Clear();
        (_capacity, _used, _live, _textUsed) = (capacity, 0, 0, 0);
        try
        {
            Copy(old, oldCapacity, table);
        }
        catch (OutOfMemoryException)
        {
            _texts.ForEach(text => text.Dispose());
            table.Dispose();
            _texts.Clear();
            _texts.AddRange(oldTexts);
            (_capacity, _used, _live, _textUsed) = (oldCapacity, used, live, textUsed);
            throw;
        }

        _table = table;
        NativeBytes.StoreWord(_owner, table.Address);
        Retire(old, oldTexts);
    }

    private void Copy(NativeBlock? old, int oldCapacity, NativeBlock table)
    {
        BinaryPrimitives.WriteInt64LittleEndian(table.Bytes, _capacity - 1);
        for (int i = 0; i < oldCapacity; i++)
        {
            ulong entry = old!.Address + Header + (ulong)(i * EntrySize);
            ulong text = NativeBytes.LoadWord(entry + Text);
            ulong value = NativeBytes.LoadWord(entry + Value);
            if (text is not 0 && value is not Removed)
            {
                Insert(
                    table.Bytes,
                    NativeBytes.LoadWord(entry),
                    CopyText(NativeBytes.StringAt(text)),
                    value,
                    NativeBytes.LoadWord(entry + Module));
            }
        }
    }

    private ulong CopyText(ReadOnlySpan<byte> name)
    {
        int size = name.Length + 1;
        if (_texts.Count is 0 || size > _texts[^1].Size - _textUsed)
        {
            _texts.Add(new NativeBlock(Math.Max(size, TextBlockSize)));
            _textUsed = 0;
        }

        NativeBlock block = _texts[^1];
        int start = _textUsed;
        name.CopyTo(block.Bytes[start..]);
        _textUsed += size;
        return block.Address + (ulong)start;
    }

    private void Retire(NativeBlock? table, NativeBlock[] texts)
    {
        if (table is not null)
        {
            _readers.Retire(table);
        }

        Array.ForEach(texts, _readers.Retire);
    }
}
