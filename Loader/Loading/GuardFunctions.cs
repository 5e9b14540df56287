using ElfLoader.Linking;
using ElfLoader.Runtime;

namespace ElfLoader.Loading;

/// <summary>
/// The functions that a link acquires and releases guards of static variables with (Itanium C++ ABI, "Guard Variables"), where they
/// are the host's.
/// </summary>
/// <param name="Acquire">
/// Address of <c>__cxa_guard_acquire</c>; 0 if any of the three is not the host's, <see cref="ulong.MaxValue"/> if none is used.
/// </param>
/// <param name="Release">Address of <c>__cxa_guard_release</c>, or 0.</param>
/// <param name="Abort">Address of <c>__cxa_guard_abort</c>, or 0.</param>
internal readonly record struct GuardFunctions(ulong Acquire, ulong Release, ulong Abort)
{
    private const ulong Unused = ulong.MaxValue;

    private static ReadOnlySpan<byte> AcquireName => "__cxa_guard_acquire"u8;

    private static ReadOnlySpan<byte> ReleaseName => "__cxa_guard_release"u8;

    private static ReadOnlySpan<byte> AbortName => "__cxa_guard_abort"u8;

    /// <summary>Whether the link acquires guards at all.</summary>
    internal bool AreUsed => Acquire is not Unused;

    /// <summary>Finds them.</summary>
    internal static GuardFunctions Of(SymbolResolution resolution)
    {
        int acquire = resolution.Symbols.Find(AcquireName);
        if (acquire < 0)
        {
            return new GuardFunctions(Unused, 0, 0);
        }

        int release = resolution.Symbols.Find(ReleaseName);
        int abort = resolution.Symbols.Find(AbortName);
        var found = new GuardFunctions(
            InHost(resolution, acquire),
            release < 0 ? 0 : InHost(resolution, release),
            abort < 0 ? 0 : InHost(resolution, abort));
        bool areHosts = found.Acquire is not 0 && (release < 0 || found.Release is not 0) && (abort < 0 || found.Abort is not 0);
        return areHosts ? found : default;
    }

    /// <summary>The address that a name of the link is bound to in the host; 0 if it is bound to anything else.</summary>
    internal static ulong InHost(SymbolResolution resolution, int index)
    {
        ref LinkSymbol symbol = ref resolution.Symbols[index];
        return symbol is { State: SymbolState.External, IsOwn: false }
            && resolution.Outside(symbol) is { Source: SymbolSource.Host } found ? found.Address : 0;
    }

    /// <summary>Lets the link use the unit's functions in their stead, which note who holds a guard.</summary>
    internal void Bind(SymbolResolution resolution, Func<int, SyntheticSymbol> thunk)
    {
        if (Acquire is 0 or Unused)
        {
            return;
        }

        resolution.Override(resolution.Symbols.Find(AcquireName), thunk(LifetimeThunks.AtGuardAcquire));
        if (Release is not 0)
        {
            resolution.Override(resolution.Symbols.Find(ReleaseName), thunk(LifetimeThunks.AtGuardRelease));
        }

        if (Abort is not 0)
        {
            resolution.Override(resolution.Symbols.Find(AbortName), thunk(LifetimeThunks.AtGuardAbort));
        }
    }
}
