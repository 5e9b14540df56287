using System.Buffers;
using ElfLoader.Memory;

namespace ElfLoader.Linking;

/// <summary>
/// Where sections are put together, one after the other, before they are where they belong. Each thread has its own.
/// </summary>
internal class SectionWriter
{
    private readonly LinkMemory _memory;

    internal SectionWriter(LinkMemory memory) => _memory = memory;

    /// <summary>Announces the sections of an object.</summary>
    internal virtual void Begin(LinkObject file)
    {
    }

    /// <summary>Room for a section's bytes, valid until the next call; what is in it is undefined.</summary>
    /// <param name="place">The section's place.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="alignment">Its alignment: the gap before it is less.</param>
    internal virtual Span<byte> Open(in SectionPlace place, int length, ulong alignment) =>
        _memory.Writable(place.Block, place.Offset, length);

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
    /// <summary>Half of a common second-level cache, the objects' bytes being in the other half.</summary>
    private const int BufferSize = 256 << 10;

    /// <summary>Below it a block is written where it lies: its pages are likely to be there already.</summary>
    private const ulong LeastBuffered = 64 << 10;

    private readonly MemoryAllocation _allocation;
    private readonly byte _padding;
    private Chunk[] _chunks = []; // a small unit has no block that needs one

    /// <param name="memory">The unit's memory.</param>
    /// <param name="allocation">The same.</param>
    /// <param name="padding">What fills the gaps between sections of code.</param>
    internal BufferedSectionWriter(LinkMemory memory, MemoryAllocation allocation, byte padding)
        : base(memory)
    {
        _allocation = allocation;
        _padding = padding;
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
            return base.Open(place, length, alignment);
        }

        Chunk chunk = ChunkOf(place.Block);
        bool isOrdinary = place.Role is SectionRole.Ordinary;
        ulong gap = unchecked(place.Offset - chunk.End);
        bool isGap = gap < Math.Max(alignment, 1) && gap <= BufferSize; // an alignment is only a claim
        bool continues = gap is 0 || (isGap && isOrdinary && chunk.IsOrdinary);
        if (!continues)
        {
            Flush(place.Block);
            chunk.Start = place.Offset;
            gap = 0;
        }

        if ((ulong)chunk.Length + gap + (ulong)length > BufferSize)
        {
            Flush(place.Block);
        }

        chunk.IsOrdinary = isOrdinary;
        Span<byte> buffer = chunk.Take(checked((int)gap + length), BufferSize);
        buffer[..(int)gap].Fill((MemoryZone)place.Block is MemoryZone.Code ? _padding : (byte)0);
        return buffer[(int)gap..];
    }

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

        internal Span<byte> Take(int length, int usual)
        {
            if (_buffer.Length - Length < length)
            {
                Dispose(); // it is empty: the caller has flushed it
                _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(length, usual));
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
