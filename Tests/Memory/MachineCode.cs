using ElfLoader.Memory;

namespace ElfLoader.Tests.Memory;

/// <summary>x86-64 instructions that the tests run.</summary>
internal static class MachineCode
{
    internal const int ReturnSize = 6;

    /// <summary>mov eax, value; ret</summary>
    internal static byte[] Return(int value)
    {
        byte[] code = [0xb8, 0, 0, 0, 0, 0xc3];
        BitConverter.TryWriteBytes(code.AsSpan(1), value);
        return code;
    }

    /// <summary>Runs it.</summary>
    internal static int Run(ulong address) => NativeCall.Main(address, 0, 0, 0);

    /// <summary>A request of so many bytes in each zone, on 16-byte boundaries.</summary>
    internal static MemoryRequest Request(ulong code, ulong readOnly = 0, ulong relro = 0, ulong data = 0) =>
        new(new(code, 16), new(readOnly, 16), new(relro, 16), new(data, 16));
}
