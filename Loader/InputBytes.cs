using ElfLoader.Elf;
using ElfLoader.Memory;

namespace ElfLoader;

/// <summary>Reads inputs to their end; what has none, only as far as it takes to see that it is no input.</summary>
public static class InputBytes
{
    /// <summary>Bytes by which the kind of a file is told, at first.</summary>
    private const int Sample = 1 << 16;

    private const int ScriptStart = 16; // bytes: longer than the word that a linker script begins with

    /// <summary>Reads a stream from where it is.</summary>
    /// <param name="stream">A file, or a pipe or device, which has no length.</param>
    /// <param name="limits">Limits of what it may have.</param>
    /// <returns>All of it; or its beginning, if that is of no kind of file that can be loaded and the stream has no length.</returns>
    /// <exception cref="IOException">It cannot be read, or has more bytes than it may.</exception>
    public static byte[] Read(Stream stream, ReadLimits limits)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(limits);
        long length = stream.CanSeek ? stream.Length : 0; // which devices have, too
        if (length > Array.MaxLength)
        {
            throw new IOException($"it has {CountText.Of(length, "byte")}, and one input may have {Array.MaxLength}");
        }

        using var bytes = new MemoryStream((int)length);
        if (length > 0)
        {
            stream.CopyTo(bytes);
        }
        else
        {
            ReadWithoutLength(stream, bytes, limits);
        }

        return bytes.Length == bytes.Capacity ? bytes.GetBuffer() : bytes.ToArray();
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="limits">Limits of what it may have.</param>
    /// <returns>As for a stream.</returns>
    /// <exception cref="IOException">It cannot be read, or has more bytes than it may.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read, or is a folder.</exception>
    public static byte[] Read(string path, ReadLimits limits)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        return Read(file, limits);
    }

    private static void ReadWithoutLength(Stream stream, MemoryStream bytes, ReadLimits limits)
    {
        byte[] chunk = new byte[Sample];
        long checkedAt = Sample;
        for (int count = Sample; count == Sample;)
        {
            count = stream.ReadAtLeast(chunk, Sample, throwOnEndOfStream: false);
            bytes.Write(chunk, 0, count);
            if (bytes.Length > limits.MaximumStreamedSize)
            {
                throw new IOException($"it has more than {CountText.Of(limits.MaximumStreamedSize, "byte")}, and may not, as a pipe or a device");
            }

            if (count == Sample && bytes.Length >= checkedAt)
            {
                if (!MayBeInput(bytes.GetBuffer().AsSpan(0, (int)bytes.Length)))
                {
                    return;
                }

                checkedAt *= 2;
            }
        }
    }

    private static bool MayBeInput(ReadOnlySpan<byte> start) =>
        start.StartsWith(ElfIdent.Magic) || FileKind.Detect(start) is not FileKind.Unknown || MayBecomeScript(start);

    /// <summary>Whether so far there is only what may stand before a linker script: space, and comments.</summary>
    private static bool MayBecomeScript(ReadOnlySpan<byte> start)
    {
        LinkerScriptTokens tokens = new(start, "");
        return !tokens.TrySkipSpace() || tokens.Rest.Length < ScriptStart;
    }
}
