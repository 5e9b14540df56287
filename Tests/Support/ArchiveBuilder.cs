using System.Buffers.Binary;
using System.Text;

namespace ElfLoader.Tests.Support;

/// <summary>Builds archives in memory: GNU's, BSD's and thin ones, with or without an index.</summary>
internal sealed class ArchiveBuilder
{
    private readonly (string Name, byte[] Bytes)[] _members;
    private readonly bool _isBsd;
    private readonly bool _isThin;
    private (string Symbol, int Member)[]? _index;
    private bool _is64Bit;

    private ArchiveBuilder((string Name, byte[] Bytes)[] members, bool isBsd, bool isThin)
    {
        _members = members;
        _isBsd = isBsd;
        _isThin = isThin;
    }

    public static ArchiveBuilder Gnu(params (string Name, byte[] Bytes)[] members) =>
        new(members, isBsd: false, isThin: false);

    public static ArchiveBuilder Bsd(params (string Name, byte[] Bytes)[] members) =>
        new(members, isBsd: true, isThin: false);

    public static ArchiveBuilder Thin(params (string Name, byte[] Bytes)[] members) =>
        new(members, isBsd: false, isThin: true);

    /// <summary>Adds an index; a member of -1 is a place where none begins.</summary>
    public ArchiveBuilder WithIndex(params (string Symbol, int Member)[] index)
    {
        _index = index;
        return this;
    }

    public ArchiveBuilder With64BitIndex(params (string Symbol, int Member)[] index)
    {
        _is64Bit = true;
        return WithIndex(index);
    }

    public byte[] Build()
    {
        // The index holds offsets that depend on its own size only, so it is written twice.
        int[] offsets = new int[_members.Length];
        Write(offsets);
        return Write(offsets);
    }

    private byte[] Write(int[] offsets)
    {
        MemoryStream file = new();
        file.Write(_isThin ? "!<thin>\n"u8 : "!<arch>\n"u8);
        if (_index is not null)
        {
            string name = (_isBsd, _is64Bit) switch
            {
                (true, false) => "__.SYMDEF",
                (true, true) => "__.SYMDEF_64",
                (false, false) => "/",
                (false, true) => "/SYM64/",
            };
            WriteMember(file, name, _isBsd ? BsdIndex(offsets) : GnuIndex(offsets), isHere: true);
        }

        StringBuilder longNames = new();
        string[] names = new string[_members.Length];
        for (int i = 0; i < names.Length; i++)
        {
            string name = _members[i].Name;
            if (_isBsd)
            {
                bool isShort = name.Length <= 16 && !name.Contains(' ', StringComparison.Ordinal);
                names[i] = isShort ? name : $"#1/{name.Length}";
            }
            else if (name.Length < 16 && !_isThin)
            {
                names[i] = name + "/";
            }
            else
            {
                names[i] = $"/{longNames.Length}";
                longNames.Append(name).Append("/\n");
            }
        }

        if (longNames.Length != 0)
        {
            WriteMember(file, "//", Encoding.UTF8.GetBytes(longNames.ToString()), isHere: true);
        }

        for (int i = 0; i < names.Length; i++)
        {
            offsets[i] = (int)file.Length;
            bool isInFront = names[i].StartsWith("#1/", StringComparison.Ordinal);
            byte[] front = isInFront ? Encoding.UTF8.GetBytes(_members[i].Name) : [];
            WriteMember(file, names[i], [.. front, .. _members[i].Bytes], isHere: !_isThin);
        }

        return file.ToArray();
    }

    private static void WriteMember(Stream file, string name, byte[] bytes, bool isHere)
    {
        file.Write(Encoding.UTF8.GetBytes($"{name,-16}{0,-12}{0,-6}{0,-6}{644,-8}{bytes.Length,-10}`\n"));
        if (isHere)
        {
            file.Write(bytes);
            if (bytes.Length % 2 != 0)
            {
                file.WriteByte((byte)'\n');
            }
        }
    }

    private byte[] GnuIndex(int[] offsets)
    {
        MemoryStream index = new();
        WriteNumber(index, _index!.Length);
        foreach ((_, int member) in _index)
        {
            WriteNumber(index, member < 0 ? 1 : offsets[member]);
        }

        foreach ((string symbol, _) in _index)
        {
            index.Write(Encoding.UTF8.GetBytes(symbol + "\0"));
        }

        return index.ToArray();
    }

    private byte[] BsdIndex(int[] offsets)
    {
        MemoryStream index = new();
        WriteNumber(index, _index!.Length * (_is64Bit ? 16 : 8));
        StringBuilder names = new();
        foreach ((string symbol, int member) in _index)
        {
            WriteNumber(index, names.Length);
            WriteNumber(index, member < 0 ? 1 : offsets[member]);
            names.Append(symbol).Append('\0');
        }

        WriteNumber(index, names.Length);
        index.Write(Encoding.UTF8.GetBytes(names.ToString()));
        return index.ToArray();
    }

    private void WriteNumber(Stream stream, long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        bytes = bytes[..(_is64Bit ? 8 : 4)];
        if (!_isBsd)
        {
            bytes.Reverse();
        }

        stream.Write(bytes);
    }
}
