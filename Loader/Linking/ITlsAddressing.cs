namespace ElfLoader.Linking;

/// <summary>How code that has been linked finds thread-local storage when it runs.</summary>
internal interface ITlsAddressing
{
    /// <summary>Module id of what is linked (ELF Handling for TLS, "Run-Time Handling").</summary>
    ulong Module { get; }

    /// <summary>Finds what the descriptor of a variable holds.</summary>
    /// <param name="variable">What the link knows of the variable.</param>
    /// <param name="threadPointer">Address of the thread pointer, as the values of symbols count.</param>
    TlsDescriptor DescriptorOf(in BoundSymbol variable, ulong threadPointer);
}

/// <summary>The contents of a TLS descriptor.</summary>
/// <param name="Resolver">Address of the function that code calls with the descriptor.</param>
/// <param name="Argument">What it finds beside its address; of no meaning where it takes an index.</param>
/// <param name="TakesIndex">
/// Whether the argument is the address of the module id and the offset of the variable, which are kept behind the descriptor.
/// </param>
internal readonly record struct TlsDescriptor(ulong Resolver, ulong Argument, bool TakesIndex);
