using ElfLoader.Elf;
using ElfLoader.Relocations;
using static ElfLoader.Arch.Arm.ArmRelocationTypes;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Inspection;

/// <summary>
/// Finds out what an object needs by its relocations: TLS models, code models, placement. What of it is not supported is
/// what the loader's own table of the machine refuses.
/// </summary>
internal sealed class RelocationFeatures(ElfObject elf, FeatureList features)
{
    private readonly Architecture? _architecture = Machines.ArchitectureOf(elf);

    /// <summary>Adds them. Debug information is not looked at: loading does not relocate it.</summary>
    internal void Add()
    {
        if (_architecture is null)
        {
            return;
        }

        foreach (ref readonly RelocationSection section in elf.RelocationSections)
        {
            ref readonly SectionHeader target = ref elf.Sections[section.Target];
            if (!target.Has(SHF_ALLOC))
            {
                continue;
            }

            foreach (RelocationRecord relocation in elf.Relocations(section))
            {
                Add(section.Target, target, relocation);
            }
        }
    }

    private void Add(int section, in SectionHeader target, in RelocationRecord relocation)
    {
        RelocationRule? rule = _architecture!.Relocations[relocation.Type];
        switch (rule?.Use)
        {
            case null or RelocationUse.Dynamic or RelocationUse.Refused:
                features.Add(UnsupportedConstruct.OfRelocation(_architecture, relocation.Type)!, PlaceOf(section, relocation));
                break;
            case RelocationUse.Marker:
                AddPlatform(section, target, relocation, rule);
                break;
            default:
                AddTls(section, relocation, rule);
                AddPlatform(section, target, relocation, rule);
                break;
        }
    }

    private void AddPlatform(int section, in SectionHeader target, in RelocationRecord relocation, RelocationRule rule)
    {
        if (_architecture!.Machine is EM_ARM)
        {
            AddArm(section, relocation, rule);
        }
        else
        {
            AddModel(section, target, relocation, rule);
        }
    }

    private void AddTls(int section, in RelocationRecord relocation, RelocationRule rule)
    {
        // Only what is loaded into a process shares its room with others.
        string limit = _architecture!.Machine is EM_X86_64 ? ": room is limited; -fPIC avoids it" : "";
        (string Name, string Meaning)? feature = rule.Slot switch
        {
            GotSlot.TlsIndex => ("tls-general-dynamic", "thread-local storage through __tls_get_addr"),
            GotSlot.TlsModule => ("tls-local-dynamic", "a module's thread-local storage through __tls_get_addr"),
            GotSlot.TlsDescriptor => ("tls-descriptors", "thread-local storage through descriptors (-mtls-dialect=gnu2)"),
            GotSlot.TpOffset => (
                "tls-initial-exec",
                $"thread-local storage at a fixed distance from the thread pointer{limit}"),
            _ when rule.Expression.UsesThreadPointer => (
                "tls-local-exec",
                $"thread-local storage at a distance known when linking{limit}"),
            _ => null,
        };
        if (feature is { } found)
        {
            features.Add(found.Name, found.Meaning, PlaceOf(section, relocation));
        }
    }

    private void AddModel(int section, in SectionHeader target, in RelocationRecord relocation, RelocationRule rule)
    {
        Expression expression = rule.Expression;
        if (rule.Slot is GotSlot.Address && rule.Field.HighBit < 63)
        {
            features.Add("got", "addresses of symbols from a table", PlaceOf(section, relocation));
        }

        if (expression.IsThreadLocal)
        {
            return;
        }

        if (rule.Field.HighBit is 63)
        {
            if (target.Has(SHF_EXECINSTR) || expression.UsesGot)
            {
                features.Add("large-model", "64-bit addresses in code (-mcmodel=large)", PlaceOf(section, relocation));
            }
        }
        else if (expression is { UsesSymbol: true, UsesGot: false, IsPcRelative: false })
        {
            features.Add(
                "low-addresses",
                "absolute addresses in 32 bits: must lie below 2 GiB; -fPIE or -fPIC avoids it",
                PlaceOf(section, relocation));
        }
        else if (expression is { UsesSymbol: true, IsPcRelative: true }
            && rule.Field.Size >= sizeof(uint) && IsReachOutside(section, target, relocation, rule))
        {
            features.Add(
                "near-data",
                "data of others at a 32-bit distance: must lie within 2 GiB of it; -fPIC avoids it",
                PlaceOf(section, relocation));
        }
    }

    private void AddArm(int section, in RelocationRecord relocation, RelocationRule rule)
    {
        (string Name, string Meaning)? feature = rule.Type switch
        {
            R_ARM_TARGET1 => ("target1", "addresses whose form the platform decides (--target1-abs, --target1-rel)"),
            R_ARM_TARGET2 => ("target2", "references of unwind tables whose form the platform decides (--target2)"),
            R_ARM_V4BX => ("v4bx", "'bx' instructions that Armv4 does not have (--fix-v4bx)"),
            _ when rule.Name.Contains("SBREL", StringComparison.Ordinal) || rule.Name.Contains("_SB_", StringComparison.Ordinal) =>
                ("static-base", "data relative to a static base (--static-base)"),
            _ when rule.Slot is GotSlot.Address => ("got", "addresses of symbols from a table"),
            _ => null,
        };
        if (feature is { } found)
        {
            features.Add(found.Name, found.Meaning, PlaceOf(section, relocation));
        }
    }

    private bool IsReachOutside(int section, in SectionHeader target, in RelocationRecord relocation, RelocationRule rule) =>
        relocation.Symbol is not 0
        && !rule.IsBranch
        && !elf.Symbol((int)relocation.Symbol).IsDefined
        && !(target.Type is not SHT_NOBITS
            && target.Size >= sizeof(uint)
            && relocation.Offset <= target.Size - sizeof(uint)
            && _architecture!.IsBranchPlace(rule, elf.SectionBytes(section), (int)relocation.Offset));

    private string PlaceOf(int section, in RelocationRecord relocation) =>
        $"{elf.SectionNameText(section)}+0x{relocation.Offset:x}";
}
