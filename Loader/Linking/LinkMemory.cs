namespace ElfLoader.Linking;

/// <summary>A run of target memory that sections are laid out in.</summary>
internal struct LinkBlock
{
    private ulong _alignment;

    /// <summary>Bytes laid out so far.</summary>
    internal ulong Size { get; private set; }

    /// <summary>The strictest alignment asked for, in bytes.</summary>
    internal readonly ulong Alignment => Math.Max(_alignment, 1);

    /// <summary>Address of its first byte, once it is known.</summary>
    internal ulong Address { get; set; }

    /// <summary>Appends room and returns its offset in the block.</summary>
    /// <exception cref="OverflowException">The block would not fit an address space.</exception>
    internal ulong Append(ulong size, ulong alignment)
    {
        alignment = Math.Max(alignment, 1);
        ulong offset = checked(Size + (alignment - 1)) & ~(alignment - 1);
        Size = checked(offset + size);
        _alignment = Math.Max(_alignment, alignment);
        return offset;
    }
}

/// <summary>The bytes behind the blocks of a link: this process's memory, or a foreign target's image.</summary>
internal abstract class LinkMemory
{
    /// <summary>The bytes, as the linker writes them; zero until then.</summary>
    internal abstract Span<byte> Writable(int block, ulong offset, int length);

    /// <summary>All bytes of a block, of a link that keeps each block's by themselves.</summary>
    /// <exception cref="NotSupportedException">The link has its blocks elsewhere.</exception>
    internal virtual Span<byte> Block(int block) => throw new NotSupportedException();

    /// <summary>Offset of a section in its block, the blocks having addresses.</summary>
    internal abstract ulong OffsetOf(in SectionPlace place);

    /// <summary>What one thread puts sections together with.</summary>
    internal virtual SectionWriter NewWriter() => new(this);
}
