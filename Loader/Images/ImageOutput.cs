using System.Runtime.InteropServices;
using ElfLoader.Elf;
using ElfLoader.Linking;

namespace ElfLoader.Images;

/// <summary>Where in an image a section goes; in the order of addresses.</summary>
internal enum ImageZone : byte
{
    /// <summary>Constants, unwind tables, notes.</summary>
    ReadOnly,

    /// <summary>Instructions.</summary>
    Code,

    /// <summary>Data that is read-only once the program has relocated itself.</summary>
    Relro,

    /// <summary>Variables.</summary>
    Data,

    /// <summary>What asks to be writable and executable at once.</summary>
    WritableCode,

    /// <summary>Instructions out of reach of the small code model (x86-64 psABI, "Code Models").</summary>
    LargeCode,

    /// <summary>Constants out of reach of the small code model.</summary>
    LargeReadOnly,

    /// <summary>Variables out of reach of the small code model.</summary>
    LargeData,

    /// <summary>Not in memory: debugging information.</summary>
    File,
}

/// <summary>A run of bytes of an output section: an input section, or something that the linker made.</summary>
internal sealed class ImagePiece
{
    /// <summary>The object it comes from, or is for; null where it is the image's.</summary>
    internal LinkObject? File { get; init; }

    /// <summary>Index of the input section; 0 where there is none.</summary>
    internal int Section { get; init; }

    /// <summary>
    /// Address of what it describes, where the linker made it and it lies in the order of these (as with SHF_LINK_ORDER).
    /// </summary>
    internal Func<ulong>? Describes { get; init; }

    /// <summary>Size in bytes.</summary>
    internal required ulong Size { get; set; }

    /// <summary>Alignment in bytes.</summary>
    internal ulong Alignment { get; set; } = 1;

    /// <summary>Place among pieces of one output section that are ordered by a number.</summary>
    internal int Order { get; init; }

    /// <summary>Offset in the output section.</summary>
    internal ulong Offset { get; set; }

    /// <summary>The bytes; empty where all are zero.</summary>
    internal Memory<byte> Bytes { get; set; }

    /// <summary>The output section.</summary>
    internal ImageOutput Output { get; set; } = null!;

    /// <summary>Address of the first byte.</summary>
    internal ulong Address => Output.Address + Offset;
}

/// <summary>A section of the image.</summary>
internal sealed class ImageOutput
{
    private readonly List<ImagePiece> _pieces = [];

    internal ImageOutput(string name, ImageZone zone, uint type, ulong flags)
    {
        Name = name;
        Zone = zone;
        Type = type;
        Flags = flags;
    }

    /// <summary>Its name.</summary>
    internal string Name { get; }

    /// <summary>Where it goes.</summary>
    internal ImageZone Zone { get; }

    /// <summary><c>sh_type</c>.</summary>
    internal uint Type { get; set; }

    /// <summary><c>sh_flags</c>.</summary>
    internal ulong Flags { get; set; }

    /// <summary><c>sh_entsize</c>.</summary>
    internal ulong EntrySize { get; set; }

    /// <summary><c>sh_link</c>.</summary>
    internal uint Link { get; set; }

    /// <summary><c>sh_info</c>.</summary>
    internal uint Info { get; set; }

    /// <summary>The address that the caller wants it to have.</summary>
    internal ulong? FixedAddress { get; init; }

    /// <summary>Address of the first byte.</summary>
    internal ulong Address { get; set; }

    /// <summary>Size in bytes.</summary>
    internal ulong Size { get; private set; }

    /// <summary>Alignment in bytes.</summary>
    internal ulong Alignment { get; set; } = 1;

    /// <summary>Offset in the file.</summary>
    internal ulong FileOffset { get; set; }

    /// <summary>Index of its header.</summary>
    internal int Index { get; set; }

    /// <summary>Its parts.</summary>
    internal IReadOnlyList<ImagePiece> Pieces => _pieces;

    /// <summary>Whether it has no bytes in the file.</summary>
    internal bool HasNoBytes => Type is ElfConstants.SHT_NOBITS;

    /// <summary>Whether it is part of the thread-local storage's template.</summary>
    internal bool IsTls => (Flags & ElfConstants.SHF_TLS) != 0;

    /// <summary>Whether it takes room in the address space: zero-initialized thread-local storage does not.</summary>
    internal bool TakesAddresses => !(IsTls && HasNoBytes);

    /// <summary>Address after the last byte.</summary>
    internal ulong End => Address + Size;

    /// <summary>Appends a part.</summary>
    internal void Add(ImagePiece piece)
    {
        _pieces.Add(piece);
        piece.Output = this;
    }

    /// <summary>Puts a part behind another one.</summary>
    internal void InsertAfter(ImagePiece before, ImagePiece piece)
    {
        _pieces.Insert(_pieces.IndexOf(before) + 1, piece);
        piece.Output = this;
    }

    /// <summary>Reads bytes: those of the parts, and between them what fills gaps.</summary>
    /// <param name="offset">Offset of the first byte to read.</param>
    /// <param name="destination">Room for bytes that all lie in the section.</param>
    /// <param name="filling">What gaps are filled with, over and over.</param>
    internal void Read(ulong offset, Span<byte> destination, ReadOnlySpan<byte> filling)
    {
        ulong end = offset + (ulong)destination.Length;
        ulong done = offset;
        for (int i = IndexAt(offset); i < _pieces.Count && _pieces[i].Offset < end; i++)
        {
            ImagePiece piece = _pieces[i];
            ulong from = Math.Max(piece.Offset, offset);
            ulong to = Math.Min(piece.Offset + piece.Size, end);
            if (from < to)
            {
                Fill(destination[(int)(done - offset)..(int)(from - offset)], done, filling);
                done = to;
                Span<byte> part = destination.Slice((int)(from - offset), (int)(to - from));
                if (piece.Bytes.IsEmpty)
                {
                    part.Clear();
                }
                else
                {
                    piece.Bytes.Span.Slice((int)(from - piece.Offset), part.Length).CopyTo(part);
                }
            }
        }

        Fill(destination[(int)(done - offset)..], done, filling);
    }

    /// <summary>Fills a gap.</summary>
    /// <param name="gap">Its bytes.</param>
    /// <param name="offset">Offset of the first in the section.</param>
    /// <param name="filling">What it is filled with, over and over from the section's start.</param>
    internal static void Fill(Span<byte> gap, ulong offset, ReadOnlySpan<byte> filling)
    {
        if (filling.Length is 1)
        {
            gap.Fill(filling[0]);
            return;
        }

        for (int i = 0; i < gap.Length; i++)
        {
            gap[i] = filling[(int)((offset + (ulong)i) % (ulong)filling.Length)];
        }
    }

    /// <summary>The bytes from an offset on, as far as they lie together in memory; none where a gap begins there, or zeros.</summary>
    internal ReadOnlyMemory<byte> RunAt(ulong offset)
    {
        int i = IndexAt(offset);
        if (i == _pieces.Count || _pieces[i].Offset > offset
            || !MemoryMarshal.TryGetArray<byte>(_pieces[i].Bytes, out ArraySegment<byte> first) || first.Array is not { } array)
        {
            return default;
        }

        // Where two pieces have the same distance in the array as in the section, what is between them has been filled.
        ulong origin = _pieces[i].Offset - (ulong)first.Offset;
        ulong end = (ulong)(first.Offset + first.Count);
        while (++i < _pieces.Count && MemoryMarshal.TryGetArray<byte>(_pieces[i].Bytes, out ArraySegment<byte> next)
            && next.Array == array && unchecked(_pieces[i].Offset - origin) == (ulong)next.Offset)
        {
            end = (ulong)(next.Offset + next.Count);
        }

        ulong start = offset - origin;
        return array.AsMemory((int)start, (int)(end - start));
    }

    /// <summary>The first part that ends after an offset.</summary>
    private int IndexAt(ulong offset)
    {
        int low = 0;
        int high = _pieces.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_pieces[middle].Offset + _pieces[middle].Size <= offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    /// <summary>Gives the parts another order.</summary>
    internal void Sort(Func<ImagePiece, ulong> key)
    {
        ImagePiece[] sorted = [.. _pieces.OrderBy(key)];
        _pieces.Clear();
        _pieces.AddRange(sorted);
    }

    /// <summary>Gives the parts their offsets.</summary>
    /// <exception cref="OverflowException">They would not fit an address space.</exception>
    internal void Arrange()
    {
        var block = new LinkBlock();
        foreach (ImagePiece piece in _pieces)
        {
            if (FixedAddress is { } address && block.Size > 0)
            {
                // A stub behind a section at a given address need not be aligned to that, only in the address space.
                _ = block.Append(unchecked(0 - (address + block.Size)) & (piece.Alignment - 1), 1);
                piece.Offset = block.Append(piece.Size, 1);
            }
            else
            {
                piece.Offset = block.Append(piece.Size, piece.Alignment);
            }
        }

        Size = block.Size;
        Alignment = Math.Max(Alignment, block.Alignment);
    }
}
