using System.IO.Compression;
using ElfLoader.Memory;

namespace ElfLoader.Elf;

/// <summary>Decompresses sections.</summary>
internal static class SectionInflater
{
    /// <summary>The most that one byte of DEFLATE can stand for: four matches of 258 bytes, in two bits each.</summary>
    private const ulong MaximumRatio = 1032;

    /// <summary>Decompresses a section that is known to have a valid header.</summary>
    /// <exception cref="LinkException">It can't be decompressed to just the claimed size.</exception>
    public static byte[] Inflate(in ElfTables tables, int section, CompressionHeader header, ReadOnlySpan<byte> compressed)
    {
        switch (header.Type)
        {
            case ElfConstants.ELFCOMPRESS_ZLIB:
                break;
            case ElfConstants.ELFCOMPRESS_ZSTD:
                throw tables.Fault(section, "compressed with zstd; use zlib (-gz=zlib) or none (-gz=none)",
                    code: UnsupportedConstruct.Compression.Code);
            default:
                throw tables.Fault(section, $"compression type {header.Type} is not known",
                    code: UnsupportedConstruct.Compression.Code);
        }

        ulong limit = Math.Min(tables.Limits.MaximumDecompressedSize, (ulong)Array.MaxLength);
        if (header.Size > limit)
        {
            throw tables.Fault(section, $"decompressed size of {header.Size} exceeds the limit of {limit}",
                code: LinkErrorCode.LimitExceeded);
        }

        // So that no memory is taken for a claim that the bytes which are there cannot keep.
        if (header.Size > MaximumRatio * (ulong)compressed.Length)
        {
            throw tables.Fault(section,
                $"{CountText.Of(compressed.Length, "byte")} cannot be the compressed form of {header.Size}");
        }

        try
        {
            byte[] bytes = new byte[header.Size];
            using ZLibStream zlib = new(new MemoryStream(compressed.ToArray()), CompressionMode.Decompress);
            zlib.ReadExactly(bytes);
            return zlib.ReadByte() < 0
                ? bytes
                : throw tables.Fault(section, $"decompresses to more than the claimed {CountText.Of(header.Size, "byte")}");
        }
        catch (EndOfStreamException)
        {
            throw tables.Fault(section, $"decompresses to less than the claimed {CountText.Of(header.Size, "byte")}");
        }
        catch (Exception failure) when (failure is InvalidDataException or IOException)
        {
            throw tables.Fault(section, $"compressed bytes are malformed: {failure.Message}");
        }
        catch (OutOfMemoryException)
        {
            throw tables.Fault(section, $"no memory for the {CountText.Of(header.Size, "byte")} once decompressed",
                code: LinkErrorCode.LimitExceeded);
        }
    }
}
