using System.Runtime.InteropServices;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>Copies what native code made.</summary>
internal static class NativeMemory
{
    /// <summary>The zero-terminated UTF-8 text at an address.</summary>
    public static string Text(nint address) => Marshal.PtrToStringUTF8(address) ?? "";

    /// <summary>The bytes at an address.</summary>
    public static byte[] Bytes(nint address, int count)
    {
        byte[] bytes = new byte[count];
        Marshal.Copy(address, bytes, 0, count);
        return bytes;
    }
}
