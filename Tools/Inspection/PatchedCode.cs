using ElfLoader.Elf;

namespace ElfLoader.Inspection;

/// <summary>The code of a linked image beside the code that the compiler left: what relocations made of instructions.</summary>
/// <remarks>Remembers the last section that was asked for. Not thread-safe.</remarks>
public sealed class PatchedCode
{
    private (int Object, SectionContents Contents)? _contents;
    private readonly LinkedImage _image;
    private readonly ImageNames _names;
    private (int Object, int Section) _current = (-1, -1);
    private CodeLine[] _before = [];
    private CodeLine[] _after = [];

    /// <summary>Starts with an image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="names">The names of its addresses.</param>
    public PatchedCode(LinkedImage image, ImageNames names)
    {
        _image = image;
        _names = names;
    }

    /// <summary>The instructions that a relocation changed, as they were and as they are; null where the place is no code.</summary>
    public (string Before, string After)? Of(PatchRecord patch)
    {
        ArgumentNullException.ThrowIfNull(patch);
        ElfObject elf = _image.Objects[patch.ObjectIndex];
        if (!IsCode(elf, patch.SectionIndex))
        {
            return null;
        }

        ulong start = patch.Address - patch.Offset;
        if (_current != (patch.ObjectIndex, patch.SectionIndex))
        {
            _before = [.. Disassembly.Of(elf, patch.SectionIndex, ContentsOf(patch.ObjectIndex))];
            _after = [.. Linked(patch.ObjectIndex, patch.SectionIndex, start)];
            _current = (patch.ObjectIndex, patch.SectionIndex);
        }

        ulong end = patch.BytesOffset + (ulong)patch.Before.Length;
        return (Text(_before, patch.BytesOffset, end), Text(_after, start + patch.BytesOffset, start + end));
    }

    /// <summary>The instructions of a section as they are linked, located by their addresses.</summary>
    /// <param name="objectIndex">Index of the object in <see cref="LinkedImage.Objects"/>.</param>
    /// <param name="section">Index of the section in it.</param>
    /// <param name="address">The section's address.</param>
    public IEnumerable<CodeLine> Linked(int objectIndex, int section, ulong address)
    {
        ElfObject elf = _image.Objects[objectIndex];
        byte[] bytes = new byte[elf.SectionBytes(section).Length];
        _ = _image.TryRead(address, bytes);
        var annotations = new ImageAnnotations(_names, new SectionAnnotations(elf, section, ContentsOf(objectIndex)), address);
        return Disassembly.Of(elf, annotations, bytes, address);
    }

    private SectionContents ContentsOf(int objectIndex)
    {
        if (_contents is not { } known || known.Object != objectIndex)
        {
            _contents = known = (objectIndex, new SectionContents(_image.Objects[objectIndex]));
        }

        return known.Contents;
    }

    /// <summary>Whether a section holds instructions that can be shown.</summary>
    public static bool IsCode(ElfObject elf, int section)
    {
        ArgumentNullException.ThrowIfNull(elf);
        ref readonly SectionHeader header = ref elf.Sections[section];
        return header.Has(ElfConstants.SHF_EXECINSTR) && !header.HasNoBytes && Disassembly.Supports(elf);
    }

    private static string Text(CodeLine[] lines, ulong start, ulong end)
    {
        int low = 0, high = lines.Length;
        while (low < high) // the first line that ends behind the start
        {
            int middle = (low + high) / 2;
            (low, high) = lines[middle].Offset + (ulong)lines[middle].Bytes.Length <= start ? (middle + 1, high) : (low, middle);
        }

        List<string> texts = [];
        for (; low < lines.Length && lines[low].Offset < end; low++)
        {
            texts.Add(lines[low].Text);
        }

        return string.Join("; ", texts);
    }
}
