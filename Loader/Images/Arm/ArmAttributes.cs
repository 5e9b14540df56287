using System.Buffers.Binary;
using System.Text;
using ElfLoader.Arch.Arm;
using ElfLoader.Elf;
using ElfLoader.Linking;
using ElfLoader.Memory;

namespace ElfLoader.Images.Arm;

/// <summary>
/// What the objects of an Arm image say of themselves, made one: the processor, the calling convention
/// (Addenda to, and Errata in, the ABI for the Arm Architecture, "Build Attributes").
/// </summary>
/// <remarks>Objects that say nothing go with all others; a tag that is absent has the value 0.</remarks>
internal sealed class ArmAttributes
{
    private static readonly int[] ArchitecturesByStrength =
        [0, 1, 2, 3, 4, 5, 6, 7, 9, 8, 11, 12, 10, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22];

    private readonly LinkErrors _errors;
    private readonly List<string> _warnings;
    private readonly SortedDictionary<uint, (ulong Number, string? Text)> _values = [];
    private readonly Dictionary<uint, string> _sources = [];
    private readonly HashSet<uint> _dropped = [];
    private bool _any;

    private ArmAttributes(LinkErrors errors, List<string> warnings)
    {
        _errors = errors;
        _warnings = warnings;
    }

    /// <summary>The processor that all objects run on; null where none says anything.</summary>
    internal ArmArchitecture? Architecture { get; private set; }

    /// <summary>The attributes that hold for the whole.</summary>
    internal IReadOnlyDictionary<uint, (ulong Number, string? Text)> Values => _values;

    /// <summary><c>e_flags</c> of the image.</summary>
    internal uint Flags { get; private set; } = ElfConstants.EF_ARM_EABI_VER5;

    /// <summary>Makes one of all; what contradicts each other is an error that names both objects.</summary>
    internal static ArmAttributes Merge(IEnumerable<ElfObject> objects, LinkErrors errors, List<string> warnings)
    {
        var merged = new ArmAttributes(errors, warnings);
        foreach (ElfObject elf in objects)
        {
            merged.CheckFlags(elf);
            if (elf.Attributes is { } attributes && attributes.Tags.Count > 0)
            {
                merged.Add(elf.Name, attributes);
            }
        }

        if (merged._any)
        {
            merged.Flags |= merged.Number(BuildAttributes.Tag_ABI_VFP_args) is 1
                ? ElfConstants.EF_ARM_ABI_FLOAT_HARD
                : ElfConstants.EF_ARM_ABI_FLOAT_SOFT;
        }

        return merged;
    }

    /// <summary>
    /// Whether an object says that it is for bare metal: for the processors of the M or R profile, which have no memory management
    /// as Linux wants it; or with enumerations as small as can be, as AAPCS32 has them and its variant for Linux has not.
    /// </summary>
    internal static bool IsForBareMetal(ElfObject elf) => elf.Attributes is { } attributes
        && ((attributes.TryGetNumber(BuildAttributes.Tag_CPU_arch_profile, out ulong profile) && profile is 'M' or 'R')
            || (attributes.TryGetNumber(BuildAttributes.Tag_ABI_enum_size, out ulong size) && size is 1));

    /// <summary>The bytes of the image's <c>.ARM.attributes</c>; empty where there is nothing to say.</summary>
    internal byte[] ToSection()
    {
        if (!_any)
        {
            return [];
        }

        var values = new List<byte>();
        foreach ((uint tag, (ulong number, string? text)) in _values
            .OrderBy(pair => pair.Key is BuildAttributes.Tag_conformance ? 0 : pair.Key)) // which must come first
        {
            if (number is 0 && text is null)
            {
                continue;
            }

            PutNumber(values, tag);
            if (text is null || tag is BuildAttributes.Tag_compatibility)
            {
                PutNumber(values, number);
            }

            if (text is not null)
            {
                values.AddRange(Encoding.UTF8.GetBytes(text));
                values.Add(0);
            }
        }

        const int fileHeader = 1 + sizeof(uint); // Tag_File, size
        ReadOnlySpan<byte> vendor = "aeabi\0"u8;
        byte[] section = new byte[1 + sizeof(uint) + vendor.Length + fileHeader + values.Count];
        section[0] = (byte)'A';
        BinaryPrimitives.WriteInt32LittleEndian(section.AsSpan(1), section.Length - 1);
        vendor.CopyTo(section.AsSpan(5));
        Span<byte> file = section.AsSpan(5 + vendor.Length);
        file[0] = 1;
        BinaryPrimitives.WriteInt32LittleEndian(file[1..], file.Length);
        values.ToArray().CopyTo(file[fileHeader..]);
        return section;
    }

    private static void PutNumber(List<byte> bytes, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            bytes.Add((byte)(value | 0x80));
        }

        bytes.Add((byte)value);
    }

    private void CheckFlags(ElfObject elf)
    {
        uint version = elf.Flags & ElfConstants.EF_ARM_EABIMASK;
        if (version is not (0 or 0x0400_0000 or ElfConstants.EF_ARM_EABI_VER5))
        {
            _errors.Add(
                LinkErrorCode.Unsupported,
                new LinkLocation(elf.Name),
                $"the object follows version {version >> 24} of the Arm EABI; versions 4 and 5 are supported");
        }
    }

    private ulong Number(uint tag) => _values.TryGetValue(tag, out (ulong Number, string? Text) value) ? value.Number : 0;

    private void Add(string source, BuildAttributes attributes)
    {
        attributes.TryGetNumber(BuildAttributes.Tag_CPU_arch, out ulong architecture);
        attributes.TryGetNumber(BuildAttributes.Tag_CPU_arch_profile, out ulong profile);
        ArmArchitecture processor = ArmArchitecture.FromBuildAttributes((uint)architecture, (char)profile);
        Architecture = Architecture is { } before ? before.Merge(processor) : processor;
        bool isFirst = !_any;
        _any = true;
        MergeCallingConvention(source, attributes, isFirst);
        foreach (uint tag in attributes.Tags.Concat(isFirst ? [] : _values.Keys.ToArray()).Distinct().Order().ToArray())
        {
            Merge(source, attributes, tag, isFirst);
        }
    }

    private void Merge(string source, BuildAttributes attributes, uint tag, bool isFirst)
    {
        if (tag is BuildAttributes.Tag_ABI_VFP_args or BuildAttributes.Tag_ABI_FP_number_model)
        {
            return; // done
        }

        AttributeMerge how = AttributeRules.Of(tag);
        attributes.TryGetNumber(tag, out ulong number);
        string? text = attributes.GetText(tag);
        switch (how)
        {
            case AttributeMerge.Unknown when (tag & 127) < 64:
                _errors.Add(
                    LinkErrorCode.Unsupported,
                    new LinkLocation(source, ".ARM.attributes"),
                    $"build attribute {tag} is not known, and the ABI says that it must be");
                return;
            case AttributeMerge.Unknown or AttributeMerge.Ignored:
                return;
        }

        if (_dropped.Contains(tag))
        {
            return;
        }

        if (isFirst)
        {
            Set(tag, number, text, source);
            return;
        }

        if (tag is BuildAttributes.Tag_ABI_align_preserved && !(_values.ContainsKey(tag) && attributes.TryGetNumber(tag, out _)))
        {
            // Assemblers do not say it: what says nothing takes nothing back.
            if (!_values.ContainsKey(tag))
            {
                Set(tag, number, text, source);
            }

            return;
        }

        ulong before = Number(tag);
        string? textBefore = _values.GetValueOrDefault(tag).Text;
        switch (how)
        {
            case AttributeMerge.Strongest:
                Set(tag, Combine(tag, before, number), null, number > before ? source : null);
                break;
            case AttributeMerge.Weakest:
                Set(tag, Math.Min(before, number), null, source);
                break;
            case AttributeMerge.Common:
                if (before != number || textBefore != text)
                {
                    _values.Remove(tag);
                    _dropped.Add(tag);
                }

                break;
            case AttributeMerge.Compatible:
                MergeCompatible(tag, before, number, source);
                break;
        }
    }

    private void Set(uint tag, ulong number, string? text, string? source)
    {
        _values[tag] = (number, text);
        if (source is not null && (number is not 0 || !_sources.ContainsKey(tag)))
        {
            _sources[tag] = source;
        }
    }

    private static ulong Combine(uint tag, ulong first, ulong second)
    {
        switch (tag)
        {
            case BuildAttributes.Tag_CPU_arch:
                if ((first is 7 or 9 && second is 8) || (first is 8 && second is 7 or 9))
                {
                    return 10; // v6K and v6T2 have each what the other lacks: v7 has both
                }

                return Strength(first) >= Strength(second) ? first : second;
            case BuildAttributes.Tag_CPU_arch_profile: // 'S' is 'A' or 'R'
                return first is 0 or 'S' && second is not 0 ? second : first;
            case BuildAttributes.Tag_ABI_align_needed: // 1, eight bytes, is more than 2, four
                return Alignment(first) >= Alignment(second) ? first : second;
            case BuildAttributes.Tag_FP_arch:
                return CombineFloatingPoint(first, second);
            default:
                return Math.Max(first, second);
        }

        static int Strength(ulong architecture) =>
            architecture <= 22 ? Array.IndexOf(ArchitecturesByStrength, (int)architecture) : int.MaxValue;
    }

    /// <summary>Versions of the floating-point unit come with 32 registers (odd from 3 on) or with 16.</summary>
    private static ulong CombineFloatingPoint(ulong first, ulong second)
    {
        if (first < 3 || second < 3)
        {
            return Math.Max(first, second);
        }

        ulong version = Math.Max((first + 1) / 2, (second + 1) / 2);
        bool hasAll = first % 2 is 1 || second % 2 is 1;
        return (version * 2) - (hasAll ? 1UL : 0);
    }

    private static ulong Alignment(ulong value) => value switch { 0 => 1, 1 => 8, 2 => 4, <= 12 => 1UL << (int)value, _ => 8 };

    /// <summary>Two values that both mean something must be the same.</summary>
    private void MergeCompatible(uint tag, ulong before, ulong number, string source)
    {
        AttributeRules.Convention convention = AttributeRules.Conventions[tag];
        if (before == number || number == convention.Neutral)
        {
            return;
        }

        if (before == convention.Neutral)
        {
            Set(tag, number, null, source);
            return;
        }

        string other = _sources.GetValueOrDefault(tag, "an object before it");
        string message = $"{convention.Meaning(number)}, and {other} {convention.Meaning(before)} ({convention.Name})";
        if (convention.IsFatal)
        {
            _errors.Add(LinkErrorCode.Unsupported, new LinkLocation(source), message);
        }
        else
        {
            _warnings.Add($"{source} {message}");
        }
    }

    /// <summary>Floating-point arguments, of objects that compute with such numbers at all; alignment; profiles.</summary>
    private void MergeCallingConvention(string source, BuildAttributes attributes, bool isFirst)
    {
        const ulong compatible = 3;
        attributes.TryGetNumber(BuildAttributes.Tag_ABI_VFP_args, out ulong arguments);
        attributes.TryGetNumber(BuildAttributes.Tag_ABI_FP_number_model, out ulong model);
        ulong argumentsBefore = Number(BuildAttributes.Tag_ABI_VFP_args);
        ulong modelBefore = Number(BuildAttributes.Tag_ABI_FP_number_model);
        if (isFirst || (modelBefore is 0 && argumentsBefore is 0) || (argumentsBefore is compatible && model is not 0))
        {
            Set(BuildAttributes.Tag_ABI_VFP_args, arguments, null, source);
            _sources[BuildAttributes.Tag_ABI_VFP_args] = source;
        }
        else if (arguments != argumentsBefore && arguments is not compatible && (model is not 0 || arguments is not 0))
        {
            AttributeRules.Convention convention = AttributeRules.FloatingPointArguments;
            _errors.Add(
                LinkErrorCode.Unsupported,
                new LinkLocation(source),
                $"{convention.Meaning(arguments)}, and {_sources[BuildAttributes.Tag_ABI_VFP_args]} "
                + $"{convention.Meaning(argumentsBefore)} ({convention.Name}): compile both with the same -mfloat-abi");
        }

        Set(BuildAttributes.Tag_ABI_FP_number_model, Math.Max(model, modelBefore), null, source);
        if (isFirst)
        {
            return;
        }

        CheckProfile(source, attributes);
        CheckAlignment(source, attributes);
    }

    private void CheckProfile(string source, BuildAttributes attributes)
    {
        attributes.TryGetNumber(BuildAttributes.Tag_CPU_arch_profile, out ulong profile);
        ulong before = Number(BuildAttributes.Tag_CPU_arch_profile);
        bool isClassic = profile is 'S' && before is 'A' or 'R';
        bool wasClassic = before is 'S' && profile is 'A' or 'R';
        if (profile == before || profile is 0 || before is 0 || isClassic || wasClassic)
        {
            return;
        }

        _errors.Add(
            LinkErrorCode.Unsupported,
            new LinkLocation(source),
            $"is for processors of the {(char)profile} profile, and "
            + $"{_sources.GetValueOrDefault(BuildAttributes.Tag_CPU_arch_profile, "another object")} for those of the "
            + $"{(char)before} profile (Tag_CPU_arch_profile)");
    }

    /// <summary>Who needs eight-byte alignment must not be called by who says that it does not keep it.</summary>
    private void CheckAlignment(string source, BuildAttributes attributes)
    {
        attributes.TryGetNumber(BuildAttributes.Tag_ABI_align_needed, out ulong needed);
        bool says = attributes.TryGetNumber(BuildAttributes.Tag_ABI_align_preserved, out ulong preserved);
        ulong neededBefore = Number(BuildAttributes.Tag_ABI_align_needed);
        bool saidBefore = _values.TryGetValue(BuildAttributes.Tag_ABI_align_preserved, out (ulong Number, string? Text) before);
        Compare(source, needed, saidBefore, before.Number, BuildAttributes.Tag_ABI_align_preserved, isNeededHere: true);
        Compare(source, neededBefore, says, preserved, BuildAttributes.Tag_ABI_align_needed, isNeededHere: false);
    }

    private void Compare(string source, ulong needed, bool says, ulong preserved, uint otherTag, bool isNeededHere)
    {
        // 0: not preserved; 1: eight bytes, but by leaf functions; 2: eight bytes; n: 2 to the n.
        ulong kept = preserved switch { 0 => 1, 1 or 2 => 8, <= 12 => 1UL << (int)preserved, _ => 8 };
        if (needed is 0 || !says || Alignment(needed) <= kept)
        {
            return;
        }

        string other = _sources.GetValueOrDefault(otherTag, "another object");
        _errors.Add(
            LinkErrorCode.Unsupported,
            new LinkLocation(source),
            isNeededHere
                ? $"needs data aligned to {CountText.Of(Alignment(needed), "byte")} (Tag_ABI_align_needed), and {other} keeps the stack aligned to {kept} only"
                : $"keeps the stack aligned to {CountText.Of(kept, "byte")} only (Tag_ABI_align_preserved), and {other} needs {Alignment(needed)}");
    }
}
