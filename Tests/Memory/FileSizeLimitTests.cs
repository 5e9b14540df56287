using System.Diagnostics;
using ElfLoader.Memory;

namespace ElfLoader.Tests.Memory;

/// <summary>A memory file that grew beyond RLIMIT_FSIZE would end the process by SIGXFSZ.</summary>
[Platform("Linux")]
[NonParallelizable]
public sealed class FileSizeLimitTests
{
    private const string Tool = "/usr/bin/prlimit";

    private string _before = "";

    [SetUp]
    public void Limit()
    {
        Assume.That(File.Exists(Tool));
        _before = Run("--fsize", "--raw", "--noheadings", "--output=SOFT").Trim();
        _ = Run($"--fsize={64 << 20}:");
    }

    [TearDown]
    public void Restore()
    {
        if (_before.Length > 0)
        {
            _ = Run($"--fsize={_before}:");
        }
    }

    [Test]
    public void SharedPoolsStayBelowTheLimit()
    {
        using var pools = new MemoryPools();
        MemoryAllocation load = pools.Allocate(MemoryPlacement.Far, MachineCode.Request(1000, 1000, 1000, 1000));

        Assert.That(load.Pool.Mapping, Is.EqualTo(MemoryMapping.Dual));
        Assert.That(load.Pool.ZoneStart(MemoryZone.ReadOnly) - load.Pool.Start, Is.LessThanOrEqualTo(64UL << 20));
    }

    [Test]
    public void ALargerLoadIsMappedOnce()
    {
        using var pools = new MemoryPools();
        MemoryAllocation load = pools.Allocate(MemoryPlacement.Far, MachineCode.Request(65 << 20));
        MachineCode.Return(7).CopyTo(load.Writable(MemoryZone.Code, (65 << 20) - 16, MachineCode.ReturnSize));
        load.Seal();

        Assert.That(load.Pool.Mapping, Is.EqualTo(MemoryMapping.WriteThenProtect));
        Assert.That(MachineCode.Run(load.Address(MemoryZone.Code) + ((65 << 20) - 16)), Is.EqualTo(7));
    }

    [Test]
    public void ALargerLoadThatMustBeMappedTwiceIsRefused()
    {
        using var pools = new MemoryPools(new MemoryOptions { Mapping = MemoryMapping.Dual });
        MemoryException? refusal = Assert.Throws<MemoryException>(
            () => pools.Allocate(MemoryPlacement.Far, MachineCode.Request(65 << 20)));

        Assert.That(refusal!.Message, Does.Contain("RLIMIT_FSIZE"));
    }

    private static string Run(params string[] arguments)
    {
        var start = new ProcessStartInfo(Tool, [$"--pid={Environment.ProcessId}", .. arguments])
        {
            RedirectStandardOutput = true,
        };
        using Process prlimit = Process.Start(start)!;
        string output = prlimit.StandardOutput.ReadToEnd();
        prlimit.WaitForExit();
        Assume.That(prlimit.ExitCode, Is.Zero);
        return output;
    }
}
