using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace ElfLoader.Samples.Synth;

/// <summary>A WAV file of one channel of 32-bit floating-point samples.</summary>
internal sealed class WaveFile : IDisposable
{
    /// <summary>Samples a second.</summary>
    public const int Rate = 48_000;

    private const int HeaderSize = 44;
    private const ushort FloatingPoint = 3;

    private readonly FileStream _file;

    /// <summary>Creates the file.</summary>
    public WaveFile(string path)
    {
        _file = File.Create(path);
        _file.Write(new byte[HeaderSize]);
    }

    /// <summary>Appends samples.</summary>
    public void Write(ReadOnlySpan<float> samples) => _file.Write(MemoryMarshal.AsBytes(samples));

    /// <summary>Completes the file.</summary>
    public void Dispose()
    {
        uint size = (uint)(_file.Length - HeaderSize);
        Span<byte> header = stackalloc byte[HeaderSize];
        "RIFF"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], size + HeaderSize - 8);
        "WAVEfmt "u8.CopyTo(header[8..]);
        BinaryPrimitives.WriteUInt32LittleEndian(header[16..], 16);
        BinaryPrimitives.WriteUInt16LittleEndian(header[20..], FloatingPoint);
        BinaryPrimitives.WriteUInt16LittleEndian(header[22..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(header[24..], Rate);
        BinaryPrimitives.WriteUInt32LittleEndian(header[28..], Rate * sizeof(float));
        BinaryPrimitives.WriteUInt16LittleEndian(header[32..], sizeof(float));
        BinaryPrimitives.WriteUInt16LittleEndian(header[34..], 8 * sizeof(float));
        "data"u8.CopyTo(header[36..]);
        BinaryPrimitives.WriteUInt32LittleEndian(header[40..], size);
        _file.Position = 0;
        _file.Write(header);
        _file.Dispose();
    }
}
