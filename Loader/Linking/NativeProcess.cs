using System.Collections.Concurrent;
using ElfLoader.Memory;
using ElfLoader.Redirection;
using ElfLoader.Runtime;

namespace ElfLoader.Linking;

/// <summary>What all libraries of this process share: the memory pools and the host's run-time services.</summary>
internal sealed class NativeProcess
{
    private static readonly MadeOnce<NativeProcess> Shared = new(() => new NativeProcess());

    private readonly ConcurrentDictionary<MemoryMapping, MemoryPools> _pools = new();

    private NativeProcess()
    {
    }

    /// <summary>The one of this process.</summary>
    internal static NativeProcess Current => Shared.Value;

    /// <summary>Where memory comes from.</summary>
    internal MemoryPools Pools(MemoryMapping mapping) =>
        _pools.GetOrAdd(mapping, static kind => new MemoryPools(new MemoryOptions { Mapping = kind }));

    /// <summary>Gives back address space that holds nothing.</summary>
    internal void Trim()
    {
        foreach (MemoryPools pools in _pools.Values)
        {
            pools.Trim();
        }
    }

    /// <summary>The entries of all libraries.</summary>
    internal EntryRegistry Entries { get; } = new();

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
