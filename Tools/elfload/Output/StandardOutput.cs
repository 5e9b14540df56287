namespace ElfLoader.Tools.Output;

/// <summary>
/// Standard output. <see cref="Console"/>'s writers would set the terminal up and handle signals, which belong to the loaded
/// program; and what cannot be written is an error of the user's, who sees that it is standard output.
/// </summary>
internal sealed class StandardOutput : Stream
{
    private readonly Stream? _stream;
    private readonly string? _problem;

    /// <summary>Opens it; that it is closed is told when something is written.</summary>
    internal StandardOutput()
    {
        try
        {
            _stream = Console.OpenStandardOutput();
        }
        catch (Exception exception) when (WritingFault.Is(exception))
        {
            _problem = WritingFault.Reason(exception);
        }
    }

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
    /// <exception cref="LinkException">It cannot be written.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            (_stream ?? throw new IOException(_problem)).Write(buffer);
        }
        catch (Exception exception) when (WritingFault.Is(exception))
        {
            string message = exception is UnauthorizedAccessException ? "it is closed, or may not be written to"
                : WritingFault.Reason(exception);
            throw new LinkException(
                exception, [new LinkError(LinkErrorCode.File, new LinkLocation("standard output"), message)]);
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
        // Nothing is held back.
    }

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
            _stream?.Dispose();
        }

        base.Dispose(disposing);
    }
}
