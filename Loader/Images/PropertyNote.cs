using System.Buffers.Binary;
using ElfLoader.Elf;
using ElfLoader.Linking;

namespace ElfLoader.Images;

/// <summary>
/// What all objects of an image promise about their code (<c>.note.gnu.property</c>; x86-64 psABI, "Program Property"):
/// only what everyone promises holds for the whole.
/// </summary>
internal static class PropertyNote
{
    private const uint NT_GNU_PROPERTY_TYPE_0 = 5;
    private const uint GNU_PROPERTY_X86_FEATURE_1_AND = 0xc000_0002;

    private static ReadOnlySpan<byte> Owner => "GNU\0"u8;

    /// <summary>The image's note; null where there is nothing to say.</summary>
    internal static byte[]? Merge(ImageMachine machine, IReadOnlyList<LinkObject> objects)
    {
        if (machine.Rules.Architecture.Machine is not ElfConstants.EM_X86_64)
        {
            return null;
        }

        uint common = uint.MaxValue;
        foreach (LinkObject file in objects)
        {
            common &= FeaturesOf(file.Elf);
        }

        if (common is 0 or uint.MaxValue)
        {
            return null;
        }

        byte[] note = new byte[32];
        BinaryPrimitives.WriteInt32LittleEndian(note, Owner.Length);
        BinaryPrimitives.WriteInt32LittleEndian(note.AsSpan(4), 16);
        BinaryPrimitives.WriteUInt32LittleEndian(note.AsSpan(8), NT_GNU_PROPERTY_TYPE_0);
        Owner.CopyTo(note.AsSpan(12));
        BinaryPrimitives.WriteUInt32LittleEndian(note.AsSpan(16), GNU_PROPERTY_X86_FEATURE_1_AND);
        BinaryPrimitives.WriteInt32LittleEndian(note.AsSpan(20), sizeof(uint));
        BinaryPrimitives.WriteUInt32LittleEndian(note.AsSpan(24), common);
        return note;
    }

    /// <summary>The features of one object; none where it says nothing, or nothing that can be read.</summary>
    private static uint FeaturesOf(ElfObject elf)
    {
        for (int i = 1; i < elf.Sections.Length; i++)
        {
            if (elf.Sections[i].Type is ElfConstants.SHT_NOTE && elf.SectionName(i).SequenceEqual(".note.gnu.property"u8)
                && FeaturesOf(elf.SectionBytes(i)) is { } features)
            {
                return features;
            }
        }

        return 0;
    }

    private static uint? FeaturesOf(ReadOnlySpan<byte> notes)
    {
        while (notes.Length >= 16)
        {
            uint ownerSize = BinaryPrimitives.ReadUInt32LittleEndian(notes);
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(notes[4..]);
            uint type = BinaryPrimitives.ReadUInt32LittleEndian(notes[8..]);
            ReadOnlySpan<byte> rest = notes[12..];
            if (ownerSize != Owner.Length || size > rest.Length - Owner.Length)
            {
                return null;
            }

            if (type is NT_GNU_PROPERTY_TYPE_0 && rest.StartsWith(Owner))
            {
                return FeatureIn(rest.Slice(Owner.Length, (int)size));
            }

            notes = rest[Math.Min(rest.Length, Owner.Length + (int)AlignUp(size))..];
        }

        return null;
    }

    private static uint? FeatureIn(ReadOnlySpan<byte> properties)
    {
        while (properties.Length >= 8)
        {
            uint type = BinaryPrimitives.ReadUInt32LittleEndian(properties);
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(properties[4..]);
            properties = properties[8..];
            if (size > properties.Length)
            {
                return null;
            }

            if (type is GNU_PROPERTY_X86_FEATURE_1_AND && size is sizeof(uint))
            {
                return BinaryPrimitives.ReadUInt32LittleEndian(properties);
            }

            properties = properties[(int)Math.Min((ulong)properties.Length, AlignUp(size))..];
        }

        return null;
    }

    /// <summary>Everything in a property note of a 64-bit object is aligned to eight bytes.</summary>
    private static ulong AlignUp(uint size) => (size + 7UL) & ~7UL;
}
