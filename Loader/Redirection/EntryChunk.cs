using System.Buffers.Binary;
using ElfLoader.Arch.X64;
using ElfLoader.DynamicLinking;
using ElfLoader.Loading;
using ElfLoader.Memory;
using ElfLoader.Runtime;

namespace ElfLoader.Redirection;

/// <summary>Memory for some entries: their code, written once and sealed, and their cells.</summary>
/// <remarks><see cref="EntryTable"/> guards it.</remarks>
internal sealed class EntryChunk
{
    /// <summary>Entries in a chunk.</summary>
    internal const int Capacity = 128;

    /// <summary>
    /// How to unwind from an entry (LSB, "Exception Frames"): the return address is on top of the stack or, from
    /// <see cref="X64EntryStub.Pushed"/> on, below the entry's number. A common information entry; a description whose start and
    /// length are filled in, with the expression rsp + 8 + ((rip &amp; 31) >= 21) * 8 for the canonical frame address; and the
    /// terminator.
    /// </summary>
    private static ReadOnlySpan<byte> UnwindTable =>
    [
        0x14, 0, 0, 0, 0, 0, 0, 0, 1, (byte)'z', (byte)'R', 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1, 0, 0,
        0x1c, 0, 0, 0, 0x1c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0x0f, 11, 0x77, 8, 0x80, 0, 0x30 + X64EntryStub.Size - 1, 0x1a, 0x30 + X64EntryStub.Pushed, 0x2a, 0x33, 0x24, 0x22, 0, 0,
        0, 0, 0, 0,
    ];

    private const int UnwindStart = 32;
    private const int UnwindLength = 36;

    private readonly MemoryAllocation _memory;
    private readonly UnwindRegistration _unwind;
    private EntryListing? _listing; // null as long as nobody asks for it
    private readonly Stack<int> _free = new(Enumerable.Range(0, Capacity).Reverse());

    private EntryChunk(MemoryAllocation memory, uint firstNumber, HostRuntime host)
    {
        _memory = memory;
        FirstNumber = firstNumber;
        WriteCode(host.Resolver.Address);
        _unwind = host.Unwind.Register(memory.Address(MemoryZone.ReadOnly), memory.Address(MemoryZone.Code));
    }

    /// <summary>What tells its first entry apart in the process; the others follow.</summary>
    internal uint FirstNumber { get; }

    /// <summary>The pool that it lies in.</summary>
    internal MemoryPool Pool => _memory.Pool;

    /// <summary>Whether no entry is in use.</summary>
    internal bool IsEmpty => _free.Count is Capacity;

    /// <summary>Whether another entry can be put into it.</summary>
    internal bool HasRoom => _free.Count > 0;

    /// <summary>What it takes of each zone.</summary>
    internal static MemoryRequest Request { get; } = new(
        new ZoneRequest(Capacity * X64EntryStub.Size, X64EntryStub.Alignment),
        new ZoneRequest((ulong)UnwindTable.Length, sizeof(ulong)),
        new ZoneRequest((Capacity + 1) * sizeof(ulong), sizeof(ulong)),
        default);

    /// <summary>Takes over memory of the size of <see cref="Request"/>.</summary>
    internal static EntryChunk Create(MemoryAllocation memory, uint firstNumber, HostRuntime host)
    {
        try
        {
            return new EntryChunk(memory, firstNumber, host);
        }
        catch
        {
            memory.Free();
            throw;
        }
    }

    /// <summary>Takes a place; false if there is none.</summary>
    internal bool TryTake(out int index) => _free.TryPop(out index);

    /// <summary>Gives a place back.</summary>
    internal void Free(int index)
    {
        _listing?.SetName(index, null);
        _free.Push(index);
    }

    /// <summary>Makes its entries known to loaded code that asks the dynamic linker. Does nothing where they are.</summary>
    internal void MakeKnown(LinkerInterface used, string library, LibraryNames names) => _listing ??= EntryListing.TryCreate(
        used,
        library,
        _memory.Range(MemoryZone.Code),
        X64EntryStub.Size,
        _memory.Address(MemoryZone.ReadOnly),
        names);

    /// <summary>Hides them again.</summary>
    internal void Hide()
    {
        _listing?.Withdraw();
        _listing = null;
    }

    /// <summary>Says whose an entry is.</summary>
    internal void SetName(int index, string name) => _listing?.SetName(index, name);

    /// <summary>The canonical address of an entry.</summary>
    internal ulong AddressOf(int index) => _memory.Address(MemoryZone.Code) + (ulong)(index * X64EntryStub.Size);

    /// <summary>Points an entry's cell to code; with 0, to what asks for code.</summary>
    internal void Store(int index, ulong target) => _memory.StoreWord(
        MemoryZone.Relro, CellOffset(index), target is 0 ? AddressOf(index) + X64EntryStub.Unresolved : target);

    /// <summary>Gives the memory back: nobody calls any of the entries.</summary>
    internal void Release()
    {
        _listing?.Withdraw();
        NativeProcess.Host.Unwind.Deregister(_unwind);
        _memory.Free();
    }

    private static ulong CellOffset(int index) => (ulong)((index + 1) * sizeof(ulong));

    private void WriteCode(ulong resolver)
    {
        ulong cells = _memory.Address(MemoryZone.Relro);
        _memory.StoreWord(MemoryZone.Relro, 0, resolver);
        Span<byte> code = _memory.Writable(MemoryZone.Code, 0, Capacity * X64EntryStub.Size);
        for (int i = 0; i < Capacity; i++)
        {
            X64EntryStub.Write(
                code[(i * X64EntryStub.Size)..], AddressOf(i), cells + CellOffset(i), cells, FirstNumber + (uint)i);
            Store(i, 0);
        }

        Span<byte> unwind = _memory.Writable(MemoryZone.ReadOnly, 0, UnwindTable.Length);
        UnwindTable.CopyTo(unwind);
        ulong place = _memory.Address(MemoryZone.ReadOnly) + UnwindStart;
        BinaryPrimitives.WriteInt32LittleEndian(
            unwind[UnwindStart..], checked((int)unchecked((long)(AddressOf(0) - place))));
        BinaryPrimitives.WriteInt32LittleEndian(unwind[UnwindLength..], Capacity * X64EntryStub.Size);
        _memory.Seal();
    }
}
