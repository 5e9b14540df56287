using ElfLoader.Elf;
using ElfLoader.Relocations;

namespace ElfLoader.Linking;

/// <summary>What the scan must look at for a relocation type.</summary>
[Flags]
internal enum RuleNeeds : byte
{
    None = 0,

    /// <summary>The GOT's address.</summary>
    Got = 1,

    /// <summary>A slot in the GOT.</summary>
    Slot = 2,

    /// <summary>A branch, which a stub may serve.</summary>
    Branch = 4,

    /// <summary>The symbol must be thread-local.</summary>
    Tls = 8,

    /// <summary>The TLS block must lie at a fixed distance from the thread pointer.</summary>
    StaticTls = 16,

    /// <summary>The symbol's absolute address in less than the target's address size.</summary>
    NarrowAbsolute = 32,

    /// <summary>The symbol's distance in less than the target's address size.</summary>
    NarrowRelative = 64,

    /// <summary>No place is patched.</summary>
    Marker = 128,
}

/// <summary>How the relocation loop handles a type.</summary>
internal enum RulePath : byte
{
    /// <summary>By evaluating its row.</summary>
    Table,

    /// <summary>S + A in eight bytes.</summary>
    Absolute64,

    /// <summary>S + A - P in four bytes, signed.</summary>
    Relative32,
}

/// <summary>What the loops over relocations need of a row, in four bytes.</summary>
/// <param name="Needs">What the scan must look at.</param>
/// <param name="Path">How it is applied.</param>
/// <param name="Size">Bytes of the place.</param>
/// <param name="IsUsable">Whether objects may use the type.</param>
internal readonly record struct RuleFacts(RuleNeeds Needs, RulePath Path, byte Size, bool IsUsable);

/// <summary>A machine's relocation table with what the passes derive from each row, worked out once.</summary>
internal sealed class LinkRules
{
    /// <summary>What the scan need not look at for symbols that are defined in the unit, and nothing special.</summary>
    internal const RuleNeeds PlainNeeds = RuleNeeds.Branch | RuleNeeds.NarrowRelative;

    private const uint LargestSummedUp = 31;

    private readonly RelocationRule?[] _rules = new RelocationRule?[256];
    private readonly RuleFacts[] _facts = new RuleFacts[256];
    private readonly uint _plainWords;
    private readonly uint _plainLongWords;

    internal LinkRules(Architecture architecture)
    {
        Architecture = architecture;
        foreach (RelocationRule rule in architecture.Relocations.Rules)
        {
            _rules[rule.Type] = rule;
            _facts[rule.Type] = new RuleFacts(
                Derive(rule, architecture),
                PathOf(rule),
                checked((byte)rule.Field.Size),
                rule.Use is RelocationUse.Static or RelocationUse.Marker);
        }

        for (uint type = 0; type < LargestSummedUp; type++)
        {
            RuleFacts facts = _facts[type];
            if (facts.IsUsable && (facts.Needs & ~PlainNeeds) == 0)
            {
                _plainWords |= facts.Size <= 4 ? RelocationSummary.BitOf(type) : 0;
                _plainLongWords |= facts.Size <= 8 ? RelocationSummary.BitOf(type) : 0;
            }
        }
    }

    /// <summary>The machine.</summary>
    internal Architecture Architecture { get; }

    /// <summary>The row of a type, or null.</summary>
    internal RelocationRule? this[uint type] => type < (uint)_rules.Length ? _rules[type] : null;

    /// <summary>By type, for all 256 that one byte can say; types without a row are not usable.</summary>
    internal ReadOnlySpan<RuleFacts> Facts => _facts;

    /// <summary>What the scan must look at; the type has a row.</summary>
    internal RuleNeeds Needs(uint type) => _facts[type].Needs;

    /// <summary>
    /// Whether all relocations of an object are of types and in places that the scan has nothing to say of, as long as no symbol
    /// is noteworthy.
    /// </summary>
    internal bool ArePlain(in RelocationSummary relocations) => !relocations.IsUnknown
        && (relocations.TypesOfLongWords & ~_plainLongWords) is 0 && (relocations.TypesOfWords & ~_plainWords) is 0;

    /// <summary>Whether addends must be read from the section: of SHT_REL, and of SHT_CREL without addends.</summary>
    internal static bool HasImplicitAddend(in RelocationSection section) => !section.HasExplicitAddend;

    private static RuleNeeds Derive(RelocationRule rule, Architecture architecture)
    {
        if (rule.Use is RelocationUse.Marker)
        {
            return RuleNeeds.Marker;
        }

        bool isTls = rule.Slot is not (GotSlot.None or GotSlot.Address or GotSlot.TlsModule)
            || rule.Expression.IsThreadLocal || rule.CallsTlsDescriptor;
        var needs = RuleNeeds.None;
        needs |= rule.Expression.UsesGot ? RuleNeeds.Got : 0;
        needs |= rule.Slot is not GotSlot.None ? RuleNeeds.Slot : 0;
        needs |= rule.IsBranch ? RuleNeeds.Branch : 0;
        needs |= isTls ? RuleNeeds.Tls : 0;
        needs |= rule.Slot is GotSlot.TpOffset || rule.Expression.UsesThreadPointer ? RuleNeeds.StaticTls : 0;
        bool isNarrow = rule.Field.HighBit + 1 < architecture.AddressBits && rule.Overflow is not Overflow.Wraps;
        if (isNarrow && !isTls && rule.Expression.UsesSymbol && !rule.Expression.UsesGot)
        {
            needs |= rule.Expression.IsPcRelative ? RuleNeeds.NarrowRelative : RuleNeeds.NarrowAbsolute;
        }

        return needs;
    }

    private static RulePath PathOf(RelocationRule rule)
    {
        Expression relative = Expression.S + Expression.A - Expression.P;
        Expression branch = Expression.L + Expression.A - Expression.P;
        if (rule.MayRelax)
        {
            return RulePath.Table;
        }

        if (rule.Expression == Expression.S + Expression.A && rule.Field == BitField.Xword)
        {
            return RulePath.Absolute64;
        }

        return (rule.Expression == relative || rule.Expression == branch)
            && rule.Field == BitField.Word && rule.Overflow is Overflow.Signed
            ? RulePath.Relative32
            : RulePath.Table;
    }
}
