using System.Runtime.CompilerServices;

namespace ElfLoader.Elf;

/// <summary>Goes through the relocations of one section, in file order; usable in <c>foreach</c>.</summary>
public ref struct RelocationReader
{
    private readonly Layout _layout;
    private readonly CrelHeader _crel;
    private readonly int _count;
    private int _taken;
    private ReadOnlySpan<byte> _rest;
    private RelocationRecord _current;

    internal RelocationReader(ReadOnlySpan<byte> section, RelocationFormat format, bool is64Bit, int count)
    {
        _rest = section;
        _count = count;
        _layout = (format, is64Bit) switch
        {
            (RelocationFormat.Rela, true) => Layout.Rela64,
            (RelocationFormat.Rela, false) => Layout.Rela32,
            (RelocationFormat.Rel, true) => Layout.Rel64,
            (RelocationFormat.Rel, false) => Layout.Rel32,
            (_, true) => Layout.Crel64,
            (_, false) => Layout.Crel32,
        };
        if (format == RelocationFormat.Crel && !CrelHeader.TryTake(ref _rest, out _crel))
        {
            throw Changed();
        }
    }

    private enum Layout : byte
    {
        Rela64,
        Rela32,
        Rel64,
        Rel32,
        Crel64,
        Crel32,
    }

    /// <summary>Number of relocations in the section, not counting down.</summary>
    public readonly long Count => _count;

    /// <summary>The relocation that <see cref="MoveNext"/> went to.</summary>
    public readonly RelocationRecord Current => _current;

    /// <summary>The reader itself.</summary>
    public readonly RelocationReader GetEnumerator() => this;

    /// <summary>Goes to the next relocation; false where there is none.</summary>
    /// <remarks>
    /// The format of x86-64 is decoded in the caller's loop; <see cref="Rela64"/> costs less still.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool MoveNext()
    {
        if (_layout != Layout.Rela64)
        {
            return NextOfOthers();
        }

        ReadOnlySpan<byte> rest = _rest;
        if (rest.Length < 3 * Elf64.WordSize)
        {
            return false;
        }

        _current = RelocationRecord.ReadWithAddend<Elf64>(rest);
        _rest = rest[(3 * Elf64.WordSize)..];
        return true;
    }

    /// <summary>ElfObject.Read has decoded the section once, so it was right then.</summary>
    private static InvalidOperationException Changed() =>
        new("The bytes of the object have been changed since it was read.");

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool NextOfOthers()
    {
        if (_taken == _count)
        {
            return false;
        }

        _taken++;
        switch (_layout)
        {
            case Layout.Rela32:
                _current = RelocationRecord.ReadWithAddend<Elf32>(_rest);
                _rest = _rest[(3 * Elf32.WordSize)..];
                return true;
            case Layout.Rel64:
                _current = RelocationRecord.ReadWithoutAddend<Elf64>(_rest);
                _rest = _rest[(2 * Elf64.WordSize)..];
                return true;
            case Layout.Rel32:
                _current = RelocationRecord.ReadWithoutAddend<Elf32>(_rest);
                _rest = _rest[(2 * Elf32.WordSize)..];
                return true;
            case Layout.Crel64:
                return _crel.TryTake<Elf64>(ref _rest, ref _current) ? true : throw Changed();
            default:
                return _crel.TryTake<Elf32>(ref _rest, ref _current) ? true : throw Changed();
        }
    }
}
