using System.Runtime.InteropServices;

namespace ElfLoader.Memory;

/// <summary>argc, argv and envp as C's <c>main</c> and initializers take them.</summary>
/// <remarks>Native code may keep pointers into it: dispose it when that code is gone.</remarks>
public sealed class NativeArguments : IDisposable
{
    private readonly nint[] _strings;
    private nint _vector;

    /// <summary>Copies the strings as UTF-8.</summary>
    public NativeArguments(IReadOnlyList<string> arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        _strings = [.. arguments.Select(Marshal.StringToCoTaskMemUTF8)];
        _vector = Marshal.AllocCoTaskMem((_strings.Length + 1) * nint.Size);
        for (int i = 0; i <= _strings.Length; i++)
        {
            Marshal.WriteIntPtr(_vector, i * nint.Size, i < _strings.Length ? _strings[i] : 0);
        }
    }

    /// <summary>argc.</summary>
    public int Count => _strings.Length;

    /// <summary>argv: an array of pointers that ends with a null pointer.</summary>
    public nint Vector
    {
        get
        {
            ObjectDisposedException.ThrowIf(_vector is 0, this);
            return _vector;
        }
    }

    /// <summary>Frees the copies.</summary>
    public void Dispose()
    {
        foreach (nint text in _strings)
        {
            Marshal.FreeCoTaskMem(text);
        }

        Marshal.FreeCoTaskMem(_vector);
        _vector = 0;
        Array.Clear(_strings);
    }
}
