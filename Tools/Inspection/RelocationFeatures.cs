using ElfLoader.Elf;
using ElfLoader.Relocations;
using static ElfLoader.Arch.Arm.ArmRelocationTypes;
using static ElfLoader.Arch.X64.X64Relocations;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Inspection;

/// <summary>Finds out what an object needs by its relocations: TLS models, code models, placement.</summary>
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
        if (rule is null || rule.Use is RelocationUse.Dynamic)
        {
            features.Add(
                rule is null ? $"relocation-{relocation.Type}" : rule.Name,
                rule is null ? "a relocation type that the ABI does not have" : "a relocation that only shared objects have",
                PlaceOf(section, relocation),
                unsupported: "no compiler emits it for an object file: how was this one made?");
            return;
        }

        AddTls(section, relocation, rule);
        switch (_architecture.Machine)
        {
            case EM_X86_64:
                AddModel(section, target, relocation, rule);
                break;
            case EM_ARM:
                AddArm(section, relocation, rule);
                break;
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
            _ when rule.Name.Contains("TPOFF", StringComparison.Ordinal)
                || rule.Name.Contains("TLS_LE", StringComparison.Ordinal) => (
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
        switch (relocation.Type)
        {
            case R_X86_64_32 or R_X86_64_32S or R_X86_64_16 or R_X86_64_8:
                features.Add(
                    "low-addresses",
                    "absolute addresses in 32 bits: must lie below 2 GiB; -fPIE or -fPIC avoids it",
                    PlaceOf(section, relocation));
                break;
            case R_X86_64_64 when target.Has(SHF_EXECINSTR):
            case R_X86_64_GOTOFF64 or R_X86_64_GOTPC64 or R_X86_64_GOT64 or R_X86_64_GOTPCREL64 or R_X86_64_PLTOFF64:
                features.Add("large-model", "64-bit addresses in code (-mcmodel=large)", PlaceOf(section, relocation));
                break;
            case R_X86_64_PC32 when IsReachOutside(section, target, relocation, rule):
                features.Add(
                    "near-data",
                    "data of others at a 32-bit distance: must lie within 2 GiB of it; -fPIC avoids it",
                    PlaceOf(section, relocation));
                break;
            default:
                if (rule.Slot is GotSlot.Address)
                {
                    features.Add("got", "addresses of symbols from a table", PlaceOf(section, relocation));
                }

                break;
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
        && !elf.Symbol((int)relocation.Symbol).IsDefined
        && !(target.Type is not SHT_NOBITS
            && target.Size >= sizeof(uint)
            && relocation.Offset <= target.Size - sizeof(uint)
            && _architecture!.IsBranchPlace(rule, elf.SectionBytes(section), (int)relocation.Offset));

    private string PlaceOf(int section, in RelocationRecord relocation) =>
        $"{elf.SectionNameText(section)}+0x{relocation.Offset:x}";
}
