using System.Globalization;
using ElfLoader.Memory;

namespace ElfLoader.Tests.Memory;

/// <summary>What the kernel notes of memory that is about to be filled as a whole.</summary>
public sealed class LargePagesTests
{
    [TestCase(64 << 10, false)]
    [TestCase(16 << 20, true)]
    public void LargeArraysAskForLargePages(int size, bool expected)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(size, pinned: true);
        bytes.AsSpan().Fill(0x5a);

        NativeBytes.PreferLargePages(bytes);

        Assert.That(bytes.AsSpan().ContainsAnyExcept((byte)0x5a), Is.False, "the bytes stay as they are");
        if (Directory.Exists("/sys/kernel/mm/transparent_hugepage"))
        {
            string[] flags = FlagsAt(AddressOf(bytes) + (ulong)(size / 2));
            Assert.That(flags.Contains("hg"), Is.EqualTo(expected), string.Join(' ', flags)); // VM_HUGEPAGE (proc(5), "VmFlags")
        }
    }

    private static ulong AddressOf(byte[] pinned) =>
        (ulong)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(pinned, 0);

    private static string[] FlagsAt(ulong address)
    {
        bool isThere = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            if (char.IsAsciiHexDigitLower(line[0]))
            {
                string[] ends = line[..line.IndexOf(' ')].Split('-');
                isThere = address >= Number(ends[0]) && address < Number(ends[1]);
            }
            else if (isThere && line.StartsWith("VmFlags:", StringComparison.Ordinal))
            {
                return line["VmFlags:".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            }
        }

        throw new InvalidOperationException($"nothing is mapped at 0x{address:x}");

        static ulong Number(string text) => ulong.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
