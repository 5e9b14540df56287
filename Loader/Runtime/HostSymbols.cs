using System.Collections.Immutable;
using ElfLoader.Elf;
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
    private const byte TypeThreadLocal = 6; // STT_TLS
    private const byte TypeIndirectFunction = 10; // STT_GNU_IFUNC

    private ImmutableArray<ulong> _libraries;

    /// <summary>Starts with the process, or with nothing.</summary>
    public HostSymbols(bool searchProcess = true) => _libraries = searchProcess ? [DynamicLinker.Process] : [];

    /// <summary>What is searched, as handles of the host's dynamic linker.</summary>
    public IReadOnlyCollection<ulong> Handles => _libraries;

    /// <summary>Opens a shared library and searches it after those that are there. It stays open.</summary>
    /// <param name="pathOrName">A path, or a name for the system's search.</param>
    /// <param name="pools">What is to have room for code near to it; null if that does not matter.</param>
    /// <returns>What gives up such room when it is disposed; null if none was kept.</returns>
    /// <exception cref="LinkException">It could not be opened.</exception>
    public IDisposable? AddLibrary(string pathOrName, MemoryPools? pools = null)
    {
        ulong library = DynamicLinker.Open(pathOrName, out string error, pools is null ? null : pools.PlaceLibrariesNearRoom);
        if (library is 0)
        {
            string named = pathOrName + ": "; // the location says it already
            throw new LinkException(
                LinkErrorCode.File,
                new LinkLocation(pathOrName),
                HostLibraryFile.Refusal(pathOrName)
                    ?? (error.StartsWith(named, StringComparison.Ordinal) ? error[named.Length..] : error));
        }

        return ImmutableInterlocked.Update(
            ref _libraries, (all, added) => all.Contains(added) ? all : all.Add(added), library)
            ? pools?.KeepRoom(DynamicLinker.ExtentOfLibrary(library))
            : null;
    }

    /// <summary>Whether there is nothing to search.</summary>
    public bool IsEmpty => _libraries.IsEmpty;

    /// <summary>Looks a name up, without allocating.</summary>
    /// <param name="name">
    /// UTF-8; a name with a NUL in it is never found. <c>foo@V</c> asks for version V of foo, wherever that is the default or not.
    /// </param>
    /// <param name="address">
    /// Where it is: an IFUNC's implementation; the calling thread's instance of a thread-local variable.
    /// </param>
    public bool TryFind(ReadOnlySpan<byte> name, out ulong address)
    {
        VersionedName versioned = VersionedName.Of(name);
        foreach (ulong library in _libraries)
        {
            address = DynamicLinker.Find(library, versioned.Name, versioned.Version);
            if (address is not 0)
            {
                return true;
            }
        }

        address = 0;
        return false;
    }

    /// <summary>Tells more about a found symbol. Slower: ask when it matters.</summary>
    /// <remarks>
    /// Its own entry in a dynamic symbol table decides. Where the name has none, or one without a type, what is exactly at the
    /// address under another name does.
    /// </remarks>
    /// <param name="name">The name that was looked up; empty where there is none.</param>
    /// <param name="address">Its address.</param>
    public static HostSymbol Describe(ReadOnlySpan<byte> name, ulong address)
    {
        name = VersionedName.Of(name).Name;
        bool isInLibrary = DynamicLinker.TryDescribe(address, out HostAddress found);
        string? library = isInLibrary ? found.Library : null;
        if (DynamicLinker.TryFindEntry(name, address, out DynamicSymbol entry) && KindOf(entry.Type) is not HostSymbolKind.Unknown)
        {
            // Of an IFUNC the entry has the resolver's size.
            ulong size = entry.Type is TypeIndirectFunction ? 0 : entry.Size;
            return new HostSymbol(address, KindOf(entry.Type), size, library);
        }

        if (!isInLibrary)
        {
            HostSymbolKind kind = DynamicLinker.TryFindThreadBlock(address, out _, out _)
                ? HostSymbolKind.Tls
                : HostSymbolKind.Unknown;
            return new HostSymbol(address, kind, 0, null);
        }

        return found.SymbolAddress == address
            ? new HostSymbol(address, KindOf(found.SymbolType), found.SymbolSize, library)
            : new HostSymbol(address, HostSymbolKind.Unknown, 0, library);
    }

    /// <summary>Tells the path of the library that holds an address; null if none does.</summary>
    public static string? LibraryOf(ulong address) =>
        DynamicLinker.TryDescribe(address, out HostAddress found) ? found.Library : null;

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
        try
        {
            thread.UnsafeStart();
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
        {
            return null; // nobody to compare with
        }

        thread.Join();
        return here == there ? here : null;
    }

    private static HostSymbolKind KindOf(byte type) => type switch
    {
        TypeFunction or TypeIndirectFunction => HostSymbolKind.Function,
        TypeObject or TypeCommon => HostSymbolKind.Data,
        TypeThreadLocal => HostSymbolKind.Tls,
        _ => HostSymbolKind.Unknown,
    };
}
