namespace ElfLoader.Linking;

/// <summary>The bytes of an image: a block for each piece.</summary>
internal sealed class ImageMemory : LinkMemory
{
    /// <summary>Bytes of pieces that one array holds, unless one piece is larger.</summary>
    private const int ChunkSize = 64 << 20;

    private const int Alignment = 8;

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

    /// <summary>
    /// Gives all copies of sections their room, which is not cleared: each is copied as a whole. What is between them in the
    /// image takes none, however large the gaps are that alignments claim.
    /// </summary>
    internal void Allocate()
    {
        int first = 0;
        long size = 0;
        for (int i = 0; i <= _pieces.Count; i++)
        {
            long next = i < _pieces.Count ? RoomFor(_pieces[i]) : 0;
            if (i == _pieces.Count || (size > 0 && size + next > ChunkSize))
            {
                Allocate(first, i, size);
                first = i;
                size = 0;
            }

            size += next;
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

    private void Allocate(int first, int end, long size)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(checked((int)size));
        int used = 0;
        for (int i = first; i < end; i++)
        {
            ImagePiece piece = _pieces[i];
            if (RoomFor(piece) is > 0 and int room)
            {
                piece.Bytes = bytes.AsMemory(used, (int)piece.Size);
                used += room;
            }
        }
    }

    private static int RoomFor(ImagePiece piece) =>
        piece is { File: { } file, Section: > 0, Bytes.IsEmpty: true } && !file.Elf.Sections[piece.Section].HasNoBytes
            ? checked(((int)piece.Size + (Alignment - 1)) & -Alignment)
            : 0;
}
