using System.Buffers.Binary;
using ElfLoader.Libraries;
using ElfLoader.Linking;
using ElfLoader.Memory;

namespace ElfLoader.Loading;

/// <summary>
/// Destructors that a unit registers for variables that are not its own: whoever calls an inline function first initializes its
/// static variables, and registers the destructors with itself. They are to run when the variables end, not when the unit does,
/// and until then its code must stay.
/// </summary>
/// <remarks>
/// <para>
/// The shim's <c>add_foreign_dtor</c>, which is <c>__cxa_atexit</c> to such a unit, reads a table of the variables and counts what
/// is registered and has not run yet. The table's layout is in <c>Shim.s</c>.
/// </para>
/// <para>
/// Of an array, compilers register a function without an object. Whose it is then, the guards tell (Itanium C++ ABI, "Guard
/// Variables"): that of a variable that is not the unit's is held by the thread, from <c>__cxa_guard_acquire</c> to
/// <c>__cxa_guard_release</c>, or has just been set by it where a unit's initializers set guards without acquiring them.
/// </para>
/// <para>
/// It cannot be told in four cases. gcc before version 11 registers when it has released the guard, and clang with
/// <c>-fno-threadsafe-statics</c> before it sets the guard: such an array is taken for the unit's own. With that flag, an array of
/// the unit that is registered after another unit has constructed a shared variable is taken for that one, and ends with it. Where
/// the functions of guards are not the host's, a guard tells that some thread constructs its variable, but not which.
/// </para>
/// </remarks>
internal sealed class ForeignDestructors : IDisposable
{
    private const int HeaderSize = 48;
    private const int Setter = 8;
    private const int Acquire = 24;
    private const int EntrySize = 64;
    private const int Owed = 24;
    private const int IsKnown = 40;
    private const ulong AnyThread = ulong.MaxValue;

    private readonly ForeignVariable[] _variables;
    private readonly GuardFunctions _guards;
    private NativeBlock? _table;

    private ForeignDestructors(ForeignVariable[] variables, GuardFunctions guards)
    {
        _variables = variables;
        _guards = guards;
    }

    /// <param name="Definition">The variable.</param>
    /// <param name="Guard">Address of its guard, or 0.</param>
    /// <param name="IsLocal">Whether it is a variable of a function.</param>
    private readonly record struct ForeignVariable(Definition Definition, ulong Guard, bool IsLocal);

    /// <summary>Finds the variables of a link that may be initialized by it, and are not its own.</summary>
    /// <returns>Null if there is none, or nothing registers destructors.</returns>
    internal static ForeignDestructors? Of(SymbolResolution resolution)
    {
        LinkSymbols symbols = resolution.Symbols;
        int registration = resolution.HasVagueVariables ? symbols.Find("__cxa_atexit"u8) : -1;
        if (registration < 0 || GuardFunctions.InHost(resolution, registration) is 0)
        {
            return null;
        }

        List<ForeignVariable>? variables = null;
        for (int i = 0; i < symbols.Count; i++)
        {
            if (symbols[i] is not { State: SymbolState.External, HasCopy: true, Type: Elf.SymbolType.Object })
            {
                continue;
            }

            ReadOnlySpan<byte> name = symbols.Name(i);
            int guard = symbols.Find(VagueNames.GuardOf(name));
            bool isGuarded = guard >= 0 && symbols[guard].State is SymbolState.External;
            if (isGuarded || VagueNames.IsTemporary(name))
            {
                (variables ??= []).Add(new ForeignVariable(
                    resolution.Outside(symbols[i]),
                    isGuarded ? resolution.Outside(symbols[guard]).Address : 0,
                    VagueNames.IsLocal(name)));
            }
        }

        return variables is null ? null : new ForeignDestructors([.. variables], GuardFunctions.Of(resolution));
    }

    /// <summary>Lets a link use the unit's own functions for what registers destructors, and acquires and releases guards.</summary>
    /// <param name="resolution">The link.</param>
    /// <param name="thunk">Gives a function of the unit, by its place in <see cref="Runtime.LifetimeThunks"/>.</param>
    internal void Bind(SymbolResolution resolution, Func<int, SyntheticSymbol> thunk)
    {
        resolution.Override(resolution.Symbols.Find("__cxa_atexit"u8), thunk(Runtime.LifetimeThunks.AtForeignEnd));
        _guards.Bind(resolution, thunk);
    }

    /// <summary>Makes the table.</summary>
    /// <returns>Its address.</returns>
    internal ulong MakeTable()
    {
        _table = new NativeBlock(HeaderSize + (_variables.Length * EntrySize));
        Span<byte> bytes = _table.Bytes;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)_variables.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[Setter..], AnyThreadSets ? AnyThread : 0);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[Acquire..], _guards.Acquire);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[(Acquire + 8)..], _guards.Release);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[(Acquire + 16)..], _guards.Abort);
        for (int i = 0; i < _variables.Length; i++)
        {
            Span<byte> entry = bytes[(HeaderSize + (i * EntrySize))..];
            (Definition variable, ulong guard, bool isLocal) = _variables[i];
            BinaryPrimitives.WriteUInt64LittleEndian(entry, variable.Address);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], variable.Address + Math.Max(variable.Size, 1));
            BinaryPrimitives.WriteUInt64LittleEndian(entry[16..], variable.Unit?.Resources.Lifetime.DsoHandle ?? 0);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[32..], guard);

            // Where guards are acquired, those of local variables are set by their release only.
            bool isSet = guard is not 0 && (byte)NativeBytes.LoadWord(guard) is not 0;
            entry[IsKnown] = isSet || (isLocal && _guards.AreUsed) ? (byte)1 : (byte)0;
        }

        return _table.Address;
    }

    /// <summary>Notes that this thread is about to run the unit's initializers, which may set guards without acquiring them.</summary>
    internal void BeginInitializers()
    {
        if (_table is not null && !AnyThreadSets)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(
                _table.Bytes[Setter..], NativeProcess.Host.Shim.CurrentThreadPointer);
        }
    }

    /// <summary>Notes that they have run. What sets guards of variables outside of functions later, is not this unit.</summary>
    internal void EndInitializers()
    {
        if (_table is null)
        {
            return;
        }

        BinaryPrimitives.WriteUInt64LittleEndian(_table.Bytes[Setter..], AnyThreadSets ? AnyThread : 0);
        for (int i = 0; i < _variables.Length; i++)
        {
            if (!_variables[i].IsLocal)
            {
                _table.Bytes[HeaderSize + (i * EntrySize) + IsKnown] = 1;
            }
        }
    }

    /// <summary>Whether the unit has variables of functions, and never acquires a guard (<c>-fno-threadsafe-statics</c>).</summary>
    private bool AnyThreadSets => !_guards.AreUsed && Array.Exists(_variables, variable => variable.IsLocal);

    /// <summary>How many are registered and have not run.</summary>
    internal long Count
    {
        get
        {
            long count = 0;
            for (int i = 0; i < _variables.Length; i++)
            {
                count += OwedTo(i);
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
                if (OwedTo(i) is 0)
                {
                    continue;
                }

                if (_variables[i].Definition.Unit is not { } owner)
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

    private long OwedTo(int variable) => _table is null
        ? 0
        : (long)NativeBytes.LoadWord(_table.Address + HeaderSize + ((ulong)variable * EntrySize) + Owed);
}
