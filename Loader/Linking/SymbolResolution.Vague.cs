using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <content>Definitions that give way to what is outside of the link, though the objects have them.</content>
internal sealed partial class SymbolResolution
{
    private HashSet<int>? _shared;

    /// <summary>
    /// Names that were bound to a variable outside of the library which this unit or another one of the library shares; mostly
    /// none. They may have been bound anew since.
    /// </summary>
    internal IReadOnlyCollection<int> SharedSymbols => _shared ?? (IReadOnlyCollection<int>)[];

    /// <summary>
    /// Whether any object brings a variable that others may bring, too: a weak one, be it kept or discarded. Who discards its copy
    /// may still be the first to use the variable, and initialize it.
    /// </summary>
    internal bool HasVagueVariables { get; private set; }

    /// <summary>The same of thread-local variables.</summary>
    internal bool HasVagueThreadLocals { get; private set; }

    /// <summary>Notes that an object brings a name, if it does.</summary>
    private void NoteCopy(ref LinkSymbol symbol, in SymbolRecord record)
    {
        if (record.Place is not SymbolPlace.Undefined)
        {
            symbol.HasCopy = true;
            if (record.Binding is SymbolBinding.Weak or SymbolBinding.GnuUnique)
            {
                HasVagueVariables |= record.Type is SymbolType.Object;
                HasVagueThreadLocals |= record.Type is SymbolType.Tls;
            }
        }
    }

    /// <summary>
    /// Whether a name is a variable of vague linkage that the link defines itself: STB_GNU_UNIQUE, or weak and in a group of
    /// which one is kept.
    /// </summary>
    internal bool IsVagueVariable(int index)
    {
        ref LinkSymbol symbol = ref Symbols[index];
        if (symbol is not
            { State: SymbolState.Weak, Type: SymbolType.Object or SymbolType.Tls, Visibility: SymbolVisibility.Default })
        {
            return false;
        }

        ElfObject elf = _objects[symbol.Definer].Elf;
        SymbolRecord record = elf.Symbol(symbol.DefinerSymbol);
        if (record.Binding is SymbolBinding.GnuUnique)
        {
            return true;
        }

        return record.Place is SymbolPlace.Section && elf.Sections[record.Section].Has(ElfConstants.SHF_GROUP)
            && elf.GroupOf(record.Section) is >= 0 and int group && elf.Groups[group].IsComdat;
    }

    /// <summary>Binds a name that the objects define to a definition outside: their own is not used.</summary>
    internal void Share(int index, in Definition definition)
    {
        ref LinkSymbol symbol = ref Symbols[index];
        Bind(ref symbol, definition, isOwn: false);
        symbol.Definer = -1;
        symbol.IsShared = true;
        (_shared ??= []).Add(index);
    }

    /// <summary>Binds a name to a definition of the library, which may be one that another unit shares with the outside.</summary>
    private void BindToOwn(int index, in Definition own)
    {
        Bind(ref Symbols[index], own, isOwn: true);
        if (own.SharingOwner is not null)
        {
            (_shared ??= []).Add(index);
        }
    }

    /// <summary>Gives a name that is bound outside a value of the link's own.</summary>
    internal void Override(int index, SyntheticSymbol synthetic)
    {
        ref LinkSymbol symbol = ref Symbols[index];
        symbol.State = SymbolState.Undefined;
        (_synthetic ??= []).Add(synthetic);
        symbol.Synthetic = _synthetic.Count;
    }
}
