using ElfLoader.Linking;

namespace ElfLoader.Loading;

/// <content>The second half: blocks have addresses, so what lies in them has.</content>
internal sealed partial class UnitLayout
{
    /// <summary>Turns offsets into addresses, the blocks' being known.</summary>
    internal void AssignAddresses(StubTable stubs)
    {
        foreach (LinkObject file in _resolution.Objects)
        {
            Span<SectionPlace> places = file.LoadedSections;
            for (int i = 1; i < places.Length; i++)
            {
                if (places[i].Fate is SectionFate.Kept)
                {
                    AssignAddress(file, i, ref places[i]);
                }
            }

            if (file.UsesGot)
            {
                file.Got.Address = _blocks[Relro].Address + file.Got.BlockOffset;
            }
        }

        foreach (ref Stub stub in stubs.All)
        {
            stub.Address = _blocks[Code].Address + stub.Offset;
            stub.SlotAddress = _blocks[Relro].Address + stub.SlotOffset;
        }

        LinkSymbols symbols = _resolution.Symbols;
        for (int i = 0; i < symbols.Count; i++)
        {
            ref LinkSymbol symbol = ref symbols[i];
            if (symbol.State is SymbolState.Common)
            {
                symbol.Value += (symbol.Traits & SymbolTraits.Tls) != 0 ? Tls.Base : _blocks[Data].Address;
            }
        }
    }

    private void AssignAddress(LinkObject file, int section, ref SectionPlace place)
    {
        ulong offset = place.Offset;
        switch (place.Role)
        {
            case SectionRole.Unwind:
                place.Address = _blocks[ReadOnly].Address + UnwindOffset + offset;
                break;
            case SectionRole.TlsZero:
                place.Address = 0;
                file.SetSymbolBase(section, Tls.Base + offset);
                break;
            case SectionRole.TlsData:
                place.Address = _blocks[Relro].Address + offset;
                file.SetSymbolBase(section, Tls.Base + (offset - Tls.ImageOffset));
                break;
            default:
                place.Address = _blocks[place.Block].Address + offset;
                break;
        }
    }
}
