using System.Buffers.Binary;
using ElfLoader.Memory;

namespace ElfLoader.Runtime;

/// <summary>Blocks and vectors that threads hold now.</summary>
/// <param name="Threads">Threads that have a vector.</param>
/// <param name="Blocks">Blocks in them.</param>
internal readonly record struct TlsCensus(ulong Threads, ulong Blocks);

/// <summary>
/// Thread-local storage of loaded units (ELF Handling for Thread-Local Storage). General and local dynamic code and TLS
/// descriptors get blocks that are allocated on first use by a thread and freed when it ends; initial and local exec
/// code gets a part of the shim's static block. All that runs in foreign threads is machine code of the shim. May be
/// used from any thread.
/// </summary>
internal sealed class TlsRuntime
{
    private const ulong LargestBlock = 1ul << 31;
    private const ulong LargestAlignment = 1ul << 30;
    private const ulong SmallestBlock = 16;

    private readonly Lock _gate = new();
    private readonly PriorityQueue<int, int> _freeIndices = new();
    private readonly Shim _shim;
    private readonly ulong _freeBlocks;
    private readonly ulong _census;
    private int _indices;

    /// <summary>Puts the shim's thread-local storage into service.</summary>
    /// <exception cref="LinkException">The host lacks what is needed.</exception>
    public TlsRuntime(Shim shim)
    {
        _shim = shim;
        _freeBlocks = shim.Function("free_blocks");
        _census = shim.Function("census");
        GetAddress = shim.Function("tls_get_addr");
        StaticResolver = shim.Function("tlsdesc_static");
        DynamicResolver = shim.Function("tlsdesc_dynamic");
        UndefinedResolver = shim.Function("tlsdesc_undefined");
        Arena = new StaticTlsArena(shim);
        CreateKey();

        // A child of fork must not inherit the lock from a thread that it does not have.
        _ = NativeCall.Call(Shim.Host("__register_atfork"u8), 0, 0, shim.Function("forget_threads"), shim.Start);
    }

    /// <summary>Address of <c>__tls_get_addr</c> for loaded units: it serves theirs and the host's modules.</summary>
    public ulong GetAddress { get; }

    /// <summary>Resolver of a TLS descriptor whose argument is the distance from the thread pointer.</summary>
    public ulong StaticResolver { get; }

    /// <summary>
    /// Resolver of a TLS descriptor whose argument is the address of two words: module number, offset in the block.
    /// </summary>
    public ulong DynamicResolver { get; }

    /// <summary>Resolver of a TLS descriptor for an undefined weak symbol; its argument is the addend.</summary>
    public ulong UndefinedResolver { get; }

    /// <summary>Static storage.</summary>
    public StaticTlsArena Arena { get; }

    /// <summary>Reserves a module for a unit. Threads get blocks after <see cref="Activate"/>.</summary>
    /// <param name="size">Bytes of a thread's block.</param>
    /// <param name="alignment">Alignment, a power of two.</param>
    /// <param name="needsStatic">Whether code accesses it at a fixed distance from the thread pointer.</param>
    /// <param name="where">What to blame in an error.</param>
    /// <exception cref="LinkException">There is no room.</exception>
    public TlsModule Reserve(ulong size, ulong alignment, bool needsStatic, LinkLocation where)
    {
        alignment = Math.Max(alignment, 1);
        if (size > LargestBlock || alignment > LargestAlignment)
        {
            throw new LinkException(
                LinkErrorCode.LimitExceeded,
                where,
                $"thread-local storage of {CountText.Of(size, "byte")} aligned to {alignment} exceeds {LargestBlock} bytes "
                + $"aligned to {LargestAlignment}");
        }

        lock (_gate)
        {
            return needsStatic ? Arena.Reserve(size, alignment, where) : ReserveIndex(size, alignment, where);
        }
    }

    /// <summary>
    /// Gives every thread the initial values: to those that exist, if the module is static, and to those that come.
    /// </summary>
    /// <param name="module">A reserved module, not active yet.</param>
    /// <param name="image">
    /// Address of the initial image, relocated and final. It must stay until the module is
    /// released, if it is not static.
    /// </param>
    /// <param name="imageSize">Its size; what a block has more is zero.</param>
    /// <exception cref="LinkException">The system does not permit to reach the other threads.</exception>
    public void Activate(TlsModule module, ulong image, ulong imageSize)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(imageSize, module.Size);
        lock (_gate)
        {
            if (module.IsActive || module.IsReleased)
            {
                throw new InvalidOperationException("The module was activated or released before.");
            }

            if (module.TpOffset is not null)
            {
                Arena.Activate(module, image, imageSize);
            }
            else
            {
                ulong alignment = Math.Max(module.Alignment, SmallestBlock);
                ulong size = (Math.Max(module.Size, SmallestBlock) + alignment - 1) & ~(alignment - 1);
                WriteEntry(module.Index, image, imageSize, size, alignment);
            }

            module.IsActive = true;
        }
    }

    /// <summary>
    /// Looks again for threads that were being created during the last <see cref="Activate"/> of a static module and
    /// started with the old values. To be called once more before a unit is published. Does nothing where it was done
    /// since.
    /// </summary>
    public void Settle()
    {
        lock (_gate)
        {
            Arena.Settle();
        }
    }

    /// <summary>Gives a module back, with the blocks of all threads. Nobody may use its variables any more.</summary>
    public void Release(TlsModule module)
    {
        lock (_gate)
        {
            if (module.IsReleased)
            {
                return;
            }

            module.IsReleased = true;
            if (module.TpOffset is not null)
            {
                Arena.Release(module);
                return;
            }

            _ = NativeCall.Call(_freeBlocks, (ulong)module.Index);
            WriteEntry(module.Index, 0, 0, 0, 0);
            _freeIndices.Enqueue(module.Index, module.Index);
        }
    }

    /// <summary>Address of a variable in the calling thread, as <c>__tls_get_addr</c> gives it.</summary>
    public ulong AddressInThisThread(TlsModule module, ulong offset) =>
        AddressInThisThread(module.Id, offset);

    /// <summary>Address of a variable in the calling thread, as <c>__tls_get_addr</c> gives it.</summary>
    public ulong AddressInThisThread(ulong module, ulong offset) => NativeCall.Call(GetAddress, [module, offset]);

    /// <summary>Counts what threads hold.</summary>
    public TlsCensus Count()
    {
        Span<ulong> counts = [0, 0];
        _ = NativeCall.Call(_census, counts);
        return new TlsCensus(counts[0], counts[1]);
    }

    private TlsModule ReserveIndex(ulong size, ulong alignment, LinkLocation where)
    {
        if (!_freeIndices.TryDequeue(out int index, out _))
        {
            if (_indices == Shim.MaximumModules)
            {
                throw new LinkException(
                    LinkErrorCode.LimitExceeded,
                    where,
                    $"{Shim.MaximumModules} units with thread-local storage are loaded");
            }

            index = _indices++;
        }

        return TlsModule.Allocated(index, size, alignment);
    }

    private void WriteEntry(int index, ulong image, ulong imageSize, ulong size, ulong alignment)
    {
        Span<byte> entry = NativeBytes.At(_shim.Modules + ((ulong)index * Shim.ModuleSize), Shim.ModuleSize);
        BinaryPrimitives.WriteUInt64LittleEndian(entry, image);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], imageSize);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[16..], size);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[24..], alignment);
    }

    private void CreateKey()
    {
        ulong key = _shim.Start + ShimLayout.Key;
        if ((int)NativeCall.Call(Shim.Host("pthread_key_create"u8), key, _shim.Function("thread_exit")) is not 0)
        {
            throw new LinkException(
                LinkErrorCode.LimitExceeded,
                new LinkLocation("pthread_key_create"),
                "the process has no thread key left");
        }
    }
}
