using System.IO.Compression;
using System.Runtime.InteropServices;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>zlib from its static archive.</summary>
[Category("EndToEnd")]
public sealed class ZlibTests
{
    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Compress(
        [Out] byte[] destination, ref nuint destinationLength, [In] byte[] source, nuint sourceLength, int level);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Uncompress(
        [Out] byte[] destination, ref nuint destinationLength, [In] byte[] source, nuint sourceLength);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nuint Checksum(nuint start, [In] byte[] data, uint length);

    [Test]
    public void RoundTripAgreesWithTheFrameworksOwnZlib([Values(0, 1, 6, 9)] int level)
    {
        byte[] data = [.. Enumerable.Range(0, 200_000).Select(i => (byte)((i * i) >> (i % 13)))];
        byte[] packed = new byte[data.Length + 1000];
        byte[] unpacked = new byte[data.Length];
        nuint packedLength = (nuint)packed.Length;
        nuint unpackedLength = (nuint)unpacked.Length;
        using ObjectLibrary library = Load();

        int compressed = library.GetFunction<Compress>("compress2")(
            packed, ref packedLength, data, (nuint)data.Length, level);
        int uncompressed = library.GetFunction<Uncompress>("uncompress")(
            unpacked, ref unpackedLength, packed, packedLength);

        using var reader = new ZLibStream(new MemoryStream(packed, 0, (int)packedLength), CompressionMode.Decompress);
        using var framework = new MemoryStream();
        reader.CopyTo(framework);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((compressed, uncompressed), Is.EqualTo((0, 0)));
            Assert.That(unpacked, Is.EqualTo(data));
            Assert.That(framework.ToArray(), Is.EqualTo(data));
        }
    }

    /// <summary>The check value of the CRC catalogue, and RFC 1950's Adler-32 of the same digits.</summary>
    [TestCase("crc32", 0u, 0xcbf43926u)]
    [TestCase("adler32", 1u, 0x091e01deu)]
    public void Checksums(string function, uint start, uint expected)
    {
        using ObjectLibrary library = Load();

        Assert.That(
            library.GetFunction<Checksum>(function)(start, [.. "123456789"u8], 9), Is.EqualTo((nuint)expected));
    }

    private static ObjectLibrary Load()
    {
        var library = new ObjectLibrary("zlib");
        library.AddArchive(StaticArchive.Find("libz.a"));
        return library;
    }
}
