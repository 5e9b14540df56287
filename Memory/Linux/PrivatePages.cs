namespace ElfLoader.Memory.Linux;

/// <summary>The data zone: private anonymous pages, read and written at one address, shared by many loads.</summary>
/// <remarks>Private, since a child process that forks off would write through a shared mapping.</remarks>
internal sealed class PrivatePages : IZonePages
{
    private const ulong Line = 64;

    private readonly ulong _size;

    /// <summary>Prepares a zone in reserved address space; nothing is mapped yet.</summary>
    internal PrivatePages(ulong start, ulong size)
    {
        WriteAddress = start;
        _size = size;
    }

    public ulong Granule => Line;

    public ulong Mapped { get; private set; }

    public ulong WriteAddress { get; }

    public void Commit(ulong offset, ulong size)
    {
        ulong needed = offset + size;
        if (needed <= Mapped)
        {
            return;
        }

        ulong end = PageRange.Grown(Mapped, needed, _size);
        AnonymousMemory.Open(WriteAddress + Mapped, end - Mapped);
        Mapped = end;
    }

    public void CopyIn(ulong offset, ReadOnlySpan<byte> bytes) => NativeBytes.Write(WriteAddress + offset, bytes);

    public void Populate(ulong offset, ulong size) => PageRange.Populate(WriteAddress, offset, size);

    public void Seal(ulong offset, ulong size)
    {
        // Data stays as it is.
    }

    public void WriteSealed(ulong offset, ReadOnlySpan<byte> bytes) => NativeBytes.Write(WriteAddress + offset, bytes);

    public bool Reclaim(ulong offset, ulong size, (ulong Start, ulong End) free)
    {
        AddressRange pages = PageRange.ClearEdges(offset, size, free, Mapped, WriteAddress);
        ulong first = WriteAddress + pages.Start;
        if (pages.Size != 0 && Libc.Advise((nint)first, (nuint)pages.Size, Libc.AdviseDontNeed) != 0)
        {
            NativeBytes.Clear(first, pages.Size);
        }

        return true;
    }

    public void Dispose()
    {
        // The reservation unmaps it.
    }
}
