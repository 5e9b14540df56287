using System.Numerics;
using ElfLoader.Memory;

namespace ElfLoader.Runtime;

/// <summary>
/// What there is once in a process, because the process has one C library: made on first use, never taken down.
/// </summary>
internal sealed class HostRuntime
{
    /// <summary>
    /// Name of a number in the application's configuration (<c>runtimeconfig.json</c>, <c>AppContext.SetData</c>):
    /// bytes of static thread-local storage to ask the host for. Without it, all that can be had.
    /// </summary>
    public const string StaticTlsSetting = "ElfLoader.StaticTlsSize";

    private static readonly MadeOnce<HostRuntime> Shared = new(() => new HostRuntime());

    private static readonly MadeOnce<Shim> OpenedShim = new(OpenShim); // it stays open, whatever fails after it

    private static readonly MadeOnce<Shim> ForkHandlers = new(HandleForks); // whose handlers are registered

    private static int s_refusals;

    private HostRuntime()
    {
        Shim = OpenedShim.Value;
        Unwind = new UnwindRegistry();
        Thunks = new LifetimeThunks(Shim);
        Finalizer = new UnitFinalizer(Shim);
        Tls = new TlsRuntime(Shim);
        Resolver = new CallResolver(Shim);
        _ = ForkHandlers.Value;
    }

    /// <summary>The one of this process.</summary>
    /// <exception cref="LinkException">The host lacks what is needed.</exception>
    public static HostRuntime Instance => Shared.Value;

    /// <summary>Whether there is one: without it, nothing of a unit can have been registered.</summary>
    public static bool IsMade => Shared.IsMade;

    /// <summary>
    /// Sees to it that forked children get copies of memory files, before code in one can be run that needs nothing else of the host.
    /// </summary>
    /// <remarks>
    /// Such code is loaded even where the host cannot open the shim; a child then shares the files. It may be possible later, so
    /// some of the loads that follow try again: fewer and fewer, since each try may cost more than the load.
    /// </remarks>
    public static void TryHandleForks()
    {
        if (ForkHandlers.IsMade || (s_refusals > 0 && !BitOperations.IsPow2(Interlocked.Increment(ref s_refusals))))
        {
            return;
        }

        try
        {
            _ = ForkHandlers.Value;
        }
        catch (LinkException)
        {
            _ = Interlocked.CompareExchange(ref s_refusals, 1, 0);
        }
    }

    /// <summary>The one shared object that the dynamic linker sees of us.</summary>
    public Shim Shim { get; }

    /// <summary>Unwind tables.</summary>
    public UnwindRegistry Unwind { get; }

    /// <summary>Functions that each unit gets a copy of.</summary>
    public LifetimeThunks Thunks { get; }

    /// <summary>Destructors at exit and when units are unloaded.</summary>
    public UnitFinalizer Finalizer { get; }

    /// <summary>Thread-local storage.</summary>
    public TlsRuntime Tls { get; }

    /// <summary>Functions whose code is found when they are called.</summary>
    public CallResolver Resolver { get; }

    /// <summary>Functions that must not be taken from the host, and are the same for all units.</summary>
    /// <remarks><see cref="LifetimeThunks.TryFind"/> has those that each unit has for itself.</remarks>
    public bool TryFindOverride(ReadOnlySpan<byte> name, out ulong address)
    {
        address = name switch
        {
            _ when name.SequenceEqual("__tls_get_addr"u8) => Tls.GetAddress,
            _ when name.SequenceEqual("elfloader_enter_epoch"u8) => Shim.Function("epoch_enter"),
            _ when name.SequenceEqual("elfloader_leave_epoch"u8) => Shim.Function("epoch_leave"),
            _ => 0,
        };
        return address is not 0;
    }

    private static Shim HandleForks()
    {
        Shim shim = OpenedShim.Value;
        shim.HandleForks();
        return shim;
    }

    private static Shim OpenShim()
    {
        int wished = AppContext.GetData(StaticTlsSetting) switch
        {
            int number => number,
            string text when int.TryParse(text, out int number) => number,
            _ => 0,
        };
        return Shim.Open(Math.Clamp(wished, 0, 1 << 24));
    }
}
