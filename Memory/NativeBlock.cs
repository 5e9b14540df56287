using System.Runtime.InteropServices;

namespace ElfLoader.Memory;

/// <summary>Memory from the C heap, at an address that does not change: for what native code or a debugger reads.</summary>
/// <remarks>Nothing frees it but <see cref="Dispose"/>. Not thread-safe.</remarks>
public sealed unsafe class NativeBlock : IDisposable
{
    private void* _start;

    /// <summary>Allocates bytes, aligned for every scalar type; they are zero.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory.</exception>
    public NativeBlock(int size)
    {
        _start = NativeMemory.AllocZeroed(SystemFaults.Fails("calloc") ? nuint.MaxValue : (nuint)size);
        Size = size;
    }

    /// <summary>Address of the first byte.</summary>
    public ulong Address => (ulong)_start;

    /// <summary>Bytes.</summary>
    public int Size { get; }

    /// <summary>The bytes; not to be used once it is disposed.</summary>
    public Span<byte> Bytes
    {
        get
        {
            ObjectDisposedException.ThrowIf(_start is null, this);
            return new Span<byte>(_start, Size);
        }
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        NativeMemory.Free(_start);
        _start = null;
    }
}
