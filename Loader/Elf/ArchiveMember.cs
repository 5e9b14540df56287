using System.Globalization;
using System.Text;

namespace ElfLoader.Elf;

/// <summary>A file in an archive.</summary>
/// <remarks>Safe for use by many threads.</remarks>
public sealed class ArchiveMember
{
    private readonly Archive _archive;
    private readonly ReadOnlyMemory<byte> _name;
    private readonly ReadOnlyMemory<byte>? _inArchive;
    private volatile OpenedFile? _opened;

    internal ArchiveMember(Archive archive, ReadOnlyMemory<byte> name, ReadOnlyMemory<byte>? inArchive, int offset)
    {
        _archive = archive;
        _name = name;
        _inArchive = inArchive;
        Offset = offset;
    }

    /// <summary>The name in the archive; in a thin archive the path of the file, from the archive's folder.</summary>
    public string Name => field ??= Encoding.UTF8.GetString(_name.Span);

    /// <summary>The bytes of the name.</summary>
    internal ReadOnlyMemory<byte> NameBytes => _name;

    /// <summary>The name with its number, where the archive has it several times: <c>bar.o#2</c> is the second <c>bar.o</c>.</summary>
    public string DistinctName => _archive.OrdinalOf(this) is > 1 and int ordinal
        ? string.Create(CultureInfo.InvariantCulture, $"{Name}#{ordinal}")
        : Name;

    /// <summary>The name for messages: <c>libfoo.a(bar.o)</c>.</summary>
    public string FullName => $"{_archive.Name}({DistinctName})";

    /// <summary>Bytes from the start of the archive to the member's header.</summary>
    public int Offset { get; }

    /// <summary>The file's bytes; opened when first asked for in a thin archive.</summary>
    /// <exception cref="LinkException">The file of a member of a thin archive cannot be read.</exception>
    public ReadOnlyMemory<byte> Bytes => _inArchive ?? (_opened ??= new OpenedFile(_archive.OpenThin(this))).Bytes;

    /// <summary>A reference, which is written atomically as a memory is not.</summary>
    private sealed record OpenedFile(ReadOnlyMemory<byte> Bytes);
}
