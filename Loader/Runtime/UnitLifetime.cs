using System.Buffers.Binary;
using ElfLoader.Memory;

namespace ElfLoader.Runtime;

/// <summary>
/// What ties registrations to one loaded unit: <see cref="Size"/> bytes of its writable data, zeroed when it is loaded.
/// The first word is the unit's <c>__dso_handle</c>, the second counts thread-local destructors that threads still owe.
/// </summary>
/// <param name="Address">Where they are; aligned to 8.</param>
internal readonly record struct UnitLifetime(ulong Address)
{
    /// <summary>Bytes that a unit sets aside.</summary>
    public const int Size = 16;

    /// <summary>Alignment of these bytes.</summary>
    public const int Alignment = 8;

    /// <summary>What the symbol <c>__dso_handle</c> resolves to in the unit.</summary>
    public ulong DsoHandle => Address;

    /// <summary>Address of the counter.</summary>
    public ulong Counter => Address + 8;

    /// <summary>
    /// Thread-local destructors that are registered and have not returned. While it is not 0, the unit's code and data
    /// must stay; when it has become 0 after nothing of the unit is called any more, it stays so.
    /// </summary>
    public long PendingThreadDestructors => (long)NativeBytes.LoadWord(Counter);
}

/// <summary>
/// Runs what a unit registered, and forgets it. Foreign code runs in the calling thread, and no lock is held.
/// </summary>
internal sealed class UnitFinalizer
{
    private readonly ulong _cxaAtExit = Shim.Host("__cxa_atexit"u8);
    private readonly ulong _cxaFinalize = Shim.Host("__cxa_finalize"u8);
    private readonly ulong _runBackwards;
    private readonly ulong _runUnitThreadDestructors;
    private readonly ulong _owedCounter;

    /// <summary>Uses the machine code of the shim.</summary>
    public UnitFinalizer(Shim shim)
    {
        _runBackwards = shim.Function("run_backwards");
        _runUnitThreadDestructors = shim.Function("run_unit_thread_dtors");
        _owedCounter = shim.Function("owed_counter");
    }

    /// <summary>
    /// <see cref="UnitLifetime.Counter"/> of the unit whose thread-local destructor the calling thread runs; 0 if it runs none.
    /// </summary>
    public ulong OwedCounter => NativeCall.Call(_owedCounter);

    /// <summary>Bytes of an array for <see cref="RegisterTerminators"/>.</summary>
    public static int TerminatorArraySize(int count) => 8 + (8 * count);

    /// <summary>Lays out the array for <see cref="RegisterTerminators"/>.</summary>
    /// <param name="array">As many bytes as <see cref="TerminatorArraySize"/> says.</param>
    /// <param name="functions">Addresses in the order of .fini_array, which is run from its end.</param>
    public static void WriteTerminatorArray(Span<byte> array, ReadOnlySpan<ulong> functions)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(array, (ulong)functions.Length);
        for (int i = 0; i < functions.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(array[(8 + (8 * i))..], functions[i]);
        }
    }

    /// <summary>
    /// Has the functions of .fini_array run when the process exits or the unit is finalized. Registered before the
    /// initializers run, they run after everything that these register.
    /// </summary>
    /// <param name="unit">The unit.</param>
    /// <param name="array">Address of what <see cref="WriteTerminatorArray"/> wrote, 8-byte aligned.</param>
    /// <exception cref="LinkException">The C library has no memory for it.</exception>
    public void RegisterTerminators(UnitLifetime unit, ulong array)
    {
        if ((int)NativeCall.Call(_cxaAtExit, _runBackwards, array, unit.DsoHandle) is not 0)
        {
            throw new LinkException(LinkErrorCode.LimitExceeded, new LinkLocation("__cxa_atexit"), "no memory");
        }
    }

    /// <summary>
    /// Ends a unit: the calling thread's thread-local destructors, then what was registered with <c>__cxa_atexit</c>
    /// and <c>atexit</c>, newest first, then .fini_array. Its <c>at_quick_exit</c> and <c>pthread_atfork</c> handlers
    /// are removed without being run. What other threads owe remains: see <see
    /// cref="UnitLifetime.PendingThreadDestructors"/>.
    /// </summary>
    public void Run(UnitLifetime unit)
    {
        RunThreadDestructors(unit);
        _ = NativeCall.Call(_cxaFinalize, unit.DsoHandle);
    }

    /// <summary>Runs the thread-local destructors that the calling thread owes to the unit, newest first.</summary>
    public void RunThreadDestructors(UnitLifetime unit) =>
        _ = NativeCall.Call(_runUnitThreadDestructors, unit.Counter);
}
