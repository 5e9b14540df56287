using ElfLoader.Linking;
using ElfLoader.Memory;

namespace ElfLoader.Images;

/// <summary>The bytes of an image: a block for each piece.</summary>
internal sealed class ImageMemory : LinkMemory
{
    /// <summary>Bytes of pieces that one array holds, unless one piece is larger.</summary>
    private const int ChunkSize = 64 << 20;

    /// <summary>Largest gap that is kept filled.</summary>
    private const int LargestGap = 256;

    private readonly List<ImagePiece> _pieces = [];

    /// <summary>Makes a piece writable and returns its block.</summary>
    internal int Add(ImagePiece piece)
    {
        _pieces.Add(piece);
        return _pieces.Count - 1;
    }

    /// <summary>A piece is one section.</summary>
    internal override ulong OffsetOf(in SectionPlace place) => 0;

    /// <summary>The piece of a block.</summary>
    internal ImagePiece Piece(int block) => _pieces[block];

    /// <inheritdoc/>
    internal override Span<byte> Block(int block) => _pieces[block].Bytes.Span;

    /// <summary>
    /// Gives all copies of sections their room, in the order of the image, so that most of it can be written as it lies. The
    /// room is not cleared: each piece is copied as a whole. Gaps take room only where they are small, for alignments claim
    /// what they please.
    /// </summary>
    /// <param name="outputs">The image's sections, in which each piece has its offset.</param>
    /// <param name="filling">What gaps of a section are filled with.</param>
    internal static void Allocate(IReadOnlyList<ImageOutput> outputs, Func<ImageOutput, byte[]> filling)
    {
        long remaining = 0;
        foreach (ImageOutput output in outputs)
        {
            ulong end = ulong.MaxValue;
            foreach (ImagePiece piece in output.Pieces)
            {
                remaining += IsCopy(piece) ? GapBefore(piece, end) + (long)piece.Size : 0;
                end = piece.Offset + piece.Size;
            }
        }

        byte[] chunk = [];
        int used = 0;
        foreach (ImageOutput output in outputs)
        {
            byte[]? fill = null;
            ulong end = ulong.MaxValue;
            foreach (ImagePiece piece in output.Pieces)
            {
                if (IsCopy(piece))
                {
                    int gap = GapBefore(piece, end);
                    long room = gap + (long)piece.Size;
                    if (room > chunk.Length - used)
                    {
                        chunk = GC.AllocateUninitializedArray<byte>((int)Math.Max(room, Math.Min(remaining, ChunkSize)));
                        NativeBytes.PreferLargePages(chunk);
                        used = 0;
                    }

                    ImageOutput.Fill(chunk.AsSpan(used, gap), unchecked(piece.Offset - (ulong)gap), gap > 0 ? fill ??= filling(output) : []);
                    piece.Bytes = chunk.AsMemory(used + gap, (int)piece.Size);
                    used += (int)room;
                    remaining -= room;
                }

                end = piece.Offset + piece.Size;
            }
        }
    }

    /// <inheritdoc/>
    internal override Span<byte> Writable(int block, ulong offset, int length)
    {
        if (length is 0)
        {
            return []; // zero-initialized sections have no bytes to write, and may be larger than an array
        }

        ImagePiece piece = _pieces[block];
        if (piece.Bytes.IsEmpty)
        {
            piece.Bytes = new byte[piece.Size];
        }

        return piece.Bytes.Span.Slice((int)offset, length);
    }

    /// <summary>Bytes to fill between a piece and the end of the one before; none where these are not to lie together.</summary>
    private static int GapBefore(ImagePiece piece, ulong end)
    {
        ulong gap = unchecked(piece.Offset - end);
        return gap <= LargestGap ? (int)gap : 0;
    }

    private static bool IsCopy(ImagePiece piece) =>
        piece is { File: { } file, Section: > 0, Bytes.IsEmpty: true } && !file.Elf.Sections[piece.Section].HasNoBytes;
}
