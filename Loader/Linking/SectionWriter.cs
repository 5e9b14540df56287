using System.Buffers;
using ElfLoader.Memory;

namespace ElfLoader.Linking;

/// <summary>
/// Where sections are put together, one after the other, before they are where they belong. Each thread has its own.
/// </summary>
internal class SectionWriter
{
    internal SectionWriter(LinkMemory memory) => Memory = memory;

    /// <summary>The memory that is written.</summary>
    private protected LinkMemory Memory { get; }

    /// <summary>Announces the sections of an object.</summary>
    internal virtual void Begin(LinkObject file)
    {
    }

    /// <summary>Room for a section's bytes, valid until the next call; what is in it is undefined.</summary>
    /// <param name="place">The section's place.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="alignment">Its alignment: the gap before it is less.</param>
    internal virtual Span<byte> Open(in SectionPlace place, int length, ulong alignment) =>
        Memory.Writable(place.Block, Memory.OffsetOf(place), length);

    /// <summary>Writes a section as it is.</summary>
    /// <param name="place">The section's place.</param>
    /// <param name="bytes">Its bytes.</param>
    /// <param name="alignment">Its alignment: the gap before it is less.</param>
    internal virtual void Copy(in SectionPlace place, ReadOnlySpan<byte> bytes, ulong alignment) =>
        bytes.CopyTo(Open(place, bytes.Length, alignment));

    /// <summary>Writes what is still held back.</summary>
    internal virtual void Flush()
    {
    }
}

/// <summary>
/// Puts the sections of large units together in a buffer that stays in the processor's cache, and copies it where it
/// belongs when it is full: the pages need not be mapped for that, nor be cleared first, which is most of what fresh memory
/// costs.
/// </summary>
internal sealed class BufferedSectionWriter : SectionWriter
{
    /// <summary>Of each block, so that all fit the second-level cache beside the objects' bytes.</summary>
    private const int BufferSize = 64 << 10;

    /// <summary>Below it a block is written where it lies: its pages are likely to be there already.</summary>
    private const ulong LeastBuffered = 64 << 10;

    private readonly MemoryAllocation _allocation;
    private readonly byte _padding;
    private Chunk[] _chunks = [];

    /// <param name="memory">The unit's memory.</param>
    /// <param name="allocation">The same.</param>
    /// <param name="padding">What fills the gaps between sections of code.</param>
    internal BufferedSectionWriter(LinkMemory memory, MemoryAllocation allocation, byte padding)
        : base(memory)
    {
        _allocation = allocation;
        _padding = padding;
    }

    /// <summary>Whether memory has blocks that are worth it; if not, sections are written where they lie.</summary>
    internal static bool IsFor(MemoryAllocation allocation)
    {
        for (MemoryZone zone = 0; zone <= MemoryZone.Data; zone++)
        {
            if (allocation.Size(zone) >= LeastBuffered)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether a block is written through a buffer.</summary>
    internal static bool IsBuffered(MemoryAllocation allocation, int block) =>
        (MemoryZone)block is not MemoryZone.Data && allocation.Size((MemoryZone)block) >= LeastBuffered;

    /// <inheritdoc/>
    internal override void Begin(LinkObject file)
    {
        const int code = (int)MemoryZone.Code;
        if (IsBuffered(_allocation, code) && ChunkOf(code) is { } chunk && chunk.End != file.CodeStart)
        {
            Flush(code);
            chunk.Start = file.CodeStart;
            chunk.IsOrdinary = true;
        }
    }

    /// <inheritdoc/>
    internal override Span<byte> Open(in SectionPlace place, int length, ulong alignment)
    {
        if (!IsBuffered(_allocation, place.Block))
        {
            PopulateIfMany(place, length);
            return base.Open(place, length, alignment);
        }

        Chunk chunk = ChunkOf(place.Block);
        int gap = Reach(chunk, place, alignment);
        if (length > BufferSize)
        {
            // Rather than in a buffer that is as large as the section.
            PassOver(chunk, place.Block, gap, length);
            PopulateIfMany(place, length);
            return base.Open(place, length, alignment);
        }

        if (chunk.Length + gap > BufferSize - length)
        {
            Flush(place.Block);
        }

        FillGap(chunk.Take(gap, BufferSize), place.Block);
        if (chunk.Length > BufferSize - length)
        {
            Flush(place.Block);
        }

        return chunk.Take(length, BufferSize);
    }

    /// <inheritdoc/>
    internal override void Copy(in SectionPlace place, ReadOnlySpan<byte> bytes, ulong alignment)
    {
        if (bytes.Length > BufferSize && IsBuffered(_allocation, place.Block))
        {
            Chunk chunk = ChunkOf(place.Block);
            PassOver(chunk, place.Block, Reach(chunk, place, alignment), bytes.Length);
            _allocation.CopyIn((MemoryZone)place.Block, Memory.OffsetOf(place), bytes);
            return;
        }

        base.Copy(place, bytes, alignment);
    }

    /// <summary>Has the pages of a large section in one go.</summary>
    private void PopulateIfMany(in SectionPlace place, int length)
    {
        if (length > BufferSize)
        {
            _allocation.Populate((MemoryZone)place.Block, Memory.OffsetOf(place), (ulong)length);
        }
    }

    /// <summary>Sees to it that a section comes next, but for a gap of so many bytes, which is returned.</summary>
    private int Reach(Chunk chunk, in SectionPlace place, ulong alignment)
    {
        bool isOrdinary = place.Role is SectionRole.Ordinary;
        ulong offset = Memory.OffsetOf(place);
        ulong gap = unchecked(offset - chunk.End);
        bool isGap = gap < Math.Max(alignment, 1) && gap <= BufferSize; // an alignment is only a claim
        bool continues = gap is 0 || (isGap && isOrdinary && chunk.IsOrdinary);
        if (!continues)
        {
            Flush(place.Block);
            chunk.Start = offset;
            gap = 0;
        }

        chunk.IsOrdinary = isOrdinary;
        return (int)gap;
    }

    /// <summary>Leaves out a section that is written where it lies, but not the gap before it.</summary>
    private void PassOver(Chunk chunk, int block, int gap, int length)
    {
        Flush(block);
        FillGap(chunk.Take(gap, BufferSize), block);
        Flush(block);
        chunk.Start += (ulong)length;
    }

    private void FillGap(Span<byte> gap, int block) =>
        gap.Fill((MemoryZone)block is MemoryZone.Code ? _padding : (byte)0);

    /// <inheritdoc/>
    internal override void Flush()
    {
        for (int block = 0; block < _chunks.Length; block++)
        {
            Flush(block);
            _chunks[block].Dispose();
        }
    }

    private Chunk ChunkOf(int block)
    {
        if (_chunks.Length is 0)
        {
            _chunks = [new(), new(), new(), new()];
        }

        return _chunks[block];
    }

    private void Flush(int block)
    {
        Chunk chunk = _chunks[block];
        if (chunk.Length > 0)
        {
            _allocation.CopyIn((MemoryZone)block, chunk.Start, chunk.Bytes);
            chunk.Advance();
        }
    }

    /// <summary>Bytes of a block that are put together.</summary>
    private sealed class Chunk
    {
        private byte[] _buffer = [];

        /// <summary>Offset of the first byte in the block.</summary>
        internal ulong Start { get; set; }

        internal int Length { get; private set; }

        /// <summary>Whether the last section is one between which and the next there is nothing but a gap.</summary>
        internal bool IsOrdinary { get; set; }

        internal ulong End => Start + (ulong)Length;

        internal ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, Length);

        internal Span<byte> Take(int length, int size)
        {
            if (_buffer.Length is 0)
            {
                _buffer = ArrayPool<byte>.Shared.Rent(size);
            }

            Length += length;
            return _buffer.AsSpan(Length - length, length);
        }

        internal void Advance()
        {
            Start += (ulong)Length;
            Length = 0;
        }

        internal void Dispose()
        {
            if (_buffer.Length > 0)
            {
                ArrayPool<byte>.Shared.Return(_buffer);
                _buffer = [];
            }
        }
    }
}
