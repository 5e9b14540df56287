using System.Buffers.Binary;

namespace ElfLoader.Images;

/// <summary>
/// What code that asks the run-time for a thread-local address calls in a static executable, whose one TLS block lies at a
/// fixed distance from the thread pointer. Most such code is relaxed and does not get here; static C libraries of
/// machines whose linkers relax all of it do not provide these functions.
/// </summary>
internal sealed class ImageTlsCode
{
    private const int Alignment = 16;

    /// <summary><c>__tls_get_addr</c>, of a TLS index {module, offset}; empty where every C library has it.</summary>
    internal byte[] GetAddress { get; init; } = [];

    /// <summary>Where in it a word holds the distance of the TLS block from the thread pointer.</summary>
    internal int BlockField { get; init; }

    /// <summary>Resolver of TLS descriptors whose argument is the distance from the thread pointer.</summary>
    internal required byte[] Resolver { get; init; }

    /// <summary>Offset of the resolver, behind the function.</summary>
    internal int ResolverOffset => (GetAddress.Length + Alignment - 1) / Alignment * Alignment;

    /// <summary>Bytes of both.</summary>
    internal int Size => ResolverOffset + Resolver.Length;

    /// <summary>For x86-64.</summary>
    internal static ImageTlsCode X64 { get; } = new()
    {
        GetAddress =
        [
            0xf3, 0x0f, 0x1e, 0xfa, // endbr64
            0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0, // mov %fs:0, %rax
            0x48, 0x05, 0, 0, 0, 0, // add $block, %rax
            0x48, 0x03, 0x47, 0x08, // add 8(%rdi), %rax
            0xc3, // ret
        ],
        BlockField = 15,
        Resolver =
        [
            0xf3, 0x0f, 0x1e, 0xfa, // endbr64
            0x48, 0x8b, 0x40, 0x08, // mov 8(%rax), %rax
            0xc3, // ret
        ],
    };

    /// <summary>For 32-bit Arm.</summary>
    internal static ImageTlsCode Arm { get; } = new()
    {
        Resolver =
        [
            0x00, 0x00, 0x90, 0xe5, // ldr r0, [r0]
            0x1e, 0xff, 0x2f, 0xe1, // bx lr
        ],
    };

    /// <summary>Writes both.</summary>
    /// <param name="code">The bytes, <see cref="Size"/> of them.</param>
    /// <param name="block">Distance of the TLS block from the thread pointer.</param>
    /// <param name="padding">What fills the gap.</param>
    internal void Write(Span<byte> code, long block, byte padding)
    {
        code.Fill(padding);
        GetAddress.CopyTo(code);
        if (GetAddress.Length > 0)
        {
            BinaryPrimitives.WriteInt32LittleEndian(code[BlockField..], checked((int)block));
        }

        Resolver.CopyTo(code[ResolverOffset..]);
    }
}
