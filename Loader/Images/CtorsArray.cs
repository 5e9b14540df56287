using ElfLoader.Elf;
using ElfLoader.Linking;

namespace ElfLoader.Images;

/// <summary>
/// The functions of a <c>.ctors</c> or <c>.dtors</c> section once more, the last first, as part of <c>.init_array</c> or
/// <c>.fini_array</c>: start files of today call only these.
/// </summary>
internal sealed class CtorsArray
{
    private readonly ImagePiece _source;

    private CtorsArray(string name, uint type, ImagePiece source, ImagePiece piece)
    {
        Name = name;
        Type = type;
        _source = source;
        Piece = piece;
    }

    /// <summary>Name of the array's section.</summary>
    internal string Name { get; }

    /// <summary>Type of the array's section.</summary>
    internal uint Type { get; }

    /// <summary>Its part of the array.</summary>
    internal ImagePiece Piece { get; }

    /// <summary>The array part for a section; null if it is no such section, or has no functions.</summary>
    internal static CtorsArray? Make(ImageMachine machine, ImagePiece source)
    {
        LinkObject file = source.File!;
        FunctionArrayKind kind = FunctionArrays.IsReversed(file.Elf.Sections[source.Section].Type)
            ? FunctionArrays.KindOf(file.Elf, source.Section)
            : FunctionArrayKind.None;
        if (kind is FunctionArrayKind.None)
        {
            return null;
        }

        int count = 0; // the marks at the start and the end of a list, -1 and 0, are no relocations
        foreach (ref readonly RelocationSection section in file.Elf.RelocationSections)
        {
            count += section.Target == source.Section ? section.Count : 0;
        }

        int size = count * machine.WordSize;
        return count is 0 || (ulong)size > source.Size
            ? null
            : new CtorsArray(
                kind is FunctionArrayKind.Init ? ".init_array" : ".fini_array",
                kind is FunctionArrayKind.Init ? ElfConstants.SHT_INIT_ARRAY : ElfConstants.SHT_FINI_ARRAY,
                source,
                new ImagePiece
                {
                    Size = (ulong)size,
                    Alignment = (ulong)machine.WordSize,
                    Order = source.Order,
                    Bytes = new byte[size],
                });
    }

    /// <summary>Copies the functions, which have been relocated.</summary>
    internal void Fill(int wordSize)
    {
        ReadOnlySpan<byte> words = _source.Bytes.Span;
        Span<byte> array = Piece.Bytes.Span;
        for (int i = 0; i + wordSize <= words.Length && !array.IsEmpty; i += wordSize)
        {
            ReadOnlySpan<byte> word = words.Slice(i, wordSize);
            if (word.ContainsAnyExcept((byte)0) && word.ContainsAnyExcept(byte.MaxValue))
            {
                word.CopyTo(array[^wordSize..]);
                array = array[..^wordSize];
            }
        }
    }
}
