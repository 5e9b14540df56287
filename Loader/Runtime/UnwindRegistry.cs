using ElfLoader.Memory;

namespace ElfLoader.Runtime;

/// <summary>One unit's unwind tables, as an unwinder knows them.</summary>
/// <param name="EhFrame">Address of the tables.</param>
/// <param name="Unregister">Address of the <c>__deregister_frame</c> that belongs to the unwinder.</param>
internal sealed record UnwindRegistration(ulong EhFrame, ulong Unregister);

/// <summary>
/// Makes C++ exceptions and backtraces find their way through loaded code. May be used from any thread.
/// </summary>
/// <remarks>
/// The unwinder is the host's libgcc_s, to which <c>_Unwind_RaiseException</c> of loaded code binds. The first throw
/// after N registrations costs N log N, so a unit passes one contiguous table.
/// </remarks>
internal sealed class UnwindRegistry
{
    private readonly ulong _register;
    private readonly ulong _deregister;

    /// <summary>Finds the host's unwinder.</summary>
    /// <exception cref="LinkException">There is none.</exception>
    public UnwindRegistry()
    {
        const string Library = "libgcc_s.so.1";
        ulong library = DynamicLinker.Open(Library, out string error);
        _register = library is 0 ? 0 : DynamicLinker.Find(library, "__register_frame"u8);
        _deregister = library is 0 ? 0 : DynamicLinker.Find(library, "__deregister_frame"u8);
        if (_register is 0 || _deregister is 0)
        {
            throw new LinkException(LinkErrorCode.Unsupported, new LinkLocation(Library), $"no unwinder: {error}");
        }
    }

    /// <summary>Registers tables with the host's unwinder.</summary>
    /// <param name="ehFrame">
    /// Address of a whole .eh_frame: entries one after the other, relocated, ended by a zero
    /// word. It must stay until it is deregistered.
    /// </param>
    /// <returns>What <see cref="Deregister"/> takes.</returns>
    public UnwindRegistration Register(ulong ehFrame) => Register(ehFrame, _register, _deregister);

    /// <summary>Registers tables with an unwinder that loaded code brought itself (libgcc_eh.a).</summary>
    /// <param name="ehFrame">As above.</param>
    /// <param name="register">Address of its <c>__register_frame</c>.</param>
    /// <param name="deregister">Address of its <c>__deregister_frame</c>.</param>
    public static UnwindRegistration Register(ulong ehFrame, ulong register, ulong deregister)
    {
        _ = NativeCall.Call(register, ehFrame);
        return new UnwindRegistration(ehFrame, deregister);
    }

    /// <summary>Takes a registration back, once: libgcc aborts the process on tables it does not know.</summary>
    public static void Deregister(UnwindRegistration registration) =>
        _ = NativeCall.Call(registration.Unregister, registration.EhFrame);
}
