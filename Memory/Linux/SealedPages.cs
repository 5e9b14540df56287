namespace ElfLoader.Memory.Linux;

/// <summary>
/// A zone for systems that forbid two views: whole pages for each load, writable until they are sealed.
/// </summary>
/// <remarks>
/// Pages go from inaccessible to writable to read-only or executable, and back to inaccessible as fresh ones: no page
/// that was executable becomes writable. A block of relocated data can be written later, its pages being
/// writable for that moment; code never.
/// </remarks>
internal sealed class SealedPages : IZonePages
{
    private readonly int _sealed;

    /// <summary>Prepares a zone in reserved address space; nothing is mapped yet.</summary>
    internal SealedPages(ulong start, bool isCode)
    {
        WriteAddress = start;
        _sealed = isCode ? Libc.ProtRead | Libc.ProtExec : Libc.ProtRead;
    }

    public ulong Granule => Layout.PageSize;

    public ulong Mapped { get; private set; }

    public ulong WriteAddress { get; }

    public void Commit(ulong offset, ulong size)
    {
        size = Layout.AlignUp(size, Layout.PageSize);
        AnonymousMemory.Open(WriteAddress + offset, size);
        Mapped += size;
    }

    public void CopyIn(ulong offset, ReadOnlySpan<byte> bytes) => NativeBytes.Write(WriteAddress + offset, bytes);

    public void Populate(ulong offset, ulong size) => PageRange.Populate(WriteAddress, offset, size);

    public void Seal(ulong offset, ulong size)
    {
        Protect(offset, size, _sealed);
        if ((_sealed & Libc.ProtExec) != 0)
        {
            InstructionCache.Synchronize(WriteAddress + offset, size);
        }
    }

    public void WriteSealed(ulong offset, ReadOnlySpan<byte> bytes)
    {
        if ((_sealed & Libc.ProtExec) != 0)
        {
            throw new InvalidOperationException("Sealed code is not written again.");
        }

        ulong first = Layout.AlignDown(offset, Layout.PageSize);
        ulong size = offset + (ulong)bytes.Length - first;
        Protect(first, size, Libc.ProtRead | Libc.ProtWrite);
        try
        {
            NativeBytes.Write(WriteAddress + offset, bytes);
        }
        finally
        {
            Protect(first, size, _sealed);
        }
    }

    public bool Reclaim(ulong offset, ulong size, (ulong Start, ulong End) free)
    {
        size = Layout.AlignUp(size, Layout.PageSize);
        if (!AnonymousMemory.TryForget(WriteAddress + offset, size))
        {
            return false;
        }

        Mapped -= size;
        return true;
    }

    public void Dispose()
    {
        // The reservation unmaps it.
    }

    private void Protect(ulong offset, ulong size, int protection)
    {
        size = Layout.AlignUp(size, Layout.PageSize);
        if (Libc.Protect((nint)(WriteAddress + offset), (nuint)size, protection) != 0)
        {
            throw Libc.Failure($"{CountText.Of(size, "byte", "N0")} can't be {Described(protection)}");
        }
    }

    private static string Described(int protection) => protection switch
    {
        Libc.ProtRead | Libc.ProtExec => "made executable",
        Libc.ProtRead => "made read-only",
        _ => "made writable",
    };
}
