namespace ElfLoader.Linking;

/// <summary>
/// The thread-local storage of a unit: the initial image (<c>.tdata</c>) followed by zeros (<c>.tbss</c>), of which each
/// thread gets a copy.
/// </summary>
internal sealed class TlsTemplate
{
    private LinkBlock _block;

    /// <summary>Bytes that each thread's block takes.</summary>
    internal ulong Size => _block.Size;

    /// <summary>Alignment of the blocks, in bytes.</summary>
    internal ulong Alignment => _block.Alignment;

    /// <summary>Bytes that have initial values: the rest is zero.</summary>
    internal ulong ImageSize { get; private set; }

    /// <summary>Offset of the initial image in its memory block.</summary>
    internal ulong ImageOffset { get; set; }

    /// <summary>Address that symbols of the template are relative to.</summary>
    internal ulong Base { get; set; }

    /// <summary>TP in the same terms.</summary>
    internal ulong ThreadPointer { get; set; }

    /// <summary>Forgets all of a link, so that there can be another one.</summary>
    internal void Clear()
    {
        _block = default;
        (ImageSize, ImageOffset, Base, ThreadPointer) = (0, 0, 0, 0);
    }

    /// <summary>Appends room with initial values; all of it comes before any without.</summary>
    internal ulong AppendImage(ulong size, ulong alignment)
    {
        ulong offset = _block.Append(size, alignment);
        ImageSize = _block.Size;
        return offset;
    }

    /// <summary>Appends zero-initialized room.</summary>
    internal ulong AppendZero(ulong size, ulong alignment) => _block.Append(size, alignment);
}
