using ElfLoader.Memory;

namespace ElfLoader.Elf;

/// <summary>
/// The bytes of one file. Every offset and length that comes from the file goes through <see cref="Slice"/>, which
/// is the only bounds check the readers need.
/// </summary>
/// <param name="name">Name of the file, for messages.</param>
/// <param name="bytes">The whole file.</param>
internal readonly ref struct ElfImage(string name, ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Name of the file, for messages.</summary>
    public string Name { get; } = name;

    /// <summary>Bytes in the file.</summary>
    public int Length => _bytes.Length;

    /// <summary>Returns a part of the file.</summary>
    /// <param name="offset">Bytes from the start of the file, as the file states it.</param>
    /// <param name="length">Bytes, as the file states it.</param>
    /// <param name="what">What the part is, for the message.</param>
    /// <exception cref="LinkException">The part does not lie within the file.</exception>
    public ReadOnlySpan<byte> Slice(ulong offset, ulong length, string what)
    {
        if (!Contains(offset, length))
        {
            throw new LinkException(
                LinkErrorCode.Malformed,
                new LinkLocation(Name, Offset: offset),
                $"{what} of {CountText.Of(length, "byte")} ends past the {CountText.Of(_bytes.Length, "byte")} of the file; is it cut off?");
        }

        return _bytes.Slice((int)offset, (int)length);
    }

    /// <summary>Whether a part that the file states lies within it.</summary>
    public bool Contains(ulong offset, ulong length) =>
        offset <= (ulong)_bytes.Length && length <= (ulong)_bytes.Length - offset;
}
