using System.Buffers.Binary;

namespace ElfLoader.Runtime;

/// <summary>
/// Functions that each unit gets a copy of, because they must know who calls: <c>atexit</c> and its like register with
/// the unit's <c>__dso_handle</c>, so that unloading finds what the unit registered. (In a linked program they come
/// from libc_nonshared.a for the same reason.)
/// </summary>
/// <remarks>
/// <c>__cxa_atexit</c> needs none, but where a variable is another one's: it gets the handle as an argument. Then the functions
/// of guards have some, too. glibc's <c>__cxa_finalize</c> also removes the handlers of
/// <c>at_quick_exit</c> and <c>pthread_atfork</c>.
/// </remarks>
internal sealed class LifetimeThunks
{
    /// <summary>Bytes of a unit's copy.</summary>
    public const int Size = 5 * ThunkSize;

    /// <summary>Bytes of the copy of a unit that may initialize variables of others.</summary>
    public const int SizeWithForeign = 9 * ThunkSize;

    /// <summary>Alignment of a unit's copy.</summary>
    public const int Alignment = 16;

    private const int ThunkSize = 32;
    private const int AtExit = 0 * ThunkSize;
    private const int AtQuickExit = 1 * ThunkSize;
    private const int AtFork = 2 * ThunkSize;
    private const int AtThreadExit = 3 * ThunkSize;
    private const int StackCheckFailed = 4 * ThunkSize;

    /// <summary><c>__cxa_atexit</c> for units that may initialize variables of others: where it is in the copy.</summary>
    public const int AtForeignEnd = 5 * ThunkSize;

    /// <summary><c>__cxa_guard_acquire</c> for such units.</summary>
    public const int AtGuardAcquire = 6 * ThunkSize;

    /// <summary><c>__cxa_guard_release</c> for such units.</summary>
    public const int AtGuardRelease = 7 * ThunkSize;

    /// <summary><c>__cxa_guard_abort</c> for such units.</summary>
    public const int AtGuardAbort = 8 * ThunkSize;

    private readonly ulong _cxaAtExit = Shim.Host("__cxa_atexit"u8);
    private readonly ulong _cxaAtQuickExit = Shim.Host("__cxa_at_quick_exit"u8);
    private readonly ulong _registerAtFork = Shim.Host("__register_atfork"u8);
    private readonly ulong _stackCheckFailed = Shim.Host("__stack_chk_fail"u8);
    private readonly ulong _addThreadDestructor;
    private readonly ulong _addForeignDestructor;
    private readonly ulong _acquireGuard;
    private readonly ulong _releaseGuard;
    private readonly ulong _abortGuard;

    /// <summary>Uses the machine code of the shim.</summary>
    public LifetimeThunks(Shim shim)
    {
        _addThreadDestructor = shim.Function("add_thread_dtor");
        _addForeignDestructor = shim.Function("add_foreign_dtor");
        _acquireGuard = shim.Function("acquire_guard");
        _releaseGuard = shim.Function("release_guard");
        _abortGuard = shim.Function("abort_guard");
    }

    /// <summary>Tells whether a name must be bound to the unit's copy, and where in the copy it is.</summary>
    public static bool TryFind(ReadOnlySpan<byte> name, out int offset)
    {
        offset = name switch
        {
            _ when name.SequenceEqual("atexit"u8) => AtExit,
            _ when name.SequenceEqual("at_quick_exit"u8) => AtQuickExit,
            _ when name.SequenceEqual("__cxa_at_quick_exit"u8) => AtQuickExit,
            _ when name.SequenceEqual("pthread_atfork"u8) => AtFork,
            _ when name.SequenceEqual("__pthread_atfork"u8) => AtFork,
            _ when name.SequenceEqual("__cxa_thread_atexit"u8) => AtThreadExit,
            _ when name.SequenceEqual("__cxa_thread_atexit_impl"u8) => AtThreadExit,
            _ when name.SequenceEqual("__stack_chk_fail_local"u8) => StackCheckFailed,
            _ => -1,
        };
        return offset >= 0;
    }

    /// <summary>Writes a unit's copy. The code runs at any address, and reaches any.</summary>
    /// <param name="code"><see cref="Size"/> or <see cref="SizeWithForeign"/> bytes, or more.</param>
    /// <param name="unit">The unit.</param>
    /// <param name="foreign">The table of the variables of others that it may initialize, or 0.</param>
    public void Write(Span<byte> code, UnitLifetime unit, ulong foreign = 0)
    {
        // Arguments of the caller stay in rdi, rsi, rdx; the handle follows them.
        // atexit(function) -> __cxa_atexit(function, 0, dso):  xor esi, esi; mov rdx, dso
        Thunk(code[AtExit..], [0x31, 0xf6, 0x48, 0xba], unit.DsoHandle, _cxaAtExit);

        // at_quick_exit(function) -> __cxa_at_quick_exit(function, dso):  mov rsi, dso
        Thunk(code[AtQuickExit..], [0x48, 0xbe], unit.DsoHandle, _cxaAtQuickExit);

        // pthread_atfork(prepare, parent, child) -> __register_atfork(prepare, parent, child, dso):  mov rcx, dso
        Thunk(code[AtFork..], [0x48, 0xb9], unit.DsoHandle, _registerAtFork);

        // __cxa_thread_atexit(destructor, object, dso) -> add_thread_dtor(destructor, object, dso, counter):  mov rcx,
        // counter
        Thunk(code[AtThreadExit..], [0x48, 0xb9], unit.Counter, _addThreadDestructor);

        // __stack_chk_fail_local() -> __stack_chk_fail()
        Thunk(code[StackCheckFailed..], [0x48, 0xb9], 0, _stackCheckFailed);

        if (foreign is 0)
        {
            return;
        }

        // __cxa_atexit(destructor, object, dso) -> add_foreign_dtor(destructor, object, dso, table):  mov rcx, table
        Thunk(code[AtForeignEnd..], [0x48, 0xb9], foreign, _addForeignDestructor);

        // __cxa_guard_acquire(guard) -> acquire_guard(guard, table), and the others:  mov rsi, table
        Thunk(code[AtGuardAcquire..], [0x48, 0xbe], foreign, _acquireGuard);
        Thunk(code[AtGuardRelease..], [0x48, 0xbe], foreign, _releaseGuard);
        Thunk(code[AtGuardAbort..], [0x48, 0xbe], foreign, _abortGuard);
    }

    private static void Thunk(Span<byte> code, ReadOnlySpan<byte> load, ulong argument, ulong target)
    {
        Span<byte> thunk = code[..ThunkSize];
        thunk.Fill(0xcc); // int3
        load.CopyTo(thunk);
        thunk = thunk[load.Length..];
        BinaryPrimitives.WriteUInt64LittleEndian(thunk, argument);
        thunk = thunk[8..];
        ReadOnlySpan<byte> loadTarget = [0x49, 0xbb]; // mov r11, target
        ReadOnlySpan<byte> jump = [0x41, 0xff, 0xe3]; // jmp r11
        loadTarget.CopyTo(thunk);
        BinaryPrimitives.WriteUInt64LittleEndian(thunk[2..], target);
        jump.CopyTo(thunk[10..]);
    }
}
