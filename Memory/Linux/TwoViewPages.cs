namespace ElfLoader.Memory.Linux;

/// <summary>
/// A zone whose pages are mapped twice: where code runs or is read, and, at addresses of its own, where the loader
/// writes. Both views map one memory file and grow with it, each new piece next to the last, so that the kernel keeps
/// one mapping for each view.
/// </summary>
internal sealed unsafe class TwoViewPages : IZonePages
{
    // So that a cache line never holds bytes of two loads.
    private const ulong Line = 64;

    private readonly ulong _start;
    private readonly ulong _size;
    private readonly bool _isCode;
    private MemoryFile? _file;
    private ForkedChildren.Node* _forked; // what a forked child gets a copy of

    /// <summary>Prepares a zone in reserved address space, and reserves as much again for the writable view.</summary>
    /// <exception cref="MemoryException">There is no address space for the writable view.</exception>
    internal TwoViewPages(ulong start, ulong size, bool isCode)
    {
        _start = start;
        _size = size;
        _isCode = isCode;
        WriteAddress = size is 0 ? 0 : AddressSpace.ReserveAnywhere(size, Layout.PageSize);
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

        int protection = _isCode ? Libc.ProtRead | Libc.ProtExec : Libc.ProtRead;
        if (_file is null)
        {
            _file = MemoryFile.Create(_isCode);
            _forked = ForkedChildren.Add(_start, _file.Descriptor, protection);
        }

        ulong end = PageRange.Grown(Mapped, needed, _size);
        _file.Grow(end);
        _file.Map(WriteAddress, Mapped, end, Libc.ProtRead | Libc.ProtWrite);
        _ = Libc.Advise((nint)(WriteAddress + Mapped), (nuint)(end - Mapped), Libc.AdviseDontFork); // a child writes nothing of ours
        using (ForkedChildren.Change())
        {
            _file.Map(_start, Mapped, end, protection);
            Mapped = end;
            ForkedChildren.Grow(_forked, end);
        }
    }

    public void CopyIn(ulong offset, ReadOnlySpan<byte> bytes) => _file!.Write(offset, bytes);

    public void Populate(ulong offset, ulong size) => PageRange.Populate(WriteAddress, offset, size);

    public void Seal(ulong offset, ulong size)
    {
        // The view that code sees has never been writable.
        ForkedChildren.Follow(_forked, offset, size, WriteAddress); // the pool's lock was taken since: a full fence
        if (_isCode)
        {
            InstructionCache.Synchronize(_start + offset, size);
        }
    }

    public void WriteSealed(ulong offset, ReadOnlySpan<byte> bytes)
    {
        using (ForkedChildren.Change())
        {
            NativeBytes.Write(WriteAddress + offset, bytes);
            ForkedChildren.CopyOver(_forked, offset, (ulong)bytes.Length, WriteAddress);
        }
    }

    public bool Reclaim(ulong offset, ulong size, (ulong Start, ulong End) free)
    {
        using ForkedChildren.Changing change = ForkedChildren.Change();
        AddressRange pages = PageRange.ClearEdges(offset, size, free, Mapped, WriteAddress);
        if (pages.Size != 0 && !_file!.PunchHole(pages.Start, pages.Size))
        {
            NativeBytes.Clear(WriteAddress + pages.Start, pages.Size);
        }

        return true;
    }

    public void Dispose()
    {
        if (_forked is not null)
        {
            ForkedChildren.Remove(_forked);
            _forked = null;
        }

        AddressSpace.Release(WriteAddress, _size);
        _file?.Dispose();
    }
}
