using System.Buffers;
using System.Text;

namespace ElfLoader.Tools.Output;

/// <summary>
/// A stream for JSON in UTF-8 that writes characters which a terminal obeys, but which JSON may hold as they are, as <c>\uXXXX</c>:
/// C1 controls, and what changes the direction of text. They can only stand in strings, where both mean the same.
/// </summary>
/// <param name="output">Where to.</param>
internal sealed class EscapedJson(Stream output) : Stream
{
    private const int Longest = 3; // bytes of such a character

    /// <summary>What they begin with in UTF-8.</summary>
    private static readonly SearchValues<byte> FirstBytes = SearchValues.Create([0xc2, 0xd8, 0xe2, 0xef]);

    private readonly byte[] _begun = new byte[Longest];
    private int _begunCount;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            if (_begunCount is 0)
            {
                int plain = buffer.IndexOfAny(FirstBytes);
                plain = plain < 0 ? buffer.Length : plain;
                output.Write(buffer[..plain]);
                buffer = buffer[plain..];
                if (buffer.IsEmpty)
                {
                    return;
                }
            }

            _begun[_begunCount++] = buffer[0];
            buffer = buffer[1..];
            if (_begunCount == (_begun[0] < 0xe0 ? 2 : Longest))
            {
                WriteBegun();
            }
        }
    }

    /// <inheritdoc/>
    public override void Flush() => output.Flush();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            output.Write(_begun.AsSpan(0, _begunCount)); // no character, so that it means nothing
            _begunCount = 0;
            output.Dispose();
        }

        base.Dispose(disposing);
    }

    private void WriteBegun()
    {
        ReadOnlySpan<byte> bytes = _begun.AsSpan(0, _begunCount);
        string text = Encoding.UTF8.GetString(bytes);
        if (text is [char character] && !ReferenceEquals(VisibleText.Escape(text), text))
        {
            output.Write(Encoding.ASCII.GetBytes($"\\u{(int)character:x4}"));
        }
        else
        {
            output.Write(bytes);
        }

        _begunCount = 0;
    }
}
