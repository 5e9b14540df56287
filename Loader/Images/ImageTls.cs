using ElfLoader.Linking;

namespace ElfLoader.Images;

/// <summary>
/// Thread-local storage of an executable: the static block, at a fixed distance from the thread pointer. The argument of a
/// descriptor is that distance.
/// </summary>
internal sealed class ImageTls : ITlsAddressing
{
    private readonly ulong _resolver;

    /// <param name="resolver">Address of the function that descriptors refer to; 0 where there are none.</param>
    internal ImageTls(ulong resolver) => _resolver = resolver;

    /// <summary>An executable's is 1 (ELF Handling for TLS, "Run-Time Handling").</summary>
    public ulong Module => 1;

    /// <inheritdoc/>
    public TlsDescriptor DescriptorOf(in BoundSymbol variable, ulong threadPointer) => new(
        _resolver,
        variable.Is(SymbolTraits.UndefinedWeak) ? 0 : variable.Value - threadPointer,
        TakesIndex: false);
}
