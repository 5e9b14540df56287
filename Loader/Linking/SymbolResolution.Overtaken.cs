namespace ElfLoader.Linking;

/// <content>What other loads have added to the library since this link looked there.</content>
internal sealed partial class SymbolResolution
{
    /// <summary>
    /// Whether another load has added a definition, since this link looked, of a name that this link lacks or that it pulled an
    /// archive member for: made again, the link would find that definition.
    /// </summary>
    /// <param name="pulled">How many objects, the last ones, came from archives.</param>
    internal bool WasOvertaken(int pulled)
    {
        int given = _objects.Count - pulled;
        for (int i = 0; i < Symbols.Count && _objects.Count > 0; i++)
        {
            ref LinkSymbol symbol = ref Symbols[i];
            bool isMissing = symbol is { State: SymbolState.Undefined, Synthetic: 0 };
            bool isPulled = symbol.Definer >= given && symbol.State is not SymbolState.External;
            if ((isMissing || isPulled) && _scope.FindOwn(symbol.Hash, Symbols.Name(i)).Exists)
            {
                return true;
            }

            if (isMissing && IsVisibleOutside(symbol) && _scope.FindLinked(symbol.Hash, Symbols.Name(i)).Exists)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Binds a name to what another load has added to the library since this link looked there.</summary>
    private bool BindToGrown(int index)
    {
        ref LinkSymbol symbol = ref Symbols[index];
        if (_scope.HasOwnGrown && _scope.FindOwn(symbol.Hash, Symbols.Name(index)) is { Exists: true } own)
        {
            BindToOwn(index, own);
            return true;
        }

        return false;
    }
}
