namespace ElfLoader.Runtime;

/// <summary>What a symbol of the host is.</summary>
internal enum HostSymbolKind
{
    /// <summary>
    /// The host does not tell: its symbol has no type, or neither the name nor the address is that of an exported symbol.
    /// </summary>
    Unknown,

    /// <summary>A function.</summary>
    Function,

    /// <summary>A variable.</summary>
    Data,

    /// <summary>A thread-local variable; its address is the calling thread's.</summary>
    Tls,
}

/// <summary>What the host tells about an address that <see cref="HostSymbols.TryFind"/> gave.</summary>
/// <param name="Address">The address.</param>
/// <param name="Kind">What is there.</param>
/// <param name="Size">Size in bytes; 0 if unknown, as of an IFUNC's implementation.</param>
/// <param name="Library">Path of the library that defines it; null if unknown.</param>
internal readonly record struct HostSymbol(ulong Address, HostSymbolKind Kind, ulong Size, string? Library);

/// <summary>A thread-local variable of the host.</summary>
/// <param name="Module">Module number, for the host's <c>__tls_get_addr</c>.</param>
/// <param name="Offset">Distance from the start of the module's block.</param>
/// <param name="TpOffset">
/// Distance from the thread pointer, the same in all threads; null if the module's blocks are
/// allocated thread by thread.
/// </param>
internal readonly record struct HostTlsSymbol(ulong Module, ulong Offset, long? TpOffset);
