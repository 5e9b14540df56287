using ElfLoader.Elf;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Inspection;

/// <summary>Finds out what an object needs from whoever loads it, and what of that is not supported.</summary>
public static class ObjectFeatures
{
    /// <summary>Names of processor architectures by the value of Tag_CPU_arch (Addenda to the ABI for the Arm Architecture).</summary>
    private static readonly string[] ArmArchitectures =
    [
        "pre-v4", "v4", "v4T", "v5T", "v5TE", "v5TEJ", "v6", "v6KZ", "v6T2", "v6K", "v7", "v6-M", "v6S-M", "v7E-M", "v8-A",
        "v8-R", "v8-M.baseline", "v8-M.mainline", "v8.1-A", "v8.2-A", "v8.3-A", "v8.1-M.mainline", "v9-A",
    ];

    /// <summary>Finds them.</summary>
    /// <exception cref="LinkException">A part of the object that was not needed to read it is malformed.</exception>
    public static IReadOnlyList<ObjectFeature> Of(ElfObject elf)
    {
        ArgumentNullException.ThrowIfNull(elf);
        var features = new FeatureList();
        foreach ((UnsupportedConstruct construct, int section) in UnsupportedConstruct.In(elf))
        {
            features.Add(construct, section is 0 ? null : elf.SectionNameText(section));
        }

        AddMachine(elf, features);
        AddSections(elf, features);
        AddSymbols(elf, features);
        new RelocationFeatures(elf, features).Add();
        return features.All;
    }

    private static void AddMachine(ElfObject elf, FeatureList features)
    {
        if (elf.Machine is EM_ARM)
        {
            AddArm(elf, features);
        }

        elf.Properties.TryGet(GnuProperties.GNU_PROPERTY_X86_FEATURE_1_AND, out ulong control);
        if (elf.Machine is EM_X86_64 && (control & GnuProperties.GNU_PROPERTY_X86_FEATURE_1_IBT) != 0)
        {
            features.Add("ibt", "indirect branches go to endbr64 instructions (-fcf-protection)", counts: false);
        }

        if (elf.Machine is EM_X86_64 && (control & GnuProperties.GNU_PROPERTY_X86_FEATURE_1_SHSTK) != 0)
        {
            features.Add("shadow-stack", "compatible with shadow stacks (-fcf-protection)", counts: false);
        }
    }

    private static void AddArm(ElfObject elf, FeatureList features)
    {
        if (elf.Attributes?.TryGetNumber(BuildAttributes.Tag_CPU_arch, out ulong architecture) is true)
        {
            string name = architecture < (ulong)ArmArchitectures.Length ? ArmArchitectures[architecture] : $"{architecture}";
            features.Add("arm-architecture", $"instructions of ARM{name}", counts: false);
        }

        if (elf.Attributes?.TryGetNumber(BuildAttributes.Tag_ARM_ISA_use, out ulong arm) is true && arm is not 0)
        {
            features.Add("a32", "code in the A32 instruction set", counts: false);
        }

        if (elf.Attributes?.TryGetNumber(BuildAttributes.Tag_THUMB_ISA_use, out ulong thumb) is true && thumb is not 0)
        {
            features.Add(
                "t32", $"code in the T32 instruction set{(thumb is 1 ? ", of 16 bits" : "")}", counts: false);
        }

        if (elf.Attributes?.TryGetNumber(BuildAttributes.Tag_ABI_VFP_args, out ulong registers) is true && registers is 1)
        {
            features.Add("hard-float", "floating-point arguments in VFP registers", counts: false);
        }
    }

    private static void AddSections(ElfObject elf, FeatureList features)
    {
        foreach (ref readonly SectionGroup group in elf.Groups)
        {
            if (group.IsComdat)
            {
                features.Add("comdat", "groups of which one copy is kept (templates, inline functions)");
            }
        }

        foreach (ref readonly RelocationSection section in elf.RelocationSections)
        {
            if (section.Format is RelocationFormat.Crel)
            {
                features.Add("crel", "compact relocations (CREL)", elf.SectionNameText(section.Index));
            }
        }

        for (int i = 1; i < elf.Sections.Length; i++)
        {
            AddSection(elf, i, features);
        }
    }

    private static void AddSection(ElfObject elf, int index, FeatureList features)
    {
        ref readonly SectionHeader header = ref elf.Sections[index];
        ReadOnlySpan<byte> name = elf.SectionName(index);
        if (header.Type is SHT_INIT_ARRAY or SHT_PREINIT_ARRAY || name.StartsWith(".ctors"u8))
        {
            features.Add("initializers", "functions that run when it is loaded", elf.SectionNameText(index));
        }

        if (header.Type is SHT_FINI_ARRAY || name.StartsWith(".dtors"u8))
        {
            features.Add("finalizers", "functions that run when it is unloaded", elf.SectionNameText(index));
        }

        if (header.Has(SHF_ALLOC) && name.SequenceEqual(".eh_frame"u8))
        {
            features.Add("unwind-tables", "tables for exceptions and stack traces (.eh_frame)", counts: false);
        }

        if (elf.Machine is EM_ARM && header.Type is SHT_ARM_EXIDX)
        {
            features.Add("unwind-index", "tables for exceptions and stack traces (.ARM.exidx)", counts: false);
        }

        if (elf.Machine is EM_X86_64 && header.Has(SHF_X86_64_LARGE))
        {
            features.Add("large-data", "data that may lie anywhere (-mcmodel=medium, large)", elf.SectionNameText(index));
        }

        if (name.StartsWith(".gnu.lto_"u8))
        {
            features.Add("lto", "GCC's intermediate code (-flto) beside machine code, which is what is linked", counts: false);
        }

        if (elf.Compression(index) is { Type: ELFCOMPRESS_ZLIB })
        {
            features.Add("compressed-sections", "debug information compressed with zlib", elf.SectionNameText(index));
        }
    }

    private static void AddSymbols(ElfObject elf, FeatureList features)
    {
        SymbolTable symbols = elf.Symbols;
        for (int i = 1; i < symbols.Count; i++)
        {
            SymbolRecord symbol = symbols[i];
            if (symbol is { Type: SymbolType.GnuIfunc, IsDefined: true })
            {
                features.Add("ifunc", "functions that a resolver picks when it is loaded", elf.SymbolNameText(i));
            }

            if (symbol.IsCommon)
            {
                features.Add("common", "tentative definitions (-fcommon)", elf.SymbolNameText(i));
            }

            if (symbol is { Binding: SymbolBinding.GnuUnique, IsDefined: true })
            {
                features.Add("unique", "definitions of which the process has one", elf.SymbolNameText(i));
            }

            if (!symbol.IsDefined && symbols.Name(symbol).SequenceEqual("__morestack"u8))
            {
                features.Add("split-stack", "stacks that grow in pieces (-fsplit-stack), by functions of libgcc.a", counts: false);
            }
        }
    }
}
