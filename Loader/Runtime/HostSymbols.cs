using System.Collections.Immutable;
using ElfLoader.Memory;

namespace ElfLoader.Runtime;

/// <summary>
/// Symbols of the host: of the program and what was loaded with it, then of libraries that were added, in that order.
/// May be used from any thread.
/// </summary>
internal sealed class HostSymbols
{
    private const byte TypeObject = 1; // STT_OBJECT
    private const byte TypeFunction = 2; // STT_FUNC
    private const byte TypeCommon = 5; // STT_COMMON
    private const byte TypeIndirectFunction = 10; // STT_GNU_IFUNC

    private ImmutableArray<ulong> _libraries;

    /// <summary>Starts with the process, or with nothing.</summary>
    public HostSymbols(bool searchProcess = true) => _libraries = searchProcess ? [DynamicLinker.Process] : [];

    /// <summary>Opens a shared library and searches it after those that are there. It stays open.</summary>
    /// <param name="pathOrName">A path, or a name for the system's search.</param>
    /// <exception cref="LinkException">It could not be opened.</exception>
    public void AddLibrary(string pathOrName)
    {
        ulong library = DynamicLinker.Open(pathOrName, out string error);
        if (library is 0)
        {
            throw new LinkException(LinkErrorCode.File, new LinkLocation(pathOrName), error);
        }

        ImmutableInterlocked.Update(
            ref _libraries, (all, added) => all.Contains(added) ? all : all.Add(added), library);
    }

    /// <summary>Looks a name up, without allocating.</summary>
    /// <param name="name">UTF-8; a name with a NUL in it is never found.</param>
    /// <param name="address">
    /// Where it is: an IFUNC's implementation; the calling thread's instance of a thread-local variable.
    /// </param>
    public bool TryFind(ReadOnlySpan<byte> name, out ulong address)
    {
        foreach (ulong library in _libraries)
        {
            address = DynamicLinker.Find(library, name);
            if (address is not 0)
            {
                return true;
            }
        }

        address = 0;
        return false;
    }

    /// <summary>Tells more about a found address. Slower: ask when it matters.</summary>
    public static HostSymbol Describe(ulong address)
    {
        if (!DynamicLinker.TryDescribe(address, out HostAddress found))
        {
            HostSymbolKind kind = DynamicLinker.TryFindThreadBlock(address, out _, out _)
                ? HostSymbolKind.Tls
                : HostSymbolKind.Unknown;
            return new HostSymbol(address, kind, 0, null);
        }

        return found.SymbolAddress == address
            ? new HostSymbol(address, KindOf(found.SymbolType), found.SymbolSize, found.Library)
            : new HostSymbol(address, HostSymbolKind.Unknown, 0, found.Library);
    }

    /// <summary>Looks a thread-local variable up.</summary>
    /// <returns>False if there is no such symbol, or it is not thread-local.</returns>
    public bool TryFindTls(ReadOnlySpan<byte> name, out HostTlsSymbol symbol)
    {
        symbol = default;
        if (!TryFind(name, out ulong address)
            || !DynamicLinker.TryFindThreadBlock(address, out ulong module, out ulong block))
        {
            return false;
        }

        symbol = new HostTlsSymbol(module, address - block, DistanceInAllThreads(name.ToArray(), address));
        return true;
    }

    /// <summary>
    /// A block is static if another thread has it at the same distance: blocks that are allocated never agree so.
    /// </summary>
    private long? DistanceInAllThreads(byte[] name, ulong address)
    {
        long here = (long)(address - HostRuntime.Instance.Shim.CurrentThreadPointer);
        long there = 0;
        var thread = new Thread(() =>
        {
            if (TryFind(name, out ulong other))
            {
                there = (long)(other - HostRuntime.Instance.Shim.CurrentThreadPointer);
            }
        });
        thread.UnsafeStart();
        thread.Join();
        return here == there ? here : null;
    }

    private static HostSymbolKind KindOf(byte type) => type switch
    {
        TypeFunction or TypeIndirectFunction => HostSymbolKind.Function,
        TypeObject or TypeCommon => HostSymbolKind.Data,
        _ => HostSymbolKind.Unknown,
    };
}
