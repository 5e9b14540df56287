using ElfLoader.Elf;

namespace ElfLoader.Libraries;

/// <content>What a unit holds: a list through the entries.</content>
internal sealed partial class DefinitionTable
{
    /// <summary>Whether a unit holds any definition.</summary>
    internal bool HasAny(LoadedUnit unit) => FirstOf(unit) is not 0;

    /// <summary>Removes the definitions that a unit holds.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="left">
    /// What others still use of it: of the definitions that several units may have copies of, all stay where it is data; where
    /// it is code only, the functions do, for the data has been destroyed.
    /// </param>
    internal void Remove(LoadedUnit unit, UnitUse left = UnitUse.None)
    {
        int next;
        for (int i = FirstOf(unit) - 1; i != None; i = next)
        {
            next = At(i).Next;
            if (!Stays(At(i), left))
            {
                Clear(i);
            }
        }

        CompactIfWorthwhile();
    }

    private static bool Stays(in Entry entry, UnitUse left) => entry.Is(Traits.Weak)
        && ((left & UnitUse.SharedData) != 0
            || ((left & UnitUse.SharedCode) != 0 && entry.Type is SymbolType.Function));

    /// <summary>One more than the index of the first entry that a unit holds, or 0.</summary>
    private ref int FirstOf(LoadedUnit unit) => ref _isOfGroups ? ref unit.FirstGroup : ref unit.FirstDefinition;

    private void Link(int index)
    {
        ref Entry entry = ref At(index);
        (entry.Previous, entry.Next) = (None, None);
        if (_origins.UnitOf(entry.Origin) is { } unit)
        {
            ref int first = ref FirstOf(unit);
            if (first is not 0)
            {
                entry.Next = first - 1;
                At(first - 1).Previous = index;
            }

            first = index + 1;
        }
    }

    private void Unlink(int index)
    {
        ref Entry entry = ref At(index);
        if (_origins.UnitOf(entry.Origin) is not { } unit)
        {
            return;
        }

        if (entry.Next != None)
        {
            At(entry.Next).Previous = entry.Previous;
        }

        if (entry.Previous != None)
        {
            At(entry.Previous).Next = entry.Next;
        }
        else
        {
            FirstOf(unit) = entry.Next + 1;
        }
    }
}
