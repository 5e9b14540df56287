using ElfLoader.Memory;

namespace ElfLoader.Tests.Memory;

/// <summary>Many loads over the life of a pool: nothing overlaps, nothing leaks, nothing stays dirty.</summary>
[Platform("Linux")]
[TestFixture(MemoryMapping.Dual)]
[TestFixture(MemoryMapping.WriteThenProtect)]
public sealed class PoolLifeTests(MemoryMapping mapping)
{
    private static readonly MemoryZone[] Zones = Enum.GetValues<MemoryZone>();

    private MemoryPools _pools = null!;

    [SetUp]
    public void Open() => _pools = new MemoryPools(new MemoryOptions { Mapping = mapping });

    [TearDown]
    public void Close() => _pools.Dispose();

    [TestCase(1)]
    [TestCase(2)]
    public void RandomLoadsKeepTheirBytes(int seed)
    {
        var random = new Random(seed);
        var live = new List<Load>();
        int steps = mapping is MemoryMapping.Dual ? 20_000 : 5_000;
        for (int step = 0; step < steps; step++)
        {
            if (live.Count == 0 || random.Next(100) < (live.Count < 300 ? 60 : 40))
            {
                live.Add(Load.Make(_pools, random));
            }
            else
            {
                int i = random.Next(live.Count);
                live[i].Check();
                live[i].Memory.Free();
                live[i] = live[^1];
                live.RemoveAt(live.Count - 1);
            }
        }

        AssertNoOverlap(live);
        live.ForEach(load => load.Check());
        Assert.That(_pools.Statistics.Allocations, Is.EqualTo(live.Count));
        live.ForEach(load => load.Memory.Free());
        Assert.That((_pools.Statistics.Allocations, _pools.Statistics.Allocated), Is.EqualTo((0, 0UL)));
    }

    [Test]
    public void SeveralThreadsLoadRunAndFreeAtOnce()
    {
        var barrier = new Barrier(4);
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, Loop);
        Assert.That((_pools.Statistics.Allocations, _pools.Statistics.Allocated), Is.EqualTo((0, 0UL)));

        void Loop(int thread)
        {
            var random = new Random(thread);
            var live = new Queue<Load>();
            _ = barrier.SignalAndWait(TimeSpan.FromSeconds(5));
            for (int i = 0; i < 2_000; i++)
            {
                live.Enqueue(Load.Make(_pools, random));
                if (live.Count > 20)
                {
                    Load oldest = live.Dequeue();
                    oldest.Check();
                    oldest.Memory.Free();
                }
            }

            foreach (Load load in live)
            {
                load.Check();
                load.Memory.Free();
            }
        }
    }

    [Test]
    public void FreeingGivesPagesBackToTheSystem()
    {
        MemoryRequest request = MachineCode.Request(3 << 20, 2 << 20, 1 << 20, 5 << 20);
        MemoryAllocation anchor = _pools.Allocate(MemoryPlacement.Far, MachineCode.Request(64, 64, 64, 64));
        MemoryAllocation warm = _pools.Allocate(MemoryPlacement.Far, request);
        warm.Free();
        (int mappings, long pss) = (OwnMappings.Count(anchor.Pool), OwnMappings.Pss(anchor.Pool));
        MemoryAllocation[] loads =
            [.. Enumerable.Range(0, 5).Select(_ => _pools.Allocate(MemoryPlacement.Far, request))];
        foreach (MemoryAllocation load in loads)
        {
            foreach (MemoryZone zone in Zones)
            {
                load.Writable(zone, 0, (int)load.Size(zone)).Fill(0xcc);
            }

            load.Seal();
        }

        long full = OwnMappings.Pss(anchor.Pool);
        Assert.That(full - pss, Is.EqualTo(5 * 11 * 1024).Within(300), "KiB");
        foreach (MemoryAllocation load in loads)
        {
            load.Free();
        }

        Assert.Multiple(() =>
        {
            Assert.That(OwnMappings.Pss(anchor.Pool), Is.EqualTo(pss).Within(64), "KiB");
            Assert.That(OwnMappings.Count(anchor.Pool), Is.LessThanOrEqualTo(mappings + 1));
        });
    }

    [Test]
    public void SmallLoadsThatLeaveGiveTheirSharedPagesBack()
    {
        var random = new Random(7);
        MemoryAllocation anchor = _pools.Allocate(MemoryPlacement.Far, MachineCode.Request(64, 64, 64, 64));
        long before = OwnMappings.Pss(anchor.Pool);
        Load[] loads = [.. Enumerable.Range(0, 3_000).Select(_ => Load.Make(_pools, random))];
        random.Shuffle(loads);
        Array.ForEach(loads, load => load.Memory.Free());

        // The pages that hold the anchor's 64 bytes stay, code that waits for the next barrier, and the first 16 KiB of each zone.
        const int kept = MemoryRequest.Zones * 16;
        Assert.That(OwnMappings.Pss(anchor.Pool), Is.EqualTo(before).Within(100 + kept), "KiB");
    }

    [Test]
    public void ManySmallLoadsNeedNoMoreMappings()
    {
        MemoryRequest request = MachineCode.Request(200, 100, 40, 60);
        MemoryAllocation first = _pools.Allocate(MemoryPlacement.Far, request);
        first.Seal();
        _pools.Allocate(MemoryPlacement.Far, request).Seal();
        int before = OwnMappings.Count(first.Pool);
        int count = mapping is MemoryMapping.Dual ? 20_000 : 10_000; // With one view, a load takes whole pages.
        for (int i = 0; i < count; i++)
        {
            MemoryAllocation load = _pools.Allocate(MemoryPlacement.Far, request);
            foreach (MemoryZone zone in Zones)
            {
                load.Writable(zone, 0, 8)[0] = 1;
            }

            load.Seal();
        }

        Assert.That(OwnMappings.Count(first.Pool), Is.LessThanOrEqualTo(before + 4));
        Assert.That(_pools.Statistics.Pools, Is.EqualTo(1));
    }

    [Test]
    public void LoadingAndFreeingForeverGrowsNothing()
    {
        var random = new Random(3);
        int others = OwnMappings.CountViews(); // of libraries that other tests loaded
        MemoryAllocation anchor = _pools.Allocate(MemoryPlacement.Far, MachineCode.Request(64, 64, 64, 64));
        var seen = new List<(int Mappings, ulong Mapped)>();
        for (int round = 0; round < 20; round++)
        {
            for (int i = 0; i < 100; i++)
            {
                Load[] loads = [.. Enumerable.Range(0, 10).Select(_ => Load.Make(_pools, random))];
                Array.ForEach(loads, load => load.Memory.Free());
            }

            seen.Add((OwnMappings.Count(anchor.Pool) - others, _pools.Statistics.Mapped));
        }

        // A round may chance on larger loads than those before; code that waits for a barrier keeps its mapping.
        Assert.That(seen.Select(round => round.Mappings), Has.All.LessThanOrEqualTo(20));
        Assert.That(seen.Select(round => round.Mapped), Has.All.LessThanOrEqualTo(3UL << 20));
    }

    private static void AssertNoOverlap(List<Load> live)
    {
        AddressRange[] ranges =
        [
            .. live.SelectMany(load => Zones.Select(load.Memory.Range)).Where(range => range.Size > 0)
                .OrderBy(range => range.Start),
        ];
        for (int i = 1; i < ranges.Length; i++)
        {
            Assert.That(ranges[i].Start, Is.GreaterThanOrEqualTo(ranges[i - 1].End));
        }
    }

    /// <summary>Memory filled with a pattern of its own and code that returns a number of its own.</summary>
    private sealed record Load(MemoryAllocation Memory, int Mark)
    {
        internal static Load Make(MemoryPools pools, Random random)
        {
            ulong[] sizes = [.. Enumerable.Range(0, 4).Select(_ => Size(random))];
            ZoneRequest[] zones = [.. sizes.Select(size => new ZoneRequest(size, 1UL << random.Next(14)))];
            zones[0] = zones[0] with { Size = zones[0].Size + MachineCode.ReturnSize };
            MemoryAllocation memory = pools.Allocate(
                MemoryPlacement.Far, new MemoryRequest(zones[0], zones[1], zones[2], zones[3]));
            var load = new Load(memory, random.Next());
            load.Fill();
            return load;
        }

        internal void Check()
        {
            foreach (MemoryZone zone in Zones)
            {
                ReadOnlySpan<byte> bytes = NativeBytes.ReadOnlyAt(Memory.Address(zone), (int)Memory.Size(zone));
                Assert.That(bytes[Skipped(zone)..].ContainsAnyExcept((byte)Mark), Is.False);
            }

            Assert.That(MachineCode.Run(Memory.Address(MemoryZone.Code)), Is.EqualTo(Mark));
        }

        private static int Skipped(MemoryZone zone) => zone is MemoryZone.Code ? MachineCode.ReturnSize : 0;

        private static ulong Size(Random random) => (ulong)(random.Next(20) switch
        {
            0 => 0,
            1 => random.Next(100_000),
            < 6 => random.Next(8_000),
            _ => random.Next(500),
        });

        private void Fill()
        {
            foreach (MemoryZone zone in Zones)
            {
                Span<byte> bytes = Memory.Writable(zone, 0, (int)Memory.Size(zone));
                Assert.That(bytes.ContainsAnyExcept((byte)0), Is.False, "Fresh memory is zero.");
                bytes.Fill((byte)Mark);
            }

            MachineCode.Return(Mark).CopyTo(Memory.Writable(MemoryZone.Code, 0, MachineCode.ReturnSize));
            Memory.Seal();
        }
    }
}
