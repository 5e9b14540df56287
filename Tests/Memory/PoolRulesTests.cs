using ElfLoader.Memory;

namespace ElfLoader.Tests.Memory;

/// <summary>What pools ask of the system, and when, seen by a system that only takes notes.</summary>
public sealed class PoolRulesTests
{
    private readonly MemoryRequest _request = MachineCode.Request(4096, 4096, 4096, 4096);

    [Test]
    public void FreedCodeIsNotReusedBeforeCoresAreSynchronised()
    {
        var system = new Notes();
        MemoryPool pool = system.Pool();
        var freed = new HashSet<ulong>();
        Assert.That(pool.TryAllocate(_request, out MemoryAllocation? anchor));
        for (int i = 0; i < 1_000; i++)
        {
            Assert.That(pool.TryAllocate(_request, out MemoryAllocation? load));
            if (freed.Contains(load!.Address(MemoryZone.Code)))
            {
                Assert.That(system.Synchronised, Is.GreaterThan(0));
                freed.Clear();
                system.Synchronised = 0;
            }

            load.Free();
            _ = freed.Add(load.Address(MemoryZone.Code));
        }

        Assert.That(anchor!.Address(MemoryZone.Code), Is.EqualTo(pool.Start));
        Assert.That(system.Most, Is.LessThan(20), "pages of code that wait to be reused");
    }

    [Test]
    public void AFullPoolUsesWhatWaits()
    {
        var system = new Notes();
        MemoryPool pool = system.Pool();
        MemoryRequest most = MachineCode.Request(pool.ZoneStart(MemoryZone.ReadOnly) - pool.Start - 8192);
        Assert.That(pool.TryAllocate(most, out _));
        Assert.That(pool.TryAllocate(MachineCode.Request(8192), out MemoryAllocation? load));
        Assert.That(pool.TryAllocate(MachineCode.Request(64), out _), Is.False);
        load!.Free();
        Assert.That(system.Synchronised, Is.Zero);

        Assert.That(pool.TryAllocate(MachineCode.Request(8192), out _));
        Assert.That(system.Synchronised, Is.EqualTo(1));
    }

    [TestCase(MemoryZone.Code)]
    [TestCase(MemoryZone.Relro)]
    [TestCase(MemoryZone.Data)]
    public void WhatTheSystemRefusesLeavesNothingBehind(MemoryZone refused)
    {
        var system = new Notes { Refused = refused };
        MemoryPool pool = system.Pool();

        Assert.Throws<MemoryException>(() => pool.TryAllocate(_request, out _));
        Assert.That((pool.Statistics.Allocated, pool.Statistics.Allocations), Is.EqualTo((0UL, 0)));
        system.Refused = null;
        Assert.That(pool.TryAllocate(_request, out MemoryAllocation? load));
        Assert.That(load!.Address(MemoryZone.Code), Is.EqualTo(pool.Start));
    }

    [Test]
    public void FreeingTwiceFreesOnce()
    {
        MemoryPool pool = new Notes().Pool();
        Assert.That(pool.TryAllocate(_request, out MemoryAllocation? first));
        Assert.That(pool.TryAllocate(_request, out _));
        first!.Free();
        first.Free();

        Assert.That(pool.Statistics.Allocations, Is.EqualTo(1));
        Assert.Throws<ObjectDisposedException>(() => first.Writable(MemoryZone.Data, 0, 1));
        Assert.Throws<ObjectDisposedException>(first.Seal);
    }

    [Test]
    public void OnlyBytesOfTheBlockAreGivenOut()
    {
        using var pools = new MemoryPools();
        MemoryAllocation load = pools.Allocate(MemoryPlacement.Far, MachineCode.Request(100));

        Assert.Multiple(() =>
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => load.Writable(MemoryZone.Code, 0, 101));
            Assert.Throws<ArgumentOutOfRangeException>(() => load.Writable(MemoryZone.Code, 101, 0));
            Assert.Throws<ArgumentOutOfRangeException>(() => load.Writable(MemoryZone.Code, 1, 100));
            Assert.Throws<ArgumentOutOfRangeException>(() => load.Writable(MemoryZone.Code, ulong.MaxValue, 1));
            Assert.Throws<ArgumentOutOfRangeException>(() => load.Writable(MemoryZone.Code, 0, -1));
            Assert.Throws<ArgumentOutOfRangeException>(() => load.Writable(MemoryZone.Data, 0, 1));
            Assert.Throws<ArgumentException>(() => load.StoreWord(MemoryZone.Code, 4, 1));
            Assert.That(load.Writable(MemoryZone.Data, 0, 0).Length, Is.Zero);
            Assert.That(load.Writable(MemoryZone.Code, 99, 1).Length, Is.EqualTo(1));
        });
        pools.Dispose();
        Assert.Throws<ObjectDisposedException>(() => load.Writable(MemoryZone.Code, 0, 1));
        Assert.Throws<ObjectDisposedException>(() => pools.Select(MemoryPlacement.Far, _request));
        load.Free();
    }

    private sealed class Notes : IMemorySystem, IReservation
    {
        private ulong _commitsOfCode;

        public int Synchronised { get; set; }

        public MemoryZone? Refused { get; set; }

        /// <summary>The most blocks of code taken between two barriers.</summary>
        public ulong Most { get; private set; }

        public AddressRange Host => default;

        public ulong Start => 0x5000_0000;

        public MemoryMapping Mapping => MemoryMapping.Dual;

        public IZonePages this[MemoryZone zone] => new Pages(this, zone);

        public MemoryPool Pool() => new(this, this, MemoryPlacement.Far, Layout.Shared(1 << 24), emptied: null);

        public IReservation Reserve(MemoryPlacement placement, AddressRange near, in Layout layout) => this;

        public IDisposable? KeepRoom(AddressRange near) => null;

        public IDisposable FillNarrowGaps(ulong room) => this;

        public AddressRange WithLibraries(AddressRange range) => range;

        public ulong LimitSharedPool(ulong wanted) => wanted;

        public void SynchronizeCores()
        {
            Synchronised++;
            _commitsOfCode = 0;
        }

        public void Dispose()
        {
        }

        private sealed class Pages(Notes notes, MemoryZone zone) : IZonePages
        {
            public ulong Granule => 64;

            public ulong Mapped => 0;

            public ulong WriteAddress => 0;

            public void Commit(ulong offset, ulong size)
            {
                if (zone == notes.Refused)
                {
                    throw new MemoryException("refused");
                }

                if (zone is MemoryZone.Code)
                {
                    notes.Most = Math.Max(notes.Most, ++notes._commitsOfCode);
                }
            }

            public void CopyIn(ulong offset, ReadOnlySpan<byte> bytes)
            {
            }

            public void Populate(ulong offset, ulong size)
            {
            }

            public void Seal(ulong offset, ulong size)
            {
            }

            public void WriteSealed(ulong offset, ReadOnlySpan<byte> bytes)
            {
            }

            public bool Reclaim(ulong offset, ulong size, (ulong Start, ulong End) free) => true;

            public void Dispose()
            {
            }
        }
    }
}
