namespace ElfLoader.Memory;

/// <summary>The memory of one load: a block in each zone of a pool.</summary>
/// <remarks>
/// Nothing frees it but <see cref="Free"/> (or the disposal of all pools). Spans die with it, and those of code and
/// constants with <see cref="Seal"/>. Members may be called from any thread, but whoever seals or frees sees to it
/// that no other thread is writing, and whoever frees that no thread runs or reads what is in it.
/// </remarks>
public sealed class MemoryAllocation
{
    private PerZone _sizes;
    private readonly PerZone _offsets;
    private volatile bool _sealed;
    private int _freed;

    /// <summary>Takes over blocks that the pool has given out.</summary>
    internal MemoryAllocation(MemoryPool pool, in MemoryRequest request, in PerZone offsets)
    {
        Pool = pool;
        _offsets = offsets;
        for (MemoryZone zone = 0; zone <= MemoryZone.Data; zone++)
        {
            _sizes[(int)zone] = request[zone].Size;
        }
    }

    /// <summary>Where it was allocated.</summary>
    public MemoryPool Pool { get; }

    /// <summary>Whether code and constants are final.</summary>
    public bool IsSealed => _sealed;

    /// <summary>Where a block is for code: the address that relocations and callers see.</summary>
    /// <returns>For a block of no bytes, an address in the zone that may belong to somebody else.</returns>
    public ulong Address(MemoryZone zone) => Pool.ZoneStart(zone) + _offsets[(int)zone];

    /// <summary>Bytes of a block, as they were asked for.</summary>
    public ulong Size(MemoryZone zone) => _sizes[(int)zone];

    /// <summary>The addresses of a block.</summary>
    public AddressRange Range(MemoryZone zone) => new(Address(zone), Address(zone) + Size(zone));

    /// <summary>Bytes of a block, where the loader writes them; zero at first.</summary>
    /// <param name="zone">Zone of the block.</param>
    /// <param name="offset">Bytes from its start.</param>
    /// <param name="length">Bytes; a larger block is written in pieces.</param>
    /// <exception cref="ArgumentOutOfRangeException">The bytes are not all in the block.</exception>
    /// <exception cref="InvalidOperationException">
    /// The block is sealed: always so for code and constants, and for RELRO where there is one view only (use
    /// <see cref="Write"/> or <see cref="StoreWord"/>).
    /// </exception>
    /// <exception cref="ObjectDisposedException">The memory was freed.</exception>
    public Span<byte> Writable(MemoryZone zone, ulong offset, int length)
    {
        CheckRange(zone, offset, length);
        if (_sealed && !StaysWritable(zone))
        {
            throw new InvalidOperationException($"{zone} is sealed.");
        }

        return length is 0 ? default : NativeBytes.At(WriteAddress(zone, offset), length);
    }

    /// <summary>Writes bytes of RELRO or data at any time; of code and constants until they are sealed.</summary>
    /// <param name="zone">Zone of the block.</param>
    /// <param name="offset">Bytes from its start.</param>
    /// <param name="bytes">What to write.</param>
    /// <exception cref="ArgumentOutOfRangeException">The bytes are not all in the block.</exception>
    /// <exception cref="InvalidOperationException">The block is of code or constants, and sealed.</exception>
    /// <exception cref="ObjectDisposedException">The memory was freed.</exception>
    /// <exception cref="MemoryException">The system refused to unprotect the page (one view only).</exception>
    public void Write(MemoryZone zone, ulong offset, ReadOnlySpan<byte> bytes)
    {
        CheckRange(zone, offset, bytes.Length);
        if (!_sealed || zone is MemoryZone.Data)
        {
            NativeBytes.Write(WriteAddress(zone, offset), bytes);
        }
        else if (zone is MemoryZone.Relro)
        {
            Pool.WriteSealed(zone, _offsets[(int)zone] + offset, bytes);
        }
        else
        {
            throw new InvalidOperationException($"{zone} is sealed.");
        }
    }

    /// <summary>
    /// Copies many bytes into a block that is not sealed: at best without mapping its pages for this process to write.
    /// </summary>
    /// <param name="zone">Zone of the block.</param>
    /// <param name="offset">Bytes from its start.</param>
    /// <param name="bytes">What to copy.</param>
    /// <exception cref="ArgumentOutOfRangeException">The bytes are not all in the block.</exception>
    /// <exception cref="InvalidOperationException">The block is sealed.</exception>
    /// <exception cref="ObjectDisposedException">The memory was freed.</exception>
    /// <exception cref="MemoryException">The system has no more memory.</exception>
    public void CopyIn(MemoryZone zone, ulong offset, ReadOnlySpan<byte> bytes)
    {
        CheckRange(zone, offset, bytes.Length);
        if (_sealed && !StaysWritable(zone))
        {
            throw new InvalidOperationException($"{zone} is sealed.");
        }

        Pool.Pages(zone).CopyIn(_offsets[(int)zone] + offset, bytes);
    }

    /// <summary>
    /// Writes a pointer-sized word as <see cref="Write"/> does, in one piece: other threads see the old value or the
    /// new one, and with the new one all that was written before.
    /// </summary>
    /// <param name="zone">Zone of the block.</param>
    /// <param name="offset">Bytes from its start; the address is a multiple of 8.</param>
    /// <param name="value">The word, in the byte order of this machine.</param>
    /// <exception cref="ArgumentException">The word is not naturally aligned.</exception>
    public void StoreWord(MemoryZone zone, ulong offset, ulong value)
    {
        if ((Address(zone) + offset) % sizeof(ulong) != 0)
        {
            throw new ArgumentException($"0x{Address(zone) + offset:x} is not aligned to {sizeof(ulong)} bytes.");
        }

        Span<byte> word = stackalloc byte[sizeof(ulong)];
        _ = BitConverter.TryWriteBytes(word, value);
        Write(zone, offset, word);
    }

    /// <summary>
    /// Hints that all of these bytes are about to be written, so that their pages are had in one go. Blocks of code and
    /// constants of common sizes need no hint. Bytes that may stay zero are better left out.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The bytes are not all in the block.</exception>
    /// <exception cref="ObjectDisposedException">The memory was freed.</exception>
    public void Populate(MemoryZone zone, ulong offset, ulong length)
    {
        CheckRange(zone, offset, length);
        if (length != 0)
        {
            Pool.Pages(zone).Populate(_offsets[(int)zone] + offset, length);
        }
    }

    /// <summary>Makes code and constants final: code can be executed from now on, and neither can be written.</summary>
    /// <remarks>
    /// With two views, code can be executed before; sealing makes no system call. Sealing again does nothing.
    /// </remarks>
    /// <exception cref="MemoryException">The system refused to protect pages; the memory is to be freed.</exception>
    /// <exception cref="ObjectDisposedException">The memory was freed.</exception>
    public void Seal()
    {
        CheckAlive();
        if (!_sealed)
        {
            _sealed = true;
            Pool.Seal(_sizes, _offsets);
        }
    }

    /// <summary>Gives the code back before the rest. Further calls do nothing.</summary>
    /// <remarks>
    /// The caller vouches that no thread runs code in it, or is going to return there, and that nobody frees it meanwhile.
    /// </remarks>
    public void FreeCode()
    {
        CheckAlive();
        ulong size = Size(MemoryZone.Code);
        _sizes[(int)MemoryZone.Code] = 0;
        Pool.FreeCode(_offsets, size);
    }

    /// <summary>
    /// Gives everything back: whole pages to the system, addresses to the pool. Once only; further calls do nothing.
    /// </summary>
    /// <remarks>
    /// The caller vouches that no thread runs code in it, or is going to return there, or reads its data.
    /// </remarks>
    public void Free()
    {
        if (Interlocked.Exchange(ref _freed, 1) is 0)
        {
            Pool.Free(_sizes, _offsets);
        }
    }

    private bool StaysWritable(MemoryZone zone) =>
        zone is MemoryZone.Data || (zone is MemoryZone.Relro && Pool.Mapping is MemoryMapping.Dual);

    private ulong WriteAddress(MemoryZone zone, ulong offset) =>
        Pool.Pages(zone).WriteAddress + _offsets[(int)zone] + offset;

    private void CheckRange(MemoryZone zone, ulong offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        CheckRange(zone, offset, (ulong)length);
    }

    private void CheckRange(MemoryZone zone, ulong offset, ulong length)
    {
        CheckAlive();
        ulong size = Size(zone);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, size);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, size - offset);
    }

    private void CheckAlive() => ObjectDisposedException.ThrowIf(_freed != 0 || Pool.IsDisposed, this);
}
