namespace ElfLoader.Elf;

/// <summary>Numbers of seven bits a byte, least significant first (DWARF 5, "Variable Length Data").</summary>
internal static class Leb128
{
    /// <summary>Takes an unsigned number from the front; false where it does not end or does not fit 64 bits.</summary>
    public static bool TryTakeUnsigned(ref ReadOnlySpan<byte> bytes, out ulong value)
    {
        value = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            ulong bits = bytes[i] & 0x7fu;
            int shift = 7 * i;
            if (shift > 63 ? bits != 0 : bits << shift >> shift != bits)
            {
                return false;
            }

            value |= shift > 63 ? 0 : bits << shift;
            if (bytes[i] < 0x80)
            {
                bytes = bytes[(i + 1)..];
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes a signed number from the front; false where it does not end or does not fit 64 bits.</summary>
    public static bool TryTakeSigned(ref ReadOnlySpan<byte> bytes, out long value)
    {
        value = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            long bits = bytes[i] & 0x7f;
            int shift = 7 * i;
            if (shift >= 63)
            {
                // Only copies of the sign fit from bit 63 on.
                long sign = shift == 63 ? -(bits & 1) : value >> 63;
                if (bits != (sign & 0x7f))
                {
                    return false;
                }
            }

            value |= shift > 63 ? 0 : bits << shift;
            if (bytes[i] < 0x80)
            {
                if (shift + 7 < 64 && (bits & 0x40) != 0)
                {
                    value |= -1L << (shift + 7);
                }

                bytes = bytes[(i + 1)..];
                return true;
            }
        }

        return false;
    }

    /// <summary>Skips a number of any size at the front; false where it does not end.</summary>
    public static bool TrySkip(ref ReadOnlySpan<byte> bytes)
    {
        int last = bytes.IndexOfAnyInRange((byte)0, (byte)0x7f);
        bytes = last < 0 ? bytes : bytes[(last + 1)..];
        return last >= 0;
    }
}
