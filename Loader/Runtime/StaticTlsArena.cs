using System.Buffers.Binary;
using ElfLoader.Memory;

namespace ElfLoader.Runtime;

/// <summary>
/// The part of the shim's thread-local block that units share: storage at the same distance from the thread pointer in
/// all threads, for initial exec and local exec code. New threads get its contents from glibc, which copies the shim's
/// initial image; threads that exist are written to directly. Not thread-safe: <see cref="TlsRuntime"/> holds the lock.
/// </summary>
/// <remarks>
/// The image carries a generation number, first and last. A thread that was created while a module was activated may
/// have copied the image before or in the middle of it; whichever end a copy starts from, it then misses the new number
/// there, and the thread is recognised and written to by the next scan. No scan sees a thread before
/// <c>pthread_create</c> has made it: if its creator had copied the image before, and then got no processor until the
/// last scan was done, the thread starts with zeros. (glibc's own <c>dlopen</c> has such a gap.) <see cref="Settle"/>,
/// called as late as possible, makes that unlikely.
/// </remarks>
internal sealed class StaticTlsArena
{
    private readonly Shim _shim;
    private readonly ThreadPointers _threads;
    private readonly FreeRanges _free;
    private readonly List<ActiveModule> _active = [];
    private ulong _generation;
    private bool _settled = true;

    /// <summary>Starts with all of it free.</summary>
    public StaticTlsArena(Shim shim)
    {
        _shim = shim;
        _threads = new ThreadPointers(shim);
        _free = new FreeRanges(ShimLayout.TlsHead, shim.TlsSize - ShimLayout.TlsTail);
    }

    /// <summary>Bytes that it has.</summary>
    public int Size => _shim.TlsSize - ShimLayout.TlsHead - ShimLayout.TlsTail;

    /// <summary>Bytes that are free, not necessarily in one piece.</summary>
    public int Free => _free.Total;

    private ulong FirstGeneration => _shim.TlsImage;

    private ulong LastGeneration => _shim.TlsImage + (ulong)(_shim.TlsSize - ShimLayout.TlsTail);

    /// <summary>Takes a part for a module.</summary>
    public TlsModule Reserve(ulong size, ulong alignment, LinkLocation where)
    {
        if (alignment > ShimLayout.TlsAlignment)
        {
            throw new LinkException(
                LinkErrorCode.LimitExceeded,
                where,
                $"thread-local storage aligned to {alignment} is accessed at a fixed distance from the thread pointer "
                + $"(initial-exec or local-exec model), where {ShimLayout.TlsAlignment} is the most; "
                + "compile with -fPIC");
        }

        ulong taken = Math.Max(size, 1);
        if (taken > (ulong)Size || !_free.TryTake((int)taken, (int)alignment, out int start))
        {
            throw new LinkException(
                LinkErrorCode.LimitExceeded,
                where,
                $"{CountText.Of(size, "byte")} of thread-local storage are accessed at a fixed distance from the thread pointer "
                + $"(initial-exec or local-exec model), where {Free} of {CountText.Of(Size, "byte")} are free; "
                + "compile with -fPIC, or start the program with "
                + $"GLIBC_TUNABLES=glibc.rtld.optional_static_tls={Suggestion(taken)}");
        }

        return TlsModule.InArena(_shim.TlsBase + start, size, alignment);
    }

    /// <summary>Sets the initial values, in all threads.</summary>
    public void Activate(TlsModule module, ulong image, ulong imageSize)
    {
        int start = StartOf(module);
        Span<byte> initial = NativeBytes.At(_shim.TlsImage + (ulong)start, (int)module.Size);
        NativeBytes.At(image, (int)imageSize).CopyTo(initial);
        initial[(int)imageSize..].Clear();
        _generation++;
        NativeBytes.StoreWord(FirstGeneration, _generation);
        NativeBytes.StoreWord(LastGeneration, _generation);
        _active.Add(new ActiveModule(module, start, _generation));
        _settled = false;

        const int MostScans = 5;
        _ = Scan();
        for (int i = 0; i < MostScans && Scan() > 0; i++)
        {
            Thread.Sleep(1); // Threads are being created right now: there may be more whose creators are not done.
        }
    }

    /// <summary>Scans once more, if that was not done since the last activation.</summary>
    public void Settle()
    {
        if (!_settled)
        {
            _ = Scan();
            _settled = true;
        }
    }

    /// <summary>Gives a module's part back.</summary>
    public void Release(TlsModule module)
    {
        int start = StartOf(module);
        _ = _active.RemoveAll(active => active.Module == module);
        NativeBytes.At(_shim.TlsImage + (ulong)start, (int)module.Size).Clear();
        _free.Return(start, (int)Math.Max(module.Size, 1));
    }

    /// <summary>Brings the threads that have an old generation up to date; tells how many these were.</summary>
    private int Scan()
    {
        int stale = 0;
        Span<byte> words = stackalloc byte[8];
        foreach (ulong threadPointer in _threads.Find())
        {
            ulong block = threadPointer + (ulong)_shim.TlsBase;
            ulong last = block + (LastGeneration - FirstGeneration);
            if (!TryReadWord(block, words, out ulong first)
                || !TryReadWord(last, words, out ulong second))
            {
                continue; // It has ended.
            }

            ulong generation = Math.Min(first, second);
            if (generation == _generation)
            {
                continue;
            }

            stale++;
            foreach (ActiveModule active in _active)
            {
                if (active.Generation > generation)
                {
                    ReadOnlySpan<byte> initial =
                        NativeBytes.At(_shim.TlsImage + (ulong)active.Start, (int)active.Module.Size);
                    _ = ProcessMemory.TryWrite(block + (ulong)active.Start, initial);
                }
            }

            BinaryPrimitives.WriteUInt64LittleEndian(words, _generation);
            _ = ProcessMemory.TryWrite(block, words);
            _ = ProcessMemory.TryWrite(last, words);
        }

        return stale;
    }

    private static bool TryReadWord(ulong address, Span<byte> buffer, out ulong word)
    {
        bool read = ProcessMemory.TryRead(address, buffer);
        word = read ? BinaryPrimitives.ReadUInt64LittleEndian(buffer) : 0;
        return read;
    }

    private int StartOf(TlsModule module) => (int)(module.TpOffset!.Value - _shim.TlsBase);

    /// <summary>A value of the tunable that gives room, rounded up to 4 KiB.</summary>
    private ulong Suggestion(ulong size) => ((ulong)(Size - Free) + size + 512 + 4_095) & ~4_095ul;

    private sealed record ActiveModule(TlsModule Module, int Start, ulong Generation);
}
