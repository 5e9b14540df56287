using System.Globalization;
using ElfLoader.Inspection;
using ElfLoader.Memory;
using ElfLoader.Relocations;
using ElfLoader.Tools.Json;

namespace ElfLoader.Tools.Explaining;

/// <summary>Writes patched places for a person.</summary>
internal sealed class ExplanationText(StyledText output, PatchedCode code)
{
    private const string Indent = "    ";

    /// <summary>Writes them all, and a line that sums them up.</summary>
    internal void Write(IReadOnlyList<PatchRecord> patches, int all)
    {
        foreach (PatchRecord patch in patches)
        {
            Write(patch);
        }

        string methods = string.Join(", ", patches.CountBy(patch => patch.Method).OrderBy(count => count.Key)
            .Select(count => $"{count.Value} {ErrorJson.Hyphenate(count.Key.ToString())}"));
        string places = CountText.Of(all, "place");
        string shown = patches.Count == all ? places : $"{patches.Count} of {places}";
        output.Write(methods.Length is 0 ? shown : $"{shown}: {methods}", TextStyle.Bold).Line();
    }

    private void Write(PatchRecord patch)
    {
        output.Write($"{patch.Object}: {patch.Section}+0x{patch.Offset:x}", TextStyle.Bold)
            .Write($" at 0x{patch.Address:x}  ", TextStyle.Faint)
            .Write(patch.Relocation, TextStyle.Cyan)
            .Write("  ")
            .Write(patch.Symbol ?? "", TextStyle.Yellow)
            .Write(patch.Symbol is null ? "" : $"  ({SourceOf(patch)})")
            .Line();
        if (patch.Method is not PatchMethod.Cleared)
        {
            WriteFormula(patch);
        }

        WriteMethod(patch);
        string before = Bytes(patch.Before.Span);
        output.Write(Indent).Write(before, TextStyle.Red).Write(" -> ").Write(Bytes(patch.After.Span), TextStyle.Green);
        if (patch.BytesOffset != patch.Offset)
        {
            output.Write($"  from {patch.Section}+0x{patch.BytesOffset:x}", TextStyle.Faint);
        }

        output.Line();
        if (code.Of(patch) is { } instructions)
        {
            output.Write(Indent).Write(instructions.Before, TextStyle.Red).Write(" -> ")
                .Write(instructions.After, TextStyle.Green).Line();
        }
    }

    private void WriteFormula(PatchRecord patch)
    {
        output.Write(Indent).Write(patch.Computation);
        if (patch.Margin is { } margin)
        {
            output.Write(
                $"  {margin.ToString("#,0", CultureInfo.InvariantCulture)} from the limits "
                + $"{Expression.Number(patch.Rule.Minimum)} to {Expression.Number(patch.Rule.Maximum)}",
                TextStyle.Faint);
        }

        output.Line();
    }

    private void WriteMethod(PatchRecord patch)
    {
        string? text = patch.Method switch
        {
            PatchMethod.Relaxed => "relaxed: the instructions do without it",
            PatchMethod.Sequence => "part of the sequence that the relocation before it had rewritten",
            PatchMethod.Cleared => "cleared: what it describes was dropped",
            _ when patch.Stub is { } stub => $"through the {stub.Kind} stub at 0x{stub.Address:x}, which leads to 0x{stub.Target:x}",
            _ when patch.Slot is { } slot => $"through the {slot.Kind} slot at 0x{slot.Address:x}, which holds 0x{slot.Value:x}",
            _ => null,
        };
        if (text is not null)
        {
            output.Write(Indent).Write(text, TextStyle.Magenta).Line();
        }
    }

    private static string SourceOf(PatchRecord patch) => patch.Source switch
    {
        SymbolSource.SameObject => "same object",
        SymbolSource.OtherObject => $"in {patch.Provider}",
        SymbolSource.ArchiveMember => $"from archive: {patch.Provider}",
        SymbolSource.LoadedUnit => $"loaded: {patch.Provider}",
        SymbolSource.Host => $"of {patch.Provider}",
        SymbolSource.Linker => "made by the linker",
        SymbolSource.UndefinedWeak => "weak and undefined",
        SymbolSource.Undefined => "undefined",
        SymbolSource.Dropped => "dropped",
        _ => patch.Provider ?? "",
    };

    private static string Bytes(ReadOnlySpan<byte> bytes)
    {
        string hex = Convert.ToHexStringLower(bytes);
        return string.Join(' ', Enumerable.Range(0, bytes.Length).Select(i => hex.Substring(2 * i, 2)));
    }
}
