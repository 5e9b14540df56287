using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using ElfLoader.DynamicLinking;
using ElfLoader.Libraries;
using ElfLoader.Linking;
using ElfLoader.Memory;
using ElfLoader.Redirection;
using ElfLoader.Runtime;

namespace ElfLoader.Loading;

/// <summary>What all libraries of this process share: the memory pools and the host's run-time services.</summary>
internal sealed class NativeProcess
{
    private static readonly MadeOnce<NativeProcess> Shared = new(() => new NativeProcess());

    private readonly ConcurrentDictionary<MemoryMapping, MemoryPools> _pools = new();
    private readonly ConditionalWeakTable<ObjectLibrary, object> _libraries = [];
    private readonly MadeOnce<LinkerInterface> _interface = new(() => new LinkerInterface());
    private readonly Lock _interfaceGate = new();
    private int _interfaceUsers;
    private volatile bool _isInterfaceUsed;

    private NativeProcess()
    {
    }

    /// <summary>The one of this process.</summary>
    internal static NativeProcess Current => Shared.Value;

    /// <summary>Where memory comes from.</summary>
    internal MemoryPools Pools(MemoryMapping mapping) =>
        _pools.GetOrAdd(mapping, static kind => new MemoryPools(new MemoryOptions { Mapping = kind }));

    /// <summary>Where memory comes from; null where the system permits none of that kind, which a load will tell.</summary>
    internal MemoryPools? TryGetPools(MemoryMapping mapping)
    {
        try
        {
            return Pools(mapping);
        }
        catch (MemoryException)
        {
            return null;
        }
    }

    /// <summary>Gives back address space that holds nothing.</summary>
    internal void Trim()
    {
        foreach (MemoryPools pools in _pools.Values)
        {
            pools.Trim();
        }
    }

    /// <summary>
    /// What loaded code is told that asks the dynamic linker; null as long as no loaded code refers to that: then libraries and
    /// units need not make themselves known.
    /// </summary>
    internal LinkerInterface? Interface => _isInterfaceUsed ? _interface.Value : null;

    /// <summary>The functions that such code gets; what is linked may come to nothing.</summary>
    /// <exception cref="LinkException">The host lacks what is needed.</exception>
    internal LinkerInterface FutureInterface => _interface.Value;

    /// <summary>Counts a unit whose code asks the dynamic linker, before any of it runs.</summary>
    internal void AddInterfaceUser()
    {
        lock (_interfaceGate)
        {
            if (_interfaceUsers++ is 0)
            {
                _isInterfaceUsed = true;
                Interlocked.MemoryBarrier(); // from here on, libraries and units make themselves known
                foreach ((ObjectLibrary library, _) in _libraries)
                {
                    library.MakeKnown(_interface.Value);
                }
            }
        }
    }

    /// <summary>Takes a unit back that was counted, when nothing of it runs any more.</summary>
    internal void RemoveInterfaceUser()
    {
        lock (_interfaceGate)
        {
            if (--_interfaceUsers is 0)
            {
                _isInterfaceUsed = false;
                Interlocked.MemoryBarrier();
                foreach ((ObjectLibrary library, _) in _libraries)
                {
                    library.Hide(hidesUnits: true);
                }
            }
        }
    }

    /// <summary>Notes a library that has been made, for as long as it lives.</summary>
    internal void Add(ObjectLibrary library)
    {
        _libraries.Add(library, this);
        Interlocked.MemoryBarrier();
        if (Interface is { } used)
        {
            library.MakeKnown(used);
        }
    }

    /// <summary>Forgets a library that is not used any more.</summary>
    internal void Remove(ObjectLibrary library) => _libraries.Remove(library);

    /// <summary>The entries of all libraries.</summary>
    internal EntryRegistry Entries { get; } = new();

    /// <summary>Disposed libraries of which there still is something.</summary>
    internal KeptLibraries KeptLibraries { get; } = new();

    /// <summary>Which units use one another.</summary>
    internal UnitGraph Graph { get; } = new();

    /// <summary>TLS, unwinding, destructors.</summary>
    /// <exception cref="LinkException">The host lacks what is needed.</exception>
    internal static HostRuntime Host => HostRuntime.Instance;

    /// <summary>The address of a definition; of a thread-local variable, the calling thread's copy.</summary>
    internal static nint AddressOf(in Definition definition) => definition.Tls is { } tls
        ? (nint)Host.Tls.AddressInThisThread(tls.Module, tls.Offset)
        : (nint)definition.Address;
}
