using ElfLoader.Memory;
using ElfLoader.Memory.Linux;

namespace ElfLoader.Tests.Memory;

[Platform("Linux")]
public sealed class PlacementTests
{
    private const ulong TwoGiB = 1UL << 31;

    private static readonly string[] StartLibraries =
        ["libc.so.6", "libcoreclr.so", "libstdc++.so.6", "ld-linux-x86-64.so.2"];

    private readonly MemoryRequest _small = MachineCode.Request(100, 100, 100, 100);

    [Test]
    public void NearIsWithinReachOfEveryByteOfTheLibrariesOfProcessStart()
    {
        using var pools = new MemoryPools();
        MemoryPool pool = pools.Select(MemoryPlacement.Near, _small);
        List<ProcessMapping> libraries =
            [.. ProcessMaps.Read().Where(m => StartLibraries.Contains(Path.GetFileName(m.Path)))];
        ulong first = Math.Min(pool.Start, libraries.Min(m => m.Start));
        ulong last = Math.Max(pool.Start + pool.Size, libraries.Max(m => m.End)) - 1;

        Assert.Multiple(() =>
        {
            Assert.That(libraries.Select(m => Path.GetFileName(m.Path)).Distinct(), Has.Member("libc.so.6"));
            Assert.That(libraries.Select(m => m.Start), Has.All.InRange(pools.Host.Start, pools.Host.End));
            Assert.That(last - first, Is.LessThan(TwoGiB));
            Assert.That(pool.Range.Reaches(pools.Host));
            Assert.That(pool.Size, Is.GreaterThanOrEqualTo(256UL << 20));
        });
    }

    [Test]
    public void NearGoesOnInFurtherPoolsUntilTheReachIsExhausted()
    {
        using var pools = new MemoryPools();
        MemoryRequest half = MachineCode.Request(300 << 20);
        var made = new List<MemoryPool>();
        Assert.Throws<MemoryException>(() =>
        {
            while (made.Count < 100)
            {
                made.Add(pools.Allocate(MemoryPlacement.Near, half).Pool);
            }
        });

        Assert.That(made, Is.Not.Empty);
        Assert.That(made.Select(pool => pool.Range.Reaches(pools.Host)), Has.All.True);
    }

    [Test]
    public void LowIsBelowTwoGiB()
    {
        using var pools = new MemoryPools();
        MemoryPool pool = pools.Select(MemoryPlacement.Low, _small);

        Assert.That(pool.Start + pool.Size, Is.LessThanOrEqualTo(TwoGiB));
        Assert.That(pool.Start, Is.GreaterThanOrEqualTo(1UL << 20));
    }

    [Test]
    public void LowGivesNearlyAllThatThereIs()
    {
        using var pools = new MemoryPools();
        ulong wanted = LargestGapBelowTwoGiB() - (4UL << 20);
        MemoryPool pool = pools.Select(MemoryPlacement.Low, MachineCode.Request(64, data: wanted));

        Assert.That(pool.Size, Is.GreaterThan(wanted));
        Assert.That(pool.Start + pool.Size, Is.LessThanOrEqualTo(TwoGiB));
    }

    /// <summary>2,000 MiB in a process that has nothing there; other tests may have loaded libraries there.</summary>
    private static ulong LargestGapBelowTwoGiB()
    {
        ulong start = 1 << 20;
        ulong largest = 0;
        foreach (ProcessMapping mapping in ProcessMaps.Read().Where(mapping => mapping.Start < TwoGiB))
        {
            largest = mapping.Start > start ? Math.Max(largest, mapping.Start - start) : largest;
            start = Math.Max(start, mapping.End);
        }

        return start < TwoGiB ? Math.Max(largest, TwoGiB - start) : largest;
    }

    [Test]
    public void ALargeRequestGetsAPoolOfItsOwnThatFitsAndGoesWithIt()
    {
        using var pools = new MemoryPools();
        MemoryRequest large = MachineCode.Request(300 << 20, 5000, 100, 4UL << 30);
        MemoryAllocation load = pools.Allocate(MemoryPlacement.Far, large);

        Assert.That(load.Pool.Size, Is.EqualTo((300UL << 20) + 8192 + 4096 + (4UL << 30)));
        load.Writable(MemoryZone.Data, (4UL << 30) - 8, 8)[7] = 1;
        Assert.That(NativeBytes.At(load.Address(MemoryZone.Data) + (4UL << 30) - 1, 1)[0], Is.EqualTo(1));
        load.Free();
        Assert.That(pools.Statistics, Is.Default);
    }

    /// <summary>There libgcc's unwinder would not see a function: it compares the lower 32 bits with zero.</summary>
    [TestCase(0x7ef7_0000_0000UL, 0x1000_0000UL, 0x1000UL, 0x7ef7_0000_1000UL, TestName = "Starts at a multiple")]
    [TestCase(0x7ef6_f000_0000UL, 0x1000_0001UL, 0x1000UL, 0x7ef7_0000_1000UL, TestName = "Has a multiple inside")]
    [TestCase(0x7ef6_f000_0000UL, 0x1000_0000UL, 0x1000UL, 0x7ef6_f000_0000UL, TestName = "Ends before a multiple")]
    [TestCase(0x7ef7_0000_1000UL, 0x1000_0000UL, 0x1000UL, 0x7ef7_0000_1000UL, TestName = "Begins after a multiple")]
    [TestCase(0x7ef7_0000_0000UL, 0UL, 0x1000UL, 0x7ef7_0000_0000UL, TestName = "Has no code")]
    [TestCase(0x7ef7_0000_0000UL, 64UL, 0x4000_0000UL, 0x7ef7_4000_0000UL, TestName = "Keeps the alignment")]
    public void CodeKeepsClearOfMultiplesOf4GiB(ulong start, ulong codeSize, ulong alignment, ulong expected) =>
        Assert.That(AddressSpace.PastMultiple(start, codeSize, alignment), Is.EqualTo(expected));

    [Test]
    public void AnyAlignmentIsKept(
        [Values] MemoryPlacement placement, [Values(64UL, 4096UL, 65536UL, 2UL << 20, 256UL << 20)] ulong alignment)
    {
        using var pools = new MemoryPools();
        var zone = new ZoneRequest(100, alignment);
        MemoryAllocation load = pools.Allocate(placement, new MemoryRequest(zone, zone, default, zone));

        Assert.Multiple(() =>
        {
            Assert.That(load.Address(MemoryZone.Code) % alignment, Is.Zero);
            Assert.That(load.Address(MemoryZone.ReadOnly) % alignment, Is.Zero);
            Assert.That(load.Address(MemoryZone.Data) % alignment, Is.Zero);
        });
    }

    [TestCase(MemoryPlacement.Low, 1UL << 31, 1UL)]
    [TestCase(MemoryPlacement.Near, 1UL << 31, 1UL)]
    [TestCase(MemoryPlacement.Near, 1UL, 1UL << 40)]
    [TestCase(MemoryPlacement.Far, 1UL << 46, 1UL)]
    [TestCase(MemoryPlacement.Far, 1UL << 47, 1UL)]
    [TestCase(MemoryPlacement.Far, 1UL << 63, 1UL)]
    [TestCase(MemoryPlacement.Far, ulong.MaxValue, 1UL)]
    [TestCase(MemoryPlacement.Far, ulong.MaxValue, 1UL << 63)]
    [TestCase(MemoryPlacement.Far, 1UL, 1UL << 63)]
    public void WhatNoAddressSpaceHoldsIsRefused(MemoryPlacement placement, ulong size, ulong alignment)
    {
        var zone = new ZoneRequest(size, alignment);
        foreach (MemoryMapping mapping in Enum.GetValues<MemoryMapping>())
        {
            using var pools = new MemoryPools(new MemoryOptions { Mapping = mapping });
            Assert.Throws<MemoryException>(() => pools.Allocate(placement, new(zone, default, default, default)));
            Assert.Throws<MemoryException>(() => pools.Allocate(placement, new(default, default, default, zone)));
            Assert.Throws<MemoryException>(() => pools.Allocate(placement, new(zone, zone, zone, zone)));
            Assert.That(pools.Statistics.Allocated, Is.Zero);
        }
    }

    [Test]
    public void AnAlignmentThatIsNoPowerOfTwoIsAMistakeOfTheCaller()
    {
        using var pools = new MemoryPools();
        var request = new MemoryRequest(new(1, 24), default, default, default);
        Assert.Throws<ArgumentException>(() => pools.Select(MemoryPlacement.Far, request));
    }
}
