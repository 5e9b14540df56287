using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ElfLoader.Diagnostics;
using ElfLoader.Tests.Linking;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Runtime;

/// <summary>What fails once need not fail for ever; and what the system forbids is done in another way, or refused.</summary>
public sealed class PassingFailureTests
{
    private const int FileSize = 1; // RLIMIT_FSIZE
    private const int MemoryFiles = 319; // memfd_create, x86-64
    private const int Seccomp = 317;

    [Test]
    public void ALoadWorksOnceFilesMayBeLargeEnough() => ChildProcess.Check(LoadWithSmallFiles);

    [Test]
    public void AProfilersFileIsMadeOnceItsFolderIsThere() => ChildProcess.Check(LoadWithWrongFolder);

    [Test]
    public void ALoadWorksWithoutMemoryFiles() => ChildProcess.Check(LoadWithoutMemoryFiles);

    private static void LoadWithSmallFiles()
    {
        ulong[] before = new ulong[2];
        Check(GetLimit(FileSize, before));
        Check(SetLimit(FileSize, [4096, before[1]])); // what exceeds it ends the process (SIGXFSZ)
        using (var library = new ObjectLibrary("small"))
        {
            library.Load(LinkTest.Returning("value", 1)); // which needs nothing of the host
            _ = Assert.Throws<LinkException>(() => library.Load(LinkTest.Pointer("pointer", "abs")));
        }

        Check(SetLimit(FileSize, before));
        AssertLoads(new ObjectLibraryOptions());
    }

    private static void LoadWithWrongFolder()
    {
        string folder = Path.Combine(Path.GetTempPath(), $"elfloader-{Guid.NewGuid():n}");
        Environment.SetEnvironmentVariable("JITDUMPDIR", folder);
        var options = new ObjectLibraryOptions { Profiler = ProfilerSupport.JitDump };
        using (var library = new ObjectLibrary("profiled", options))
        {
            _ = Assert.Throws<LinkException>(() => library.Load(LinkTest.Returning("value", 1)));
        }

        _ = Directory.CreateDirectory(folder);
        try
        {
            AssertLoads(options);
            Assert.That(Directory.GetFiles(folder), Has.Length.EqualTo(1));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void LoadWithoutMemoryFiles()
    {
        Forbid(MemoryFiles);
        int before = Directory.GetFiles(Path.GetTempPath(), "elfloader-shim*").Length;

        AssertLoads(new ObjectLibraryOptions());
        AssertLoads(new ObjectLibraryOptions { Redirectable = true });

        Assert.That(Directory.GetFiles(Path.GetTempPath(), "elfloader-shim*"), Has.Length.EqualTo(before), "nothing is left there");
    }

    private static void AssertLoads(ObjectLibraryOptions options)
    {
        using var library = new ObjectLibrary("later", options);
        library.Load(LinkTest.Returning("value", 7));
        Assert.That(library.GetFunction<Function>("value")(), Is.EqualTo(7));
    }

    /// <summary>Lets a system call fail with EPERM in all threads, for good (seccomp(2)).</summary>
    private static void Forbid(int call)
    {
        const int noNewPrivileges = 38; // PR_SET_NO_NEW_PRIVS
        const int setFilter = 1; // SECCOMP_SET_MODE_FILTER
        const int allThreads = 1; // SECCOMP_FILTER_FLAG_TSYNC
        (ushort Code, byte True, byte False, uint Value)[] filter =
        [
            (0x20, 0, 0, 0), // load the number of the call
            (0x15, 0, 1, (uint)call), // if it is this one
            (0x06, 0, 0, 0x0005_0001), // SECCOMP_RET_ERRNO | EPERM
            (0x06, 0, 0, 0x7fff_0000), // SECCOMP_RET_ALLOW
        ];
        byte[] bytes = new byte[filter.Length * 8];
        for (int i = 0; i < filter.Length; i++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(i * 8), filter[i].Code);
            (bytes[(i * 8) + 2], bytes[(i * 8) + 3]) = (filter[i].True, filter[i].False);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan((i * 8) + 4), filter[i].Value);
        }

        nint memory = Marshal.AllocHGlobal(16 + bytes.Length);
        Marshal.WriteInt64(memory, filter.Length);
        Marshal.WriteIntPtr(memory + 8, memory + 16);
        Marshal.Copy(bytes, 0, memory + 16, bytes.Length);
        Check(Control(noNewPrivileges, 1, 0, 0, 0));
        Check((int)SystemCall(Seccomp, setFilter, allThreads, memory));
        Marshal.FreeHGlobal(memory);
    }

    private static void Check(int result) => Assert.That(result, Is.Zero);

    [DllImport("libc.so.6", EntryPoint = "getrlimit")]
    private static extern int GetLimit(int resource, [Out] ulong[] limit);

    [DllImport("libc.so.6", EntryPoint = "setrlimit")]
    private static extern int SetLimit(int resource, [In] ulong[] limit);

    [DllImport("libc.so.6", EntryPoint = "prctl")]
    private static extern int Control(int option, nint first, nint second, nint third, nint fourth);

    [DllImport("libc.so.6", EntryPoint = "syscall")]
    private static extern nint SystemCall(nint number, nint first, nint second, nint third);
}
