using System.Text;

namespace ElfLoader.Elf.Unwind;

/// <summary>
/// Information that several descriptions of unwind tables share, a CIE (LSB, "The Common Information Entry Format"), of the
/// versions 1 and 3 and with the augmentations that compilers make.
/// </summary>
internal readonly ref struct CommonInformation
{
    private const byte DW_EH_PE_absptr = 0x00;

    /// <summary>The two alignment factors, as they are stored.</summary>
    internal ReadOnlySpan<byte> Factors { get; private init; }

    /// <summary>The return address's register, as it is stored: a byte in version 1, else LEB128.</summary>
    internal ReadOnlySpan<byte> ReturnRegister { get; private init; }

    /// <summary>The augmentation; empty, or it begins with z.</summary>
    internal ReadOnlySpan<byte> Augmentation { get; private init; }

    /// <summary>How addresses of functions are stored (R; DW_EH_PE_…).</summary>
    internal byte AddressEncoding { get; private init; }

    /// <summary>How the address of the personality routine is stored (P); null where there is none.</summary>
    internal byte? PersonalityEncoding { get; private init; }

    /// <summary>How addresses of a language's data are stored (L); null where descriptions have none.</summary>
    internal byte? DataEncoding { get; private init; }

    /// <summary>The instructions that all descriptions begin with.</summary>
    internal ReadOnlySpan<byte> Instructions { get; private init; }

    /// <summary>Whether descriptions have augmentation data.</summary>
    internal bool HasAugmentation => !Augmentation.IsEmpty;

    /// <summary>Reads an entry.</summary>
    /// <param name="entry">The record behind its length and its identity.</param>
    /// <param name="wordSize">Size of an address, in bytes.</param>
    /// <param name="found">The information.</param>
    /// <returns>What is wrong, as it follows the name of a section; or null.</returns>
    internal static string? Read(ReadOnlySpan<byte> entry, int wordSize, out CommonInformation found)
    {
        const string tooSoon = "has a common information entry that ends too soon";
        found = default;
        if (entry.Length < 2)
        {
            return tooSoon;
        }

        byte version = entry[0];
        if (version is not (1 or 3))
        {
            return $"has a common information entry of version {version}; 1 and 3 are known";
        }

        ReadOnlySpan<byte> rest = entry[1..];
        int end = rest.IndexOf((byte)0);
        if (end < 0)
        {
            return "has an augmentation string without an end";
        }

        ReadOnlySpan<byte> augmentation = rest[..end];
        rest = rest[(end + 1)..];
        ReadOnlySpan<byte> factors = rest;
        bool hasFactors = Leb128.TrySkip(ref rest) && Leb128.TrySkip(ref rest);
        ReadOnlySpan<byte> register = rest;
        bool hasRegister = version is 1 ? TrySkip(ref rest, 1) : Leb128.TrySkip(ref rest);
        if (!hasFactors || !hasRegister)
        {
            return tooSoon;
        }

        factors = factors[..^register.Length];
        register = register[..^rest.Length];
        if (augmentation.IsEmpty)
        {
            found = new CommonInformation { Factors = factors, ReturnRegister = register, Instructions = rest };
            return null;
        }

        if (augmentation[0] is not (byte)'z' || !Leb128.TryTakeUnsigned(ref rest, out ulong length))
        {
            return $"has an augmentation '{Encoding.UTF8.GetString(augmentation)}' that is not known";
        }

        if (length > (ulong)rest.Length)
        {
            return tooSoon;
        }

        string? problem = ReadAugmentation(
            augmentation, rest[..(int)length], wordSize, out byte address, out byte? personality, out byte? data);
        found = new CommonInformation
        {
            Factors = factors,
            ReturnRegister = register,
            Augmentation = augmentation,
            AddressEncoding = address,
            PersonalityEncoding = personality,
            DataEncoding = data,
            Instructions = rest[(int)length..],
        };
        return problem;
    }

    private static string? ReadAugmentation(
        ReadOnlySpan<byte> augmentation,
        ReadOnlySpan<byte> bytes,
        int wordSize,
        out byte address,
        out byte? personality,
        out byte? data)
    {
        (address, personality, data) = (DW_EH_PE_absptr, null, null);
        foreach (byte letter in augmentation[1..])
        {
            if (letter is (byte)'S' or (byte)'B' or (byte)'G')
            {
                continue; // a signal handler's frame; AArch64's keys and tags
            }

            if (letter is not ((byte)'R' or (byte)'P' or (byte)'L'))
            {
                return $"has an augmentation letter '{(char)letter}' that is not known";
            }

            if (bytes.IsEmpty)
            {
                return "has a common information entry that ends too soon";
            }

            byte encoding = bytes[0];
            bytes = bytes[1..];
            switch (letter)
            {
                case (byte)'R':
                    address = encoding;
                    break;
                case (byte)'L':
                    data = encoding;
                    break;
                case (byte)'P':
                    personality = encoding;
                    if (EhFrame.SizeOf(encoding, wordSize) is not { } size)
                    {
                        return "has a pointer encoding that is not known";
                    }

                    if (!TrySkip(ref bytes, size))
                    {
                        return "has a common information entry that ends too soon";
                    }

                    break;
            }
        }

        return null;
    }

    private static bool TrySkip(ref ReadOnlySpan<byte> rest, int count)
    {
        bool found = count <= rest.Length;
        rest = found ? rest[count..] : rest;
        return found;
    }
}
