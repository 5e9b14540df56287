using System.Buffers.Binary;
using System.Text;

namespace ElfLoader.Elf;

/// <summary>
/// What an ARM object says of itself as a whole: architecture, instruction sets, conventions
/// ("Addenda to, and Errata in, the ABI for the Arm Architecture", "Build Attributes").
/// </summary>
public sealed class BuildAttributes
{
    /// <summary>Architecture: v4 is 1, v4T 2, v5T 3, v6 6, v6T2 8, v7 10, v6-M 11, v7E-M 13, v8-A 14.</summary>
    public const uint Tag_CPU_arch = 6;

    /// <summary>'A', 'R', 'M' or 'S' in ASCII; 0 where it does not apply.</summary>
    public const uint Tag_CPU_arch_profile = 7;

    /// <summary>1 where A32 instructions may be executed.</summary>
    public const uint Tag_ARM_ISA_use = 8;

    /// <summary>1 for 16-bit Thumb, 2 for Thumb-2, 3 for what the architecture implies.</summary>
    public const uint Tag_THUMB_ISA_use = 9;

    /// <summary>How static data is addressed: 1 PC-relative, 2 relative to the static base.</summary>
    public const uint Tag_ABI_PCS_RW_data = 15;

    /// <summary>Size of enumerations: 1 is as small as can be, 2 is that of int.</summary>
    public const uint Tag_ABI_enum_size = 26;

    /// <summary>Where floating-point arguments are passed: 1 in floating-point registers.</summary>
    public const uint Tag_ABI_VFP_args = 28;

    /// <summary>Floating-point unit: 1 VFPv1, 2 VFPv2, 3 VFPv3, 4 VFPv3-D16, 5 VFPv4, 6 VFPv4-D16, 7 that of v8.</summary>
    public const uint Tag_FP_arch = 10;

    /// <summary>Which numbers floating-point code computes with; 0 where there is no such code.</summary>
    public const uint Tag_ABI_FP_number_model = 23;

    /// <summary>Alignment that data needs: 1 eight bytes, 2 four bytes, n from 4 on 2 to the n.</summary>
    public const uint Tag_ABI_align_needed = 24;

    /// <summary>Alignment of the stack that the code keeps: 1 and 2 eight bytes, n from 4 on 2 to the n.</summary>
    public const uint Tag_ABI_align_preserved = 25;

    /// <summary>Which tools must process the object, if it follows more than the ABI.</summary>
    public const uint Tag_compatibility = 32;

    /// <summary>Version of the ABI that the object claims to conform to; stands first.</summary>
    public const uint Tag_conformance = 67;

    private const uint Tag_File = 1;
    private const uint Tag_CPU_raw_name = 4;
    private const uint Tag_CPU_name = 5;

    private readonly Dictionary<uint, (ulong Number, string? Text)> _values = [];

    private BuildAttributes()
    {
    }

    /// <summary>The tags that have a value.</summary>
    public IReadOnlyCollection<uint> Tags => _values.Keys;

    /// <summary>Gets a number; false where the tag is absent or a string.</summary>
    public bool TryGetNumber(uint tag, out ulong number)
    {
        bool isThere = _values.TryGetValue(tag, out (ulong Number, string? Text) value)
            && (value.Text is null || tag == Tag_compatibility);
        number = isThere ? value.Number : 0;
        return isThere;
    }

    /// <summary>Gets a string; null where the tag is absent or a number.</summary>
    public string? GetText(uint tag) =>
        _values.TryGetValue(tag, out (ulong Number, string? Text) value) ? value.Text : null;

    /// <summary>Reads the file-scope attributes of vendor "aeabi"; skips other vendors and scopes.</summary>
    /// <param name="section">The bytes of the section .ARM.attributes.</param>
    /// <returns>The attributes, or null where the bytes break the format's rules.</returns>
    internal static BuildAttributes? TryRead(ReadOnlySpan<byte> section)
    {
        // 'A', then for each vendor: size, name, then for each scope: tag, size, attributes.
        BuildAttributes attributes = new();
        if (section is not [(byte)'A', .. ReadOnlySpan<byte> rest])
        {
            return null;
        }

        while (!rest.IsEmpty)
        {
            if (!TryTakeSized(ref rest, before: 0, out ReadOnlySpan<byte> vendor)
                || !TryTakeText(ref vendor, out ReadOnlySpan<byte> name))
            {
                return null;
            }

            if (name.SequenceEqual("aeabi"u8) && !attributes.TryReadScopes(vendor))
            {
                return null;
            }
        }

        return attributes;
    }

    private bool TryReadScopes(ReadOnlySpan<byte> rest)
    {
        while (!rest.IsEmpty)
        {
            int length = rest.Length;
            if (!Leb128.TryTakeUnsigned(ref rest, out ulong scope)
                || !TryTakeSized(ref rest, before: length - rest.Length, out ReadOnlySpan<byte> values)
                || (scope == Tag_File && !TryReadValues(values)))
            {
                return false;
            }
        }

        return true;
    }

    private bool TryReadValues(ReadOnlySpan<byte> rest)
    {
        while (!rest.IsEmpty)
        {
            if (!Leb128.TryTakeUnsigned(ref rest, out ulong tag) || tag > uint.MaxValue)
            {
                return false;
            }

            // Above 32 odd tags are strings, below only these two; 32 is a number and a string.
            bool isText = tag is Tag_CPU_raw_name or Tag_CPU_name or Tag_compatibility || (tag > 32 && tag % 2 == 1);
            bool isNumber = !isText || tag == Tag_compatibility;
            ulong number = 0;
            ReadOnlySpan<byte> text = default;
            if ((isNumber && !Leb128.TryTakeUnsigned(ref rest, out number))
                || (isText && !TryTakeText(ref rest, out text)))
            {
                return false;
            }

            _values[(uint)tag] = (number, isText ? Encoding.UTF8.GetString(text) : null);
        }

        return true;
    }

    /// <summary>Takes a part whose size, counting the size itself and what stood before it, is in front.</summary>
    private static bool TryTakeSized(scoped ref ReadOnlySpan<byte> rest, int before, out ReadOnlySpan<byte> part)
    {
        part = default;
        if (rest.Length < sizeof(uint))
        {
            return false;
        }

        long size = (long)BinaryPrimitives.ReadUInt32LittleEndian(rest) - before;
        if (size < sizeof(uint) || size > rest.Length)
        {
            return false;
        }

        part = rest[sizeof(uint)..(int)size];
        rest = rest[(int)size..];
        return true;
    }

    private static bool TryTakeText(scoped ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> text)
    {
        int end = rest.IndexOf((byte)0);
        text = end < 0 ? default : rest[..end];
        rest = end < 0 ? rest : rest[(end + 1)..];
        return end >= 0;
    }
}
