using System.Runtime.InteropServices;

namespace ElfLoader.Memory;

/// <summary>What the system tells of a file (<c>statx</c>).</summary>
/// <param name="Device">Number of the file system that it is on.</param>
/// <param name="Number">Its number there: two names with the same two numbers are of one file.</param>
/// <param name="IsRegular">Whether it is a file with contents, rather than a folder, a pipe or a device.</param>
/// <param name="Links">How many names it has.</param>
/// <param name="Owner">Number of the user that it belongs to.</param>
public readonly partial record struct FileStatus(ulong Device, ulong Number, bool IsRegular, uint Links, uint Owner)
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const int EmptyPath = 0x1000; // AT_EMPTY_PATH
    private const uint BasicStatus = 0x7ff; // STATX_BASIC_STATS
    private const ushort TypeMask = 0xf000; // S_IFMT
    private const ushort Regular = 0x8000; // S_IFREG

    /// <summary>Number of the user whose rights this process has.</summary>
    public static uint User => EffectiveUser();

    /// <summary>The status of a file; of what a symbolic link leads to.</summary>
    /// <param name="path">Its path.</param>
    /// <returns>Null if there is no such file, or it cannot be told.</returns>
    public static FileStatus? Of(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Of(CurrentFolder, path, 0);
    }

    /// <summary>The status of an open file; null if it cannot be told.</summary>
    internal static FileStatus? Of(int descriptor) => Of(descriptor, "", EmptyPath);

    private static FileStatus? Of(int folder, string path, int flags)
    {
        return SystemFaults.Fails("statx") || Status(folder, path, flags, BasicStatus, out Record record) is not 0
            ? null
            : new FileStatus(
                ((ulong)record.DeviceMajor << 32) | record.DeviceMinor,
                record.Number,
                (record.Mode & TypeMask) == Regular,
                record.Links,
                record.Owner);
    }

    [LibraryImport("libc.so.6", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Status(int folder, string path, int flags, uint mask, out Record record);

    [LibraryImport("libc.so.6", EntryPoint = "geteuid")]
    private static partial uint EffectiveUser();

    /// <summary><c>struct statx</c>, the same on all machines.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Record
    {
        [FieldOffset(16)]
        internal uint Links;

        [FieldOffset(20)]
        internal uint Owner;

        [FieldOffset(28)]
        internal ushort Mode;

        [FieldOffset(32)]
        internal ulong Number;

        [FieldOffset(136)]
        internal uint DeviceMajor;

        [FieldOffset(140)]
        internal uint DeviceMinor;
    }
}
