using System.Runtime.InteropServices;
using ElfLoader.Memory;

namespace ElfLoader.Tools.Output;

/// <summary>
/// Standard output. <see cref="Console"/>'s writers would set the terminal up and handle signals, which belong to the loaded
/// program; and what cannot be written is an error of the user's, who sees that it is standard output.
/// </summary>
internal sealed class StandardOutput : Stream
{
    private const string Closed = "it is closed, or may not be written to";
    private const int NotPermitted = 1; // EPERM
    private const int BadDescriptor = 9; // EBADF
    private const int NoAccess = 13; // EACCES

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
    /// <exception cref="ClosedOutputException">It is a pipe that nobody reads any more.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (_stream is not null && OperatingSystem.IsLinux())
        {
            WriteNow(buffer);
            return;
        }

        try
        {
            (_stream ?? throw new IOException(_problem)).Write(buffer);
        }
        catch (Exception exception) when (WritingFault.Is(exception))
        {
            string message = exception is UnauthorizedAccessException ? Closed : WritingFault.Reason(exception);
            throw new LinkException(exception, [Refusal(message)]);
        }
    }

    private static void WriteNow(ReadOnlySpan<byte> buffer)
    {
        int error = StandardStreams.Write(buffer);
        if (StandardStreams.IsClosedByReader(error))
        {
            throw new ClosedOutputException();
        }

        if (error is not 0)
        {
            bool isClosed = error is BadDescriptor or NoAccess or NotPermitted;
            throw new LinkException([Refusal(isClosed ? Closed : Marshal.GetPInvokeErrorMessage(error))]);
        }
    }

    private static LinkError Refusal(string message) => new(LinkErrorCode.File, new LinkLocation("standard output"), message);

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
