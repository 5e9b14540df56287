using System.IO.Compression;
using ElfLoader.Elf;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Elf;

/// <summary>SHF_COMPRESSED, of both classes.</summary>
[TestFixture(true)]
[TestFixture(false)]
public sealed class CompressionTests(bool is64Bit)
{
    /// <summary>Python's <c>zlib.compress(b"hello hello hello hello\n" * 3)</c>.</summary>
    private const string Hello = "789ccb48cdc9c957c84027b9304408880300c6b71a2f";

    private static readonly byte[] HelloText =
        [.. "hello hello hello hello\nhello hello hello hello\nhello hello hello hello\n"u8];

    [Test]
    public void InflatesZlib()
    {
        ElfObject read = ReadCompressed(1, 72, 8, Hello);

        Assert.That(read.Compression(1), Is.EqualTo(new CompressionHeader(ELFCOMPRESS_ZLIB, 72, 8)));
        Assert.That(read.Decompress(1), Is.EqualTo(HelloText));
        Assert.That(read.SectionBytes(1).Length, Is.EqualTo((is64Bit ? 24 : 12) + (Hello.Length / 2)));
    }

    [Test]
    public void CopiesWhatIsNotCompressed()
    {
        ElfBuilder builder = new(is64Bit);
        int section = builder.AddCode(".text", 1, 2, 3);
        ElfObject read = ElfObject.Read(builder.Build(), "a.o");

        Assert.That(read.Compression(section), Is.Null);
        Assert.That(read.Decompress(section), Is.EqualTo(new byte[] { 1, 2, 3 }));
    }

    [Test]
    public void InflatesTheBestThatDeflateCanDo()
    {
        byte[] zeros = new byte[1 << 22];
        MemoryStream compressed = new();
        using (ZLibStream zlib = new(compressed, CompressionLevel.SmallestSize))
        {
            zlib.Write(zeros);
        }

        ElfObject read = ReadCompressed(1, (uint)zeros.Length, 1, Convert.ToHexString(compressed.ToArray()));

        Assert.That(read.Decompress(1), Is.EqualTo(zeros));
    }

    [TestCase(1u, 71u, Hello, LinkErrorCode.Malformed, "decompresses to more than the claimed 71 bytes")]
    [TestCase(1u, 73u, Hello, LinkErrorCode.Malformed, "decompresses to less than the claimed 73 bytes")]
    [TestCase(1u, 72u, "789ccb48cdc9c957", LinkErrorCode.Malformed, "decompresses to less than the claimed 72 bytes")]
    [TestCase(1u, 72u, "789ccb48cdc9c957c84027b9304408880300c6b71a2e", LinkErrorCode.Malformed, "are malformed")]
    [TestCase(1u, 72u, "00112233445566778899", LinkErrorCode.Malformed, "are malformed")]
    [TestCase(1u, 72u, "", LinkErrorCode.Malformed, "0 bytes cannot be the compressed form of 72")]
    [TestCase(1u, 0x10000u, Hello, LinkErrorCode.Malformed, "22 bytes cannot be the compressed form of 65536")]
    [TestCase(1u, 0x100001u, Hello, LinkErrorCode.LimitExceeded, "size of 1048577 exceeds the limit of 1048576")]
    [TestCase(1u, uint.MaxValue, Hello, LinkErrorCode.LimitExceeded, "size of 4294967295 exceeds the limit")]
    [TestCase(2u, 72u, Hello, LinkErrorCode.Unsupported, "compressed with zstd; use zlib")]
    [TestCase(3u, 72u, Hello, LinkErrorCode.Unsupported, "compression type 3 is not known")]
    public void RefusesToInflate(uint type, uint size, string compressed, LinkErrorCode code, string message)
    {
        ReadLimits limits = new() { MaximumDecompressedSize = 1 << 20 };
        ElfObject read = ReadCompressed(type, size, 1, compressed, limits);

        LinkException thrown = Assert.Throws<LinkException>(() => read.Decompress(1))!;

        Assert.That(thrown.Errors[0].Code, Is.EqualTo(code));
        Assert.That(thrown.Message, Does.StartWith("a.o: .debug_str: ").And.Contains(message));
    }

    private ElfObject ReadCompressed(
        uint type, uint size, uint alignment, string compressed, ReadLimits? limits = null)
    {
        byte[] header = is64Bit
            ? [.. BitConverter.GetBytes((ulong)type), .. BitConverter.GetBytes((ulong)size),
                .. BitConverter.GetBytes((ulong)alignment)]
            : [.. BitConverter.GetBytes(type), .. BitConverter.GetBytes(size), .. BitConverter.GetBytes(alignment)];
        ElfBuilder builder = new(is64Bit);
        builder.AddSection(
            ".debug_str", SHT_PROGBITS, SHF_COMPRESSED, [.. header, .. Convert.FromHexString(compressed)]);
        return ElfObject.Read(builder.Build(), "a.o", limits);
    }
}
