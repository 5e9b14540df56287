using System.Globalization;
using ElfLoader.Arch.Arm;
using ElfLoader.Elf;
using ElfLoader.Relocations;

namespace ElfLoader.Inspection;

/// <summary>Puts names into ARM instructions: of what their relocations refer to, and of what branches lead to.</summary>
internal sealed class ArmOperandNames(CodeAnnotations annotations)
{
    private const string Prefix = "R_ARM_";

    /// <summary>An instruction's text.</summary>
    internal string Name(string mnemonic, string operands, ulong address, int size)
    {
        string text = $"{mnemonic} {operands}".TrimEnd();
        int number = text.LastIndexOf('#');
        if (number < 0)
        {
            return text;
        }

        ReadOnlySpan<RelocationRecord> relocations = annotations.RelocationsIn(address, size);
        if (relocations is [var relocation] && Arm.Default.Relocations[relocation.Type] is { } rule)
        {
            return NameOf(rule, relocation) is { } name ? $"{text.AsSpan(0, number)}{name}" : text;
        }

        return IsBranch(mnemonic)
            && TryParse(text.AsSpan(number + 1), out ulong target)
            && annotations.TryFindSymbol(target, out string symbol, out ulong start)
            ? $"{text} <{symbol}{(target == start ? "" : $"+0x{target - start:x}")}>"
            : text;
    }

    /// <summary>A word of data among instructions.</summary>
    internal string NameWord(uint word, ulong address)
    {
        ReadOnlySpan<RelocationRecord> relocations = annotations.RelocationsIn(address, sizeof(uint));
        if (relocations is [var relocation] && Arm.Default.Relocations[relocation.Type] is { } rule && relocation.Offset == address)
        {
            string kind = relocation.Type is ArmRelocationTypes.R_ARM_ABS32 ? "" : $"({rule.Name[Prefix.Length..]})";
            return $".word {annotations.TargetOf(relocation, relocation.Addend)}{kind}";
        }

        return $".word 0x{word:x8}";
    }

    private static bool TryParse(ReadOnlySpan<char> number, out ulong value) => number.StartsWith("0x", StringComparison.Ordinal)
        ? ulong.TryParse(number[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
        : ulong.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    private string? NameOf(RelocationRule rule, in RelocationRecord relocation) =>
        rule.IsBranch ? annotations.TargetOf(relocation, relocation.Addend + Arm.Default.BranchOrigin(rule))
        : rule.Name.Contains("MOVW", StringComparison.Ordinal) ? $":lower16:{annotations.TargetOf(relocation, relocation.Addend)}"
        : rule.Name.Contains("MOVT", StringComparison.Ordinal) ? $":upper16:{annotations.TargetOf(relocation, relocation.Addend)}"
        : null;

    /// <summary>
    /// Whether an instruction's last operand is where it branches to: b, bl, blx, with conditions and widths, cbz, cbnz.
    /// </summary>
    private static bool IsBranch(string mnemonic)
    {
        string name = mnemonic.Split('.')[0];
        return name is "cbz" or "cbnz" or "b" or "bl" or "blx"
            || (name.Length is 3 && name[0] is 'b' && name is not ("bic" or "bfi" or "bfc"))
            || (name.Length is 4 && name.StartsWith("bl", StringComparison.Ordinal));
    }
}
