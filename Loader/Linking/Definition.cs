using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>A definition that exists outside of the link that uses it.</summary>
internal readonly record struct Definition
{
    /// <summary>The canonical address; for a thread-local symbol its offset in its module's block.</summary>
    internal ulong Address { get; init; }

    /// <summary>Size in bytes, 0 if unknown.</summary>
    internal ulong Size { get; init; }

    /// <summary>Kind of symbol, as far as it is known.</summary>
    internal SymbolType Type { get; init; }

    /// <summary>Whether a later strong definition may take its place, and copies of it are no error.</summary>
    internal bool IsWeak { get; init; }

    /// <summary>Whether only objects of the same library see it.</summary>
    internal bool IsHidden { get; init; }

    /// <summary>Whether the value is a number that no relocation base applies to.</summary>
    internal bool IsAbsolute { get; init; }

    /// <summary>Whether it is a function in Thumb code.</summary>
    internal bool IsThumb { get; init; }

    /// <summary>Who holds it; null for what the host or the caller provides.</summary>
    internal IDefinitionOwner? Owner { get; init; }

    /// <summary>
    /// Whose own definition gave way to this one, so that the library has the name from there; mostly null.
    /// </summary>
    internal IDefinitionOwner? SharingOwner { get; init; }

    /// <summary>The module whose block holds a thread-local variable.</summary>
    internal TlsReference? Tls { get; init; }

    /// <summary>What kind of provider it comes from, where that is no unit.</summary>
    internal SymbolSource Source { get; init; }

    /// <summary>
    /// What <see cref="Address"/> belongs to, where that leads to the function by way of memory that can be changed; else null.
    /// </summary>
    internal object? Redirection { get; init; }

    /// <summary>Where the code is that its owner has for <see cref="Redirection"/>.</summary>
    internal ulong Body { get; init; }

    /// <summary>Who provides it, for messages.</summary>
    internal string Provider { get; init; }

    /// <summary>Whether there is a definition at all: the default value is none.</summary>
    internal bool Exists => Provider is not null;
}

/// <summary>Where a thread-local variable of another module is found.</summary>
/// <param name="Module">Module id, as <c>__tls_get_addr</c> takes it.</param>
/// <param name="Offset">Offset of the variable in the module's block, in bytes.</param>
/// <param name="TpOffset">Offset of the variable from the thread pointer, where that is the same for all threads.</param>
internal sealed record TlsReference(ulong Module, ulong Offset, long? TpOffset);
