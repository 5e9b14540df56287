using ElfLoader.Elf;
using ElfLoader.Memory;

namespace ElfLoader.Linking;

/// <content>Which of several definitions of a name prevails.</content>
internal sealed partial class SymbolResolution
{
    private void Define(ref LinkSymbol symbol, LinkObject file, int index, in SymbolRecord record)
    {
        SymbolState rank = record switch
        {
            { Place: SymbolPlace.Common or SymbolPlace.LargeCommon } => SymbolState.Common,
            { Binding: SymbolBinding.Weak or SymbolBinding.GnuUnique } => SymbolState.Weak,
            _ => SymbolState.Strong,
        };

        switch (symbol.State)
        {
            case SymbolState.External when symbol.IsOwn && !Yields(symbol, rank, record, file, index):
                return;
            case SymbolState.Common when rank is SymbolState.Common:
                symbol.Size = Math.Max(symbol.Size, record.Size);
                symbol.Alignment = Math.Max(symbol.Alignment, record.Value);
                return;
            case SymbolState.Strong when rank is SymbolState.Strong:
                ReportDuplicate(symbol, file, index, record);
                return;
            case SymbolState.Weak or SymbolState.Common or SymbolState.Strong when symbol.State >= rank:
                return;
        }

        symbol.State = rank;
        symbol.Definer = file.Ordinal;
        symbol.DefinerSymbol = index;
        symbol.Type = record.Type;
        symbol.Size = record.Size;
        symbol.Alignment = rank is SymbolState.Common ? record.Value : 0;
        symbol.IsOwn = false;
    }

    /// <summary>Whether a definition that was linked earlier gives way to a new one.</summary>
    private bool Yields(in LinkSymbol symbol, SymbolState rank, in SymbolRecord record, LinkObject file, int index)
    {
        Definition own = Outside(symbol);
        if (_scope.GivesWay(own, rank is SymbolState.Strong))
        {
            return true;
        }

        if (rank is SymbolState.Strong && !own.IsWeak)
        {
            _errors.Add(new LinkError(
                LinkErrorCode.Duplicate,
                new LinkLocation(file.Elf.Name, Symbol: file.Elf.SymbolNameText(index)),
                LinkErrors.AlreadyDefined(file.Elf.SymbolNameText(index), own.Provider, file.Elf.Name)));
        }

        if (rank is SymbolState.Common && own.IsWeak && record.Size > own.Size)
        {
            _errors.Add(new LinkError(
                LinkErrorCode.Duplicate,
                new LinkLocation(file.Elf.Name, Symbol: file.Elf.SymbolNameText(index)),
                $"common symbol '{file.Elf.SymbolNameText(index)}' of {CountText.Of(record.Size, "byte")} was given {CountText.Of(own.Size, "byte")} "
                + $"when {own.Provider} was linked; link the objects together"));
        }

        return rank is SymbolState.Strong && own.IsWeak;
    }

    private void ReportDuplicate(in LinkSymbol symbol, LinkObject file, int index, in SymbolRecord record)
    {
        LinkObject first = _objects[symbol.Definer];
        SymbolRecord other = first.Elf.Symbol(symbol.DefinerSymbol);
        if (record.Place is SymbolPlace.Absolute && other.Place is SymbolPlace.Absolute && record.Value == other.Value)
        {
            return; // the same number twice contradicts nothing; lld accepts it too
        }

        if (first == file && record.Place is SymbolPlace.Section && record.Section == other.Section && record.Value == other.Value)
        {
            return; // ".symver foo,foo@@V" leaves foo as it is, and foo@@V defines it again; lld accepts it too
        }

        string name = file.Elf.SymbolNameText(index);
        _errors.Add(new LinkError(
            LinkErrorCode.Duplicate,
            new LinkLocation(file.Elf.Name, Symbol: name),
            LinkErrors.AlreadyDefined(name, first.Elf.Name, file.Elf.Name)));
    }

    private static SymbolVisibility MoreConstraining(SymbolVisibility left, SymbolVisibility right) => (left, right) switch
    {
        (SymbolVisibility.Default, _) => right,
        (_, SymbolVisibility.Default) => left,
        _ => (SymbolVisibility)Math.Min((byte)left, (byte)right), // internal 1, hidden 2, protected 3
    };
}
