using System.Buffers.Binary;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>The mutant that a worker is busy with, in a file: it survives the worker if the mutant kills it.</summary>
internal sealed class CurrentMutant : IDisposable
{
    private const int HeaderSize = 16;

    private readonly Microsoft.Win32.SafeHandles.SafeFileHandle _file;
    private byte[] _buffer = new byte[1 << 16];

    internal CurrentMutant(string file) =>
        _file = File.OpenHandle(file, FileMode.Create, FileAccess.Write, FileShare.Read);

    /// <summary>Reads what a worker left.</summary>
    internal static (long Number, int Seed, byte[] Bytes)? Read(string file)
    {
        if (!File.Exists(file) || File.ReadAllBytes(file) is not { Length: >= HeaderSize } all)
        {
            return null;
        }

        int length = BinaryPrimitives.ReadInt32LittleEndian(all.AsSpan(8));
        return (BinaryPrimitives.ReadInt64LittleEndian(all), BinaryPrimitives.ReadInt32LittleEndian(all.AsSpan(12)), all.AsSpan(HeaderSize, Math.Min(length, all.Length - HeaderSize)).ToArray());
    }

    /// <summary>Notes the next one.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="seed">Which of the seeds it is made of.</param>
    /// <param name="mutant">Its bytes.</param>
    internal void Write(long number, int seed, byte[] mutant)
    {
        if (mutant.Length + HeaderSize > _buffer.Length)
        {
            _buffer = new byte[mutant.Length + HeaderSize];
        }

        BinaryPrimitives.WriteInt64LittleEndian(_buffer, number);
        BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(8), mutant.Length);
        BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(12), seed);
        mutant.CopyTo(_buffer, HeaderSize);
        RandomAccess.Write(_file, _buffer.AsSpan(0, HeaderSize + mutant.Length), 0);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
