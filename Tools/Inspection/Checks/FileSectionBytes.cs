namespace ElfLoader.Inspection.Checks;

/// <summary>
/// Gives sections that the program does not have in memory addresses for loads, far from all that it has: where LLVM has
/// the addresses of its own buffers.
/// </summary>
internal sealed class FileSectionBytes
{
    private const ulong First = 0xffff_0000_0000_0000;
    private const ulong Distance = 1UL << 32;

    private readonly LinkedImage _image;

    internal FileSectionBytes(LinkedImage image) => _image = image;

    /// <summary>The address of a section, or null.</summary>
    internal ulong? Find(string file, string section)
    {
        for (int i = 0; i < _image.FileSections.Count; i++)
        {
            ImageFileSection candidate = _image.FileSections[i];
            if (candidate.Object == file && (candidate.Section == section || $"{candidate.Section}#{candidate.Index}" == section))
            {
                return First + ((ulong)i * Distance);
            }
        }

        return null;
    }

    /// <summary>Reads bytes at such an address.</summary>
    internal bool TryRead(ulong address, Span<byte> destination)
    {
        if (address < First || (address - First) / Distance >= (ulong)_image.FileSections.Count)
        {
            return false;
        }

        ReadOnlySpan<byte> bytes = _image.FileSections[(int)((address - First) / Distance)].Bytes.Span;
        ulong offset = (address - First) % Distance;
        if (offset > (ulong)bytes.Length || (ulong)destination.Length > (ulong)bytes.Length - offset)
        {
            return false;
        }

        bytes.Slice((int)offset, destination.Length).CopyTo(destination);
        return true;
    }
}
