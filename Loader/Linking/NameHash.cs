using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ElfLoader.Linking;

/// <summary>The hash that symbol names are looked up by: computed once per name, over its UTF-8 bytes.</summary>
/// <remarks>Seeded for each process, so that hostile names cannot be chosen to collide.</remarks>
internal static class NameHash
{
    private const ulong Multiplier = 0x9E37_79B9_7F4A_7C15; // 2^64 divided by the golden ratio (Knuth, TAOCP 3, 6.4)

    private static readonly ulong Seed =
        BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong)));

    /// <summary>Hashes a name.</summary>
    internal static ulong Of(ReadOnlySpan<byte> name)
    {
        ulong hash = Seed ^ ((ulong)name.Length * Multiplier);
        while (name.Length >= sizeof(ulong))
        {
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(name));
            name = name[sizeof(ulong)..];
        }

        ulong tail = 0;
        for (int i = 0; i < name.Length; i++)
        {
            tail |= (ulong)name[i] << (8 * i);
        }

        return Mix(hash ^ tail);
    }

    /// <summary>Hashes a name given as text.</summary>
    internal static ulong Of(string name) => Of(System.Text.Encoding.UTF8.GetBytes(name));

    private static ulong Mix(ulong value)
    {
        ulong high = Math.BigMul(value, Multiplier, out ulong low);
        return high ^ low;
    }
}
