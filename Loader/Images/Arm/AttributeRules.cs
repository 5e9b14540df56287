using ElfLoader.Memory;

using static ElfLoader.Elf.BuildAttributes;

namespace ElfLoader.Images.Arm;

/// <summary>How the values of one build attribute in two objects become one.</summary>
internal enum AttributeMerge
{
    /// <summary>Nothing is known of it.</summary>
    Unknown,

    /// <summary>It says nothing about an image.</summary>
    Ignored,

    /// <summary>What one of them needs, the whole needs.</summary>
    Strongest,

    /// <summary>What one of them does not promise, the whole does not.</summary>
    Weakest,

    /// <summary>It is kept where all say the same.</summary>
    Common,

    /// <summary>They must agree, or one of them must not care.</summary>
    Compatible,
}

/// <summary>
/// How build attributes are merged, one row a tag ("Addenda to, and Errata in, the ABI for the Arm Architecture",
/// "Public (aeabi) attribute tags").
/// </summary>
internal static class AttributeRules
{
    private static readonly Dictionary<uint, AttributeMerge> Rules = new()
    {
        [4] = AttributeMerge.Common, // Tag_CPU_raw_name
        [5] = AttributeMerge.Common, // Tag_CPU_name
        [Tag_CPU_arch] = AttributeMerge.Strongest,
        [Tag_CPU_arch_profile] = AttributeMerge.Strongest,
        [Tag_ARM_ISA_use] = AttributeMerge.Strongest,
        [Tag_THUMB_ISA_use] = AttributeMerge.Strongest,
        [Tag_FP_arch] = AttributeMerge.Strongest,
        [11] = AttributeMerge.Strongest, // Tag_WMMX_arch
        [12] = AttributeMerge.Strongest, // Tag_Advanced_SIMD_arch
        [13] = AttributeMerge.Common, // Tag_PCS_config
        [14] = AttributeMerge.Compatible, // Tag_ABI_PCS_R9_use
        [Tag_ABI_PCS_RW_data] = AttributeMerge.Strongest,
        [16] = AttributeMerge.Strongest, // Tag_ABI_PCS_RO_data
        [17] = AttributeMerge.Strongest, // Tag_ABI_PCS_GOT_use
        [18] = AttributeMerge.Compatible, // Tag_ABI_PCS_wchar_t
        [19] = AttributeMerge.Strongest, // Tag_ABI_FP_rounding
        [20] = AttributeMerge.Strongest, // Tag_ABI_FP_denormal
        [21] = AttributeMerge.Strongest, // Tag_ABI_FP_exceptions
        [22] = AttributeMerge.Strongest, // Tag_ABI_FP_user_exceptions
        [Tag_ABI_FP_number_model] = AttributeMerge.Strongest,
        [Tag_ABI_align_needed] = AttributeMerge.Strongest,
        [Tag_ABI_align_preserved] = AttributeMerge.Weakest,
        [Tag_ABI_enum_size] = AttributeMerge.Compatible,
        [27] = AttributeMerge.Strongest, // Tag_ABI_HardFP_use
        [Tag_ABI_VFP_args] = AttributeMerge.Compatible,
        [29] = AttributeMerge.Compatible, // Tag_ABI_WMMX_args
        [30] = AttributeMerge.Common, // Tag_ABI_optimization_goals
        [31] = AttributeMerge.Common, // Tag_ABI_FP_optimization_goals
        [Tag_compatibility] = AttributeMerge.Common,
        [34] = AttributeMerge.Strongest, // Tag_CPU_unaligned_access
        [36] = AttributeMerge.Strongest, // Tag_FP_HP_extension
        [38] = AttributeMerge.Compatible, // Tag_ABI_FP_16bit_format
        [42] = AttributeMerge.Strongest, // Tag_MPextension_use
        [44] = AttributeMerge.Strongest, // Tag_DIV_use
        [46] = AttributeMerge.Strongest, // Tag_DSP_extension
        [48] = AttributeMerge.Strongest, // Tag_MVE_arch
        [50] = AttributeMerge.Weakest, // Tag_PAC_extension
        [52] = AttributeMerge.Weakest, // Tag_BTI_extension
        [64] = AttributeMerge.Ignored, // Tag_nodefaults
        [65] = AttributeMerge.Ignored, // Tag_also_compatible_with
        [66] = AttributeMerge.Strongest, // Tag_T2EE_use
        [Tag_conformance] = AttributeMerge.Common,
        [68] = AttributeMerge.Strongest, // Tag_Virtualization_use
        [70] = AttributeMerge.Strongest, // Tag_MPextension_use, as it was numbered once
        [72] = AttributeMerge.Weakest, // Tag_FramePointer_use
        [74] = AttributeMerge.Weakest, // Tag_BTI_use
        [76] = AttributeMerge.Weakest, // Tag_PACRET_use
    };

    /// <summary>Where floating-point arguments are passed.</summary>
    internal static Convention FloatingPointArguments { get; } = new(
        "Tag_ABI_VFP_args",
        Neutral: 3,
        IsFatal: true,
        value => value switch
        {
            0 => "passes floating-point arguments in core registers",
            1 => "passes floating-point arguments in floating-point registers",
            2 => "passes floating-point arguments in a way of its own",
            _ => "passes no floating-point arguments",
        });

    /// <summary>The attributes of <see cref="AttributeMerge.Compatible"/>.</summary>
    internal static IReadOnlyDictionary<uint, Convention> Conventions { get; } = new Dictionary<uint, Convention>
    {
        [14] = new("Tag_ABI_PCS_R9_use", Neutral: 3, IsFatal: true, value => value switch
        {
            0 => "uses r9 as a register like any other",
            1 => "uses r9 for the static base",
            2 => "uses r9 for thread-local storage",
            _ => "does not use r9",
        }),
        [18] = new("Tag_ABI_PCS_wchar_t", Neutral: 0, IsFatal: false, value => $"has a wchar_t of {CountText.Of(value, "byte")}"),
        [Tag_ABI_enum_size] = new("Tag_ABI_enum_size", Neutral: 0, IsFatal: false, value => value switch
        {
            1 => "has enumerations as small as can be",
            2 => "has enumerations of 32 bits",
            _ => "has enumerations of 32 bits where others see them",
        }),
        [29] = new("Tag_ABI_WMMX_args", Neutral: 0, IsFatal: true, value => $"passes WMMX arguments in way {value}"),
        [38] = new("Tag_ABI_FP_16bit_format", Neutral: 0, IsFatal: true, value => value switch
        {
            1 => "has 16-bit floating-point numbers as in IEEE 754",
            _ => "has 16-bit floating-point numbers in the alternative format",
        }),
    };

    /// <summary>How a tag is merged.</summary>
    internal static AttributeMerge Of(uint tag) => Rules.GetValueOrDefault(tag);

    /// <summary>Something on which all objects must agree.</summary>
    /// <param name="Name">Name of the attribute.</param>
    /// <param name="Neutral">The value that goes with all others.</param>
    /// <param name="IsFatal">Whether objects that disagree cannot be linked; else it is worth a warning.</param>
    /// <param name="Meaning">What an object with a value does.</param>
    internal sealed record Convention(string Name, ulong Neutral, bool IsFatal, Func<ulong, string> Meaning);
}
