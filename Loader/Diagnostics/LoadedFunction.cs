using ElfLoader.Loading;
using ElfLoader.Memory;

namespace ElfLoader.Diagnostics;

/// <summary>A function in memory, as profilers are told of it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Address">Its first byte.</param>
/// <param name="Size">Bytes; not zero.</param>
internal readonly record struct LoadedFunction(string Name, ulong Address, ulong Size)
{
    /// <summary>
    /// The functions of a unit by address, one where several symbols have the same, and its stubs. Functions that
    /// assembler code gives no size extend to the next one.
    /// </summary>
    internal static List<LoadedFunction> Of(LoadedUnit unit)
    {
        MemoryAllocation allocation = unit.Resources.Allocation!;
        AddressRange code = allocation.Range(MemoryZone.Code);
        var map = new UnitMap(unit);
        List<LoadedFunction> functions = [];
        foreach (ImageStub stub in map.Stubs())
        {
            functions.Add(new LoadedFunction($"{stub.Symbol}@plt", stub.Address, (ulong)stub.Size));
        }

        foreach (ImageSymbol symbol in map.Symbols())
        {
            if (symbol.Type is "func" && symbol.Address >= code.Start && symbol.Address < code.End)
            {
                functions.Add(new LoadedFunction(
                    symbol.Name, symbol.Address, Math.Min(symbol.Size, code.End - symbol.Address)));
            }
        }

        functions.Sort((left, right) => left.Address != right.Address
            ? left.Address.CompareTo(right.Address)
            : right.Size.CompareTo(left.Size));
        List<LoadedFunction> distinct = [];
        for (int i = 0; i < functions.Count; i++)
        {
            LoadedFunction function = functions[i];
            if (distinct.Count is 0 || distinct[^1].Address != function.Address)
            {
                ulong next = i + 1 < functions.Count ? functions[i + 1].Address : code.End;
                distinct.Add(function.Size is 0 && next > function.Address
                    ? function with { Size = next - function.Address }
                    : function);
            }
        }

        distinct.RemoveAll(function => function.Size is 0);
        return distinct;
    }
}
