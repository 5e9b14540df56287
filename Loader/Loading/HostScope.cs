using ElfLoader.Elf;
using ElfLoader.Linking;
using ElfLoader.Memory;
using ElfLoader.Runtime;

namespace ElfLoader.Loading;

/// <summary>What a library finds in the host: the process, if wanted, and the shared libraries that were added.</summary>
internal sealed class HostScope
{
    private readonly HostSymbols _symbols;
    private readonly List<IDisposable> _rooms = [];
    private bool _isRoomGivenUp;

    internal HostScope(bool useProcess)
    {
        _symbols = new HostSymbols(useProcess);
        SearchesProcess = useProcess;
    }

    /// <summary>Whether the process itself is searched.</summary>
    internal bool SearchesProcess { get; }

    /// <summary>Whether nothing is searched.</summary>
    internal bool IsEmpty => _symbols.IsEmpty;

    /// <summary>What is searched, as handles of the host's dynamic linker.</summary>
    internal IReadOnlyCollection<ulong> Handles => _symbols.Handles;

    /// <summary>Opens one more shared library, and keeps room near to it for code that reaches its data.</summary>
    /// <param name="nameOrPath">A path, or a name for the system's search.</param>
    /// <param name="pools">What that code will lie in; null if there will be none.</param>
    /// <exception cref="LinkException">It cannot be opened.</exception>
    internal void Add(string nameOrPath, MemoryPools? pools)
    {
        if (_symbols.AddLibrary(nameOrPath, pools) is { } room)
        {
            lock (_rooms)
            {
                if (!_isRoomGivenUp)
                {
                    _rooms.Add(room);
                    return;
                }
            }

            room.Dispose();
        }
    }

    /// <summary>Gives up the room near to the libraries, when nothing is loaded any more.</summary>
    internal void GiveUpRoom()
    {
        lock (_rooms)
        {
            _rooms.ForEach(static room => room.Dispose());
            _rooms.Clear();
            _isRoomGivenUp = true;
        }
    }

    /// <summary>Finds a definition; one that does not exist where there is none.</summary>
    internal Definition Find(ReadOnlySpan<byte> name, bool isThreadLocal)
    {
        if (isThreadLocal)
        {
            return _symbols.TryFindTls(name, out HostTlsSymbol tls)
                ? new Definition
                {
                    Type = SymbolType.Tls,
                    Tls = new TlsReference(tls.Module, tls.Offset, tls.TpOffset),
                    Source = SymbolSource.Host,
                    Provider = "the host process",
                }
                : default;
        }

        return _symbols.TryFind(name, out ulong address)
            ? new Definition { Address = address, Source = SymbolSource.Host, Provider = "the host process" }
            : default;
    }
}
