using System.Buffers.Binary;
using ElfLoader.Memory;

namespace ElfLoader.Linking;

/// <summary>
/// Destructors that a unit registers for variables that are not its own: whoever calls an inline function first initializes its
/// static variables, and registers the destructors with itself. They are to run when the variables end, not when the unit does,
/// and until then its code must stay.
/// </summary>
/// <remarks>
/// The shim's <c>add_foreign_dtor</c>, which is <c>__cxa_atexit</c> to such a unit, reads a table of the variables and counts what
/// is registered and has not run yet.
/// </remarks>
internal sealed class ForeignDestructors : IDisposable
{
    private const int HeaderSize = sizeof(ulong);
    private const int EntrySize = 4 * sizeof(ulong); // first byte, the one after the last, handle, number of those pending
    private const int Pending = 3 * sizeof(ulong);

    private readonly Definition[] _variables;
    private NativeBlock? _table;

    private ForeignDestructors(Definition[] variables) => _variables = variables;

    /// <summary>Finds the variables of a link that may be initialized by it, and are not its own.</summary>
    /// <returns>Null if there is none, or nothing registers destructors.</returns>
    internal static ForeignDestructors? Of(SymbolResolution resolution)
    {
        LinkSymbols symbols = resolution.Symbols;
        int registration = resolution.HasVagueVariables ? symbols.Find("__cxa_atexit"u8) : -1;
        if (registration < 0 || symbols[registration] is not { State: SymbolState.External, IsOwn: false }
            || resolution.Outside(symbols[registration]).Source is not SymbolSource.Host)
        {
            return null;
        }

        List<Definition>? variables = null;
        for (int i = 0; i < symbols.Count; i++)
        {
            if (symbols[i] is { State: SymbolState.External, HasCopy: true, Type: Elf.SymbolType.Object }
                && symbols.Find(VagueNames.GuardOf(symbols.Name(i))) is >= 0 and int guard
                && symbols[guard].State is SymbolState.External)
            {
                (variables ??= []).Add(resolution.Outside(symbols[i]));
            }
        }

        return variables is null ? null : new ForeignDestructors([.. variables]);
    }

    /// <summary>Makes the table.</summary>
    /// <returns>Its address.</returns>
    internal ulong MakeTable()
    {
        _table = new NativeBlock(HeaderSize + (_variables.Length * EntrySize));
        Span<byte> bytes = _table.Bytes;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)_variables.Length);
        for (int i = 0; i < _variables.Length; i++)
        {
            Span<byte> entry = bytes[(HeaderSize + (i * EntrySize))..];
            Definition variable = _variables[i];
            BinaryPrimitives.WriteUInt64LittleEndian(entry, variable.Address);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], variable.Address + Math.Max(variable.Size, 1));
            BinaryPrimitives.WriteUInt64LittleEndian(entry[16..], variable.Unit?.Resources.Lifetime.DsoHandle ?? 0);
        }

        return _table.Address;
    }

    /// <summary>How many are registered and have not run.</summary>
    internal long Count
    {
        get
        {
            long count = 0;
            for (int i = 0; i < _variables.Length; i++)
            {
                count += PendingOf(i);
            }

            return count;
        }
    }

    /// <summary>
    /// The units at whose end all of them will have run; null if some only run at the end of the process, because their variables
    /// are the host's.
    /// </summary>
    internal IReadOnlyCollection<LoadedUnit>? Owners
    {
        get
        {
            HashSet<LoadedUnit> owners = [];
            for (int i = 0; i < _variables.Length; i++)
            {
                if (PendingOf(i) is 0)
                {
                    continue;
                }

                if (_variables[i].Unit is not { } owner)
                {
                    return null;
                }

                owners.Add(owner);
            }

            return owners;
        }
    }

    /// <summary>Gives the table back; none is pending, and nothing of the unit runs any more.</summary>
    public void Dispose()
    {
        _table?.Dispose();
        _table = null;
    }

    private long PendingOf(int variable) => _table is null
        ? 0
        : (long)NativeBytes.LoadWord(_table.Address + HeaderSize + ((ulong)variable * EntrySize) + Pending);
}
