using System.Buffers.Text;
using ElfLoader.Memory;

namespace ElfLoader.Elf;

/// <summary>Goes through the member headers of an archive, once.</summary>
internal sealed class ArchiveReader(Archive archive, ReadOnlyMemory<byte> bytes)
{
    /// <summary>Bytes in a member's header: name 16, date 12, owner 6, group 6, mode 8, size 10, end 2.</summary>
    private const int HeaderSize = 60;

    private readonly List<ArchiveMember> _members = [];
    private ReadOnlyMemory<byte> _longNames;
    private long _namesLeft = NameBudget.Of(bytes.Length);

    /// <summary>The members that are files.</summary>
    public IReadOnlyList<ArchiveMember> Members => _members;

    /// <summary>Whether the archive is thin.</summary>
    public bool IsThin { get; private set; }

    /// <summary>The bytes of the index of symbols.</summary>
    public ReadOnlyMemory<byte> Index { get; private set; }

    /// <summary>Who wrote the index, and how wide.</summary>
    public ArchiveIndexFormat IndexFormat { get; private set; }

    /// <summary>Reads everything but the index and the members themselves.</summary>
    /// <exception cref="LinkException">The archive is malformed.</exception>
    public void Read()
    {
        ReadOnlySpan<byte> file = bytes.Span;
        IsThin = file.StartsWith(Archive.ThinMagic);
        if (!IsThin && !file.StartsWith(Archive.Magic))
        {
            throw Fault(0, "not an archive: it begins with neither '!<arch>' nor '!<thin>'");
        }

        int offset = Archive.Magic.Length;
        while (offset < file.Length)
        {
            offset = ReadMember(offset);
        }
    }

    /// <summary>Reads one member and tells where the next one is.</summary>
    private int ReadMember(int offset)
    {
        ReadOnlySpan<byte> file = bytes.Span;
        if (file.Length - offset < HeaderSize)
        {
            throw Fault(offset, $"member header of {HeaderSize} bytes ends past the {CountText.Of(file.Length, "byte")} of the file");
        }

        ReadOnlySpan<byte> header = file.Slice(offset, HeaderSize);
        if (!header[58..].SequenceEqual("`\n"u8))
        {
            throw Fault(offset + 58, "member header does not end with 60 0a");
        }

        ReadOnlySpan<byte> name = header[..16].TrimEnd((byte)' ');
        int start = offset + HeaderSize;
        long size = Number(header.Slice(48, 10), offset + 48, "member size");

        // Only the archive's own tables have their bytes in a thin archive.
        bool isHere = !IsThin || IsTable(name);
        if (isHere && size > file.Length - start)
        {
            throw Fault(offset, $"member of {CountText.Of(size, "byte")} ends past the {CountText.Of(file.Length, "byte")} of the file");
        }

        ReadOnlyMemory<byte>? content = isHere ? bytes.Slice(start, (int)size) : default(ReadOnlyMemory<byte>?);
        Take(offset, name, content);
        long next = start + (isHere ? size : 0);
        return (int)Math.Min(next + (next & 1), file.Length);
    }

    private static bool IsTable(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("/"u8) || name.SequenceEqual("//"u8) || name.SequenceEqual("/SYM64/"u8);

    private void Take(int offset, ReadOnlySpan<byte> name, ReadOnlyMemory<byte>? content)
    {
        if (name.SequenceEqual("/"u8))
        {
            TakeIndex(content, ArchiveIndexFormat.Gnu);
        }
        else if (name.SequenceEqual("/SYM64/"u8))
        {
            TakeIndex(content, ArchiveIndexFormat.Gnu64);
        }
        else if (name.SequenceEqual("//"u8))
        {
            _longNames = content.GetValueOrDefault();
        }
        else if (name.StartsWith("#1/"u8))
        {
            TakeWithNameInFront(offset, name, content);
        }
        else if (name is [(byte)'/', >= (byte)'0' and <= (byte)'9', ..])
        {
            Add(offset, LongName(offset, name), content);
        }
        else
        {
            // GNU ends the name with a slash, BSD with spaces only.
            int length = name is [.., (byte)'/'] ? name.Length - 1 : name.Length;
            AddUnlessIndex(offset, bytes.Slice(offset, length), content);
        }
    }

    /// <summary>BSD's long names: the first bytes of the member, padded with zeros.</summary>
    private void TakeWithNameInFront(int offset, ReadOnlySpan<byte> name, ReadOnlyMemory<byte>? content)
    {
        long length = Number(name[3..], offset + 3, "length of a name");
        if (content is not { } there || length > there.Length)
        {
            throw Fault(offset, $"name of {CountText.Of(length, "byte")} does not fit the member");
        }

        ReadOnlyMemory<byte> padded = there[..(int)length];
        AddUnlessIndex(offset, padded[..padded.Span.TrimEnd((byte)0).Length], there[(int)length..]);
    }

    /// <summary>GNU's long names: at an offset in the member "//", up to a slash and a line's end.</summary>
    private ReadOnlyMemory<byte> LongName(int offset, ReadOnlySpan<byte> name)
    {
        if (name.Contains((byte)':'))
        {
            throw new LinkException(LinkErrorCode.Unsupported,
                new LinkLocation(archive.Name, Offset: (ulong)offset), "thin archive with an archive for a member");
        }

        long at = Number(name[1..], offset + 1, "offset of a long name");
        if (at >= _longNames.Length)
        {
            throw Fault(offset, $"long name at {at} is past the {CountText.Of(_longNames.Length, "byte")} of long names");
        }

        ReadOnlyMemory<byte> rest = _longNames[(int)at..];
        int end = rest.Span.IndexOfAny((byte)'\n', (byte)0);
        ReadOnlyMemory<byte> found = end < 0 ? rest : rest[..end];
        return found.Span is [.., (byte)'/'] ? found[..^1] : found;
    }

    private void AddUnlessIndex(int offset, ReadOnlyMemory<byte> name, ReadOnlyMemory<byte>? content)
    {
        ReadOnlySpan<byte> text = name.Span;
        if (text.SequenceEqual("__.SYMDEF"u8) || text.SequenceEqual("__.SYMDEF SORTED"u8))
        {
            TakeIndex(content, ArchiveIndexFormat.Bsd);
        }
        else if (text.SequenceEqual("__.SYMDEF_64"u8) || text.SequenceEqual("__.SYMDEF_64 SORTED"u8))
        {
            TakeIndex(content, ArchiveIndexFormat.Bsd64);
        }
        else
        {
            Add(offset, name, content);
        }
    }

    private void Add(int offset, ReadOnlyMemory<byte> name, ReadOnlyMemory<byte>? content)
    {
        _namesLeft -= name.Length;
        if (_namesLeft < 0)
        {
            throw new LinkException(
                LinkErrorCode.LimitExceeded,
                new LinkLocation(archive.Name, Offset: (ulong)offset),
                NameBudget.Exceeded($"the first {CountText.Of(_members.Count + 1, "member")}", bytes.Length));
        }

        _members.Add(new ArchiveMember(archive, name, content, offset));
    }

    /// <summary>The first index counts; Windows' archives have a second one, sorted.</summary>
    private void TakeIndex(ReadOnlyMemory<byte>? content, ArchiveIndexFormat format)
    {
        if (IndexFormat == ArchiveIndexFormat.None)
        {
            Index = content.GetValueOrDefault();
            IndexFormat = format;
        }
    }

    private long Number(ReadOnlySpan<byte> field, int offset, string what)
    {
        ReadOnlySpan<byte> digits = field.TrimEnd((byte)' ');
        return Utf8Parser.TryParse(digits, out uint value, out int used) && used == digits.Length
            ? value
            : throw Fault(offset, $"{what} is not a decimal number below 4294967296");
    }

    private LinkException Fault(int offset, string message) =>
        new(LinkErrorCode.Malformed, new LinkLocation(archive.Name, Offset: (ulong)offset), message);
}
