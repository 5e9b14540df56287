using System.Buffers.Binary;

namespace ElfLoader.Elf;

/// <summary>
/// What .note.gnu.property says of an object as a whole (Linux Extensions to gABI, "Program Property").
/// </summary>
public sealed class GnuProperties
{
    /// <summary>Least size of the stack, in bytes.</summary>
    public const uint GNU_PROPERTY_STACK_SIZE = 1;

    /// <summary>Features that the program has only if all its objects have them.</summary>
    public const uint GNU_PROPERTY_X86_FEATURE_1_AND = 0xc000_0002;

    /// <summary>Bit of FEATURE_1_AND: indirect branches go to ENDBR instructions.</summary>
    public const uint GNU_PROPERTY_X86_FEATURE_1_IBT = 1;

    /// <summary>Bit of FEATURE_1_AND: the code is compatible with shadow stacks.</summary>
    public const uint GNU_PROPERTY_X86_FEATURE_1_SHSTK = 2;

    /// <summary>Levels of the x86-64 instruction set that must be there.</summary>
    public const uint GNU_PROPERTY_X86_ISA_1_NEEDED = 0xc000_8002;

    /// <summary>Levels of the x86-64 instruction set that are used where they are there.</summary>
    public const uint GNU_PROPERTY_X86_ISA_1_USED = 0xc001_0002;

    private const uint NT_GNU_PROPERTY_TYPE_0 = 5;

    private readonly Dictionary<uint, ulong> _values = [];

    /// <summary>The properties that have a value of 4 or 8 bytes, or none.</summary>
    public IReadOnlyDictionary<uint, ulong> Values => _values;

    /// <summary>Gets the value of a property; false where the object does not have it.</summary>
    public bool TryGet(uint property, out ulong value) => _values.TryGetValue(property, out value);

    /// <summary>Adds the properties of one section; false where it breaks the format's rules.</summary>
    internal bool TryAdd(ReadOnlySpan<byte> notes, int wordSize)
    {
        while (!notes.IsEmpty)
        {
            if (!TryTakeNote(
                ref notes, wordSize, out uint type, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
            {
                return false;
            }

            if (type == NT_GNU_PROPERTY_TYPE_0 && name.SequenceEqual("GNU\0"u8) && !TryAddProperties(value, wordSize))
            {
                return false;
            }
        }

        return true;
    }

    private bool TryAddProperties(ReadOnlySpan<byte> rest, int wordSize)
    {
        while (!rest.IsEmpty)
        {
            if (rest.Length < 8)
            {
                return false;
            }

            uint type = BinaryPrimitives.ReadUInt32LittleEndian(rest);
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
            rest = rest[8..];
            if (!TryTakePadded(ref rest, size, wordSize, out ReadOnlySpan<byte> value))
            {
                return false;
            }

            // A property that stands twice in one object says both: they are sets of bits.
            if (size is 0 or 4 or 8)
            {
                ulong number = size switch
                {
                    0 => 0,
                    4 => BinaryPrimitives.ReadUInt32LittleEndian(value),
                    _ => BinaryPrimitives.ReadUInt64LittleEndian(value),
                };
                _values[type] = _values.GetValueOrDefault(type) | number;
            }
        }

        return true;
    }

    /// <summary>Takes a note: sizes of name and value, type, then both, padded.</summary>
    private static bool TryTakeNote(
        ref ReadOnlySpan<byte> rest,
        int wordSize,
        out uint type,
        out ReadOnlySpan<byte> name,
        out ReadOnlySpan<byte> value)
    {
        type = 0;
        name = value = default;
        if (rest.Length < 12)
        {
            return false;
        }

        uint nameSize = BinaryPrimitives.ReadUInt32LittleEndian(rest);
        uint valueSize = BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
        type = BinaryPrimitives.ReadUInt32LittleEndian(rest[8..]);
        rest = rest[12..];
        return TryTakePadded(ref rest, nameSize, sizeof(uint), out name)
            && TryTakePadded(ref rest, valueSize, wordSize, out value);
    }

    private static bool TryTakePadded(
        ref ReadOnlySpan<byte> rest, uint size, int alignment, out ReadOnlySpan<byte> part)
    {
        part = default;
        if (size > (uint)rest.Length)
        {
            return false;
        }

        part = rest[..(int)size];
        long padded = ((long)size + alignment - 1) & -alignment;
        rest = rest[(int)Math.Min(padded, rest.Length)..];
        return true;
    }
}
