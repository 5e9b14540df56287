using ElfLoader.Linking;
using ElfLoader.Runtime;

namespace ElfLoader.Loading;

/// <summary>Thread-local storage of a unit in this process.</summary>
internal sealed class ProcessTls : ITlsAddressing
{
    private readonly TlsRuntime _runtime;
    private readonly TlsModule? _module;

    /// <param name="runtime">The process's.</param>
    /// <param name="module">The unit's module; null if it has no thread-local storage.</param>
    internal ProcessTls(TlsRuntime runtime, TlsModule? module)
    {
        _runtime = runtime;
        _module = module;
    }

    /// <summary>The unit's; that of the executable where the unit has none, so that nothing refers to it.</summary>
    public ulong Module => _module?.Id ?? 1;

    /// <inheritdoc/>
    public TlsDescriptor DescriptorOf(in BoundSymbol variable, ulong threadPointer) =>
        variable.Is(SymbolTraits.UndefinedWeak) ? new(_runtime.UndefinedResolver, 0, TakesIndex: false)
        : !variable.Is(SymbolTraits.External) && _module?.TpOffset is not null
            ? new(_runtime.StaticResolver, variable.Value - threadPointer, TakesIndex: false)
        : new(_runtime.DynamicResolver, 0, TakesIndex: true);
}
