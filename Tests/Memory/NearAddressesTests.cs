using ElfLoader.Memory;

namespace ElfLoader.Tests.Memory;

/// <summary>Pools near to addresses that a load names.</summary>
[Platform("Linux")]
public sealed class NearAddressesTests
{
    private const ulong GiB = 1UL << 30;

    private readonly MemoryRequest _small = MachineCode.Request(100, 100, 100, 100);

    /// <summary>A displacement is from -2^31 to 2^31 - 1, counted from any byte of one range to any of the other.</summary>
    [TestCase(8 * GiB, 1UL, (6 * GiB) + 1, 1UL, true)]
    [TestCase(8 * GiB, 1UL, 6 * GiB, 1UL, false)]
    [TestCase(8 * GiB, GiB, 6 * GiB, GiB, false, Description = "from the first of one to the last of the other are 3 GiB")]
    [TestCase(8 * GiB, GiB, 7 * GiB, GiB, true)]
    [TestCase(6 * GiB, (4 * GiB) - 2, (8 * GiB) - 1, 1UL, true, Description = "in the middle of what is wider than the reach")]
    [TestCase(6 * GiB, 4 * GiB, 7 * GiB, GiB, false)]
    [TestCase(0UL, 1UL, ulong.MaxValue - 1, 1UL, false)]
    public void ARangeReachesAnother(ulong start, ulong size, ulong otherStart, ulong otherSize, bool expected)
    {
        var one = new AddressRange(start, start + size);
        var other = new AddressRange(otherStart, otherStart + otherSize);

        Assert.That(one.Reaches(other), Is.EqualTo(expected));
        Assert.That(other.Reaches(one), Is.EqualTo(expected));
    }

    [TestCase(16UL, 1UL)]
    [TestCase(16UL, 2 * GiB)]
    [TestCase(64UL, 3 * GiB)]
    public void APoolReachesWhatIsNamed(ulong below, ulong size)
    {
        using var pools = new MemoryPools();
        ulong start = FreeAround(pools, below, size);
        var reached = new AddressRange(start, start + size);

        MemoryPool pool = pools.Allocate(MemoryPlacement.Near, _small, reached).Pool;

        Assert.That(pool.Placement, Is.EqualTo(MemoryPlacement.Near));
        Assert.That(pool.Range.End - Math.Min(pool.Start, start), Is.LessThanOrEqualTo(2 * GiB));
        Assert.That(Math.Max(reached.End, pool.Range.End) - pool.Start, Is.LessThanOrEqualTo(2 * GiB));
        Assert.That(pools.Serves(pool, MemoryPlacement.Near, reached), Is.True);
        Assert.That(pools.Select(MemoryPlacement.Near, _small, reached), Is.SameAs(pool));
        Assert.That(pools.Serves(pool, MemoryPlacement.Near), Is.EqualTo(pool.Range.Reaches(pools.Host)));
    }

    [Test]
    public void APoolIsNearToTheLibrariesOfProcessStartTooIfItCan()
    {
        using var pools = new MemoryPools();
        ulong close = pools.Host.Start - (GiB / 2);

        MemoryPool pool = pools.Allocate(MemoryPlacement.Near, _small, new AddressRange(close, close + 8)).Pool;

        Assert.That(pool.Range.Reaches(pools.Host));
    }

    [Test]
    public void WhatIsTooWideIsRefused([Values(4 * GiB, 1UL << 40)] ulong size)
    {
        using var pools = new MemoryPools();
        var wide = new AddressRange(GiB, GiB + size);

        MemoryException refused = Assert.Throws<MemoryException>(() => pools.Allocate(MemoryPlacement.Near, _small, wide));

        Assert.That(refused.Message, Does.Contain("2 GiB").And.Contain(wide.ToString()));
        Assert.That(pools.Statistics.Pools, Is.Zero);
    }

    [Test]
    public void APoolOfAnotherKindServesWhatReachesIntoIt()
    {
        using var pools = new MemoryPools();
        MemoryAllocation far = pools.Allocate(MemoryPlacement.Far, _small);
        ulong data = far.Address(MemoryZone.Data);

        MemoryAllocation near = pools.Allocate(MemoryPlacement.Near, _small, new AddressRange(data, data + 8));

        Assert.That(near.Pool, Is.SameAs(far.Pool));
    }

    /// <summary>Where nothing is mapped within 2 GiB of a range of that size, so many GiB below the host and further.</summary>
    internal static ulong FreeAround(MemoryPools pools, ulong below, ulong size)
    {
        List<AddressRange> taken = [.. ProcessMaps.Read().Select(mapping => mapping.Range)];
        ulong start = (pools.Host.Start & ~(GiB - 1)) - (below * GiB);
        while (taken.Exists(range => range.Start < start + size + (2 * GiB) && start - (2 * GiB) < range.End))
        {
            start -= 16 * GiB;
        }

        return start;
    }
}
