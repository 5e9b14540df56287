using ElfLoader.Elf;
using ElfLoader.Linking;
using ElfLoader.Loading;

namespace ElfLoader.DynamicLinking;

/// <summary>A symbol that a unit defines for others.</summary>
/// <param name="Name">Its name, in UTF-8.</param>
/// <param name="Address">Where its bytes are: of a function behind an entry, the code.</param>
/// <param name="Size">Its size in bytes; 0 if unknown.</param>
/// <param name="Info"><c>st_info</c>: its binding and its type.</param>
internal readonly record struct UnitSymbol(ReadOnlyMemory<byte> Name, ulong Address, ulong Size, byte Info)
{
    private const int BindingShift = 4;

    /// <summary>Those of a unit that a shared library would export, but for thread-local ones: no address tells of these.</summary>
    internal static List<UnitSymbol> Of(LoadedUnit unit)
    {
        List<UnitSymbol> symbols = [];
        foreach (UnitDefinition definition in new UnitMap(unit).Definitions())
        {
            SymbolRecord record = definition.Record;
            if (record.Binding is not SymbolBinding.Local && record.Type is not SymbolType.Tls
                && record.Visibility is SymbolVisibility.Default or SymbolVisibility.Protected
                && record.Place is not SymbolPlace.Absolute)
            {
                bool isStub = definition.Bound.Is(SymbolTraits.Ifunc);
                symbols.Add(new UnitSymbol(
                    definition.File.Elf.SymbolName(definition.Symbol).ToArray(),
                    definition.Address,
                    isStub ? (ulong)HostMachine.Architecture.Stub.Size : record.Size,
                    (byte)(((int)record.Binding << BindingShift) | (int)(isStub ? SymbolType.Function : record.Type))));
            }
        }

        return symbols;
    }
}
