using System.Buffers.Binary;

namespace ElfLoader.Linking;

/// <summary>The hash that symbol names are looked up by: computed once per name, over its UTF-8 bytes.</summary>
/// <remarks>Seeded for each process, so that hostile names cannot be chosen to collide.</remarks>
internal static class NameHash
{
    private const ulong Multiplier = 0x9E37_79B9_7F4A_7C15; // 2^64 divided by the golden ratio (Knuth, TAOCP 3, 6.4)

    /// <summary>
    /// Random: a GUID of version 4 has it from the system. (A generator of keys would have it from there, too, but only after
    /// it has loaded a cryptographic library, which takes longer than to link many an object.)
    /// </summary>
    private static readonly ulong Seed = NewSeed();

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

    private static ulong NewSeed()
    {
        Span<byte> random = stackalloc byte[16];
        _ = Guid.NewGuid().TryWriteBytes(random);
        ulong high = BinaryPrimitives.ReadUInt64LittleEndian(random[8..]);
        return Mix(BinaryPrimitives.ReadUInt64LittleEndian(random) ^ Mix(high)); // six of the bits are the same in all
    }

    private static ulong Mix(ulong value)
    {
        ulong high = Math.BigMul(value, Multiplier, out ulong low);
        return high ^ low;
    }
}
