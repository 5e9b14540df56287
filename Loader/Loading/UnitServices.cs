using ElfLoader.Linking;
using ElfLoader.Runtime;

namespace ElfLoader.Loading;

/// <summary>
/// What a unit itself adds to its objects: <c>__dso_handle</c>, the functions that must know which unit calls them, and a
/// trap for symbols without a definition.
/// </summary>
internal sealed class UnitServices
{
    /// <summary>
    /// Bytes of writable data that the unit adds: its registrations, and its own <c>__libc_single_threaded</c>.
    /// </summary>
    internal const int DataSize = UnitLifetime.Size + sizeof(ulong);

    private const int TrapSize = 16;

    private int _thunksSize;
    private ulong _code;

    /// <summary>Forgets all of a link, so that there can be another one.</summary>
    internal void Clear()
    {
        (_thunksSize, UsesTrap, _code) = (0, false, 0);
        Lifetime = default;
        Foreign = null;
    }

    /// <summary>The unit's thread-local storage, once it is laid out.</summary>
    internal TlsTemplate? Tls { get; set; }

    /// <summary>Whether missing symbols are given the trap's address.</summary>
    internal bool UsesTrap { get; set; }

    /// <summary>Destructors that it may register for variables of others; null if there are no such variables.</summary>
    internal ForeignDestructors? Foreign { get; private set; }

    /// <summary>Makes destructors of the variables of others belong to these.</summary>
    internal void Register(ForeignDestructors? foreign, SymbolResolution resolution)
    {
        Foreign = foreign;
        foreign?.Bind(resolution, Thunk);
    }

    /// <summary>Bytes of code that the unit adds.</summary>
    internal int CodeSize => _thunksSize + (UsesTrap ? TrapSize : 0);

    /// <summary>The unit's registrations.</summary>
    internal UnitLifetime Lifetime { get; private set; }

    /// <summary>Address of an instruction that traps, if <see cref="UsesTrap"/>.</summary>
    internal ulong TrapAddress => _code + (ulong)_thunksSize;

    /// <summary>Finds a symbol that the unit defines, or that all units must take from the loader.</summary>
    internal SyntheticSymbol? Find(ReadOnlySpan<byte> name)
    {
        if (name.SequenceEqual("__dso_handle"u8))
        {
            return new SyntheticSymbol(() => Lifetime.DsoHandle, SymbolTraits.Internal | SymbolTraits.Data);
        }

        // glibc's hint that locks may be skipped, which inline functions of libstdc++ read: a .NET process has threads from
        // the start, so it is false for good, and a unit far from glibc can have a false one of its own.
        if (name.SequenceEqual("__libc_single_threaded"u8))
        {
            return new SyntheticSymbol(
                () => Lifetime.Address + UnitLifetime.Size, SymbolTraits.Internal | SymbolTraits.Data);
        }

        if (name.SequenceEqual("_TLS_MODULE_BASE_"u8)) // what TLSDESC code takes local variables' offsets from
        {
            return new SyntheticSymbol(() => Tls!.Base, SymbolTraits.Internal | SymbolTraits.Tls);
        }

        return LifetimeThunks.TryFind(name, out int thunk) ? Thunk(thunk) : null;
    }

    private SyntheticSymbol Thunk(int offset)
    {
        _thunksSize = Foreign is null ? LifetimeThunks.Size : LifetimeThunks.SizeWithForeign;
        return new SyntheticSymbol(() => _code + (ulong)offset, SymbolTraits.Internal | SymbolTraits.Function);
    }

    /// <summary>Finds a function of the loader's runtime that is the same for all units.</summary>
    internal static Definition FindShared(ReadOnlySpan<byte> name) =>
        NativeProcess.Host.TryFindOverride(name, out ulong address)
            ? new Definition { Address = address, Type = Elf.SymbolType.Function, Source = SymbolSource.Linker, Provider = "the loader" }
            : default;

    /// <summary>Tells the addresses.</summary>
    internal void Place(ulong code, ulong lifetime)
    {
        _code = code;
        Lifetime = new UnitLifetime(lifetime);
    }

    /// <summary>Writes the code.</summary>
    internal void Write(Span<byte> code)
    {
        if (_thunksSize > 0)
        {
            NativeProcess.Host.Thunks.Write(code, Lifetime, Foreign?.MakeTable() ?? 0);
        }

        if (UsesTrap)
        {
            ReadOnlySpan<byte> ud2 = [0x0f, 0x0b];
            ud2.CopyTo(code[^TrapSize..]);
        }
    }
}
