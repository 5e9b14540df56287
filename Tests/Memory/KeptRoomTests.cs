using ElfLoader.Memory;
using ElfLoader.Memory.Linux;

namespace ElfLoader.Tests.Memory;

/// <summary>Room that is kept near to a library for what is loaded later.</summary>
[Platform("Linux")]
public sealed class KeptRoomTests
{
    private const ulong GiB = 1UL << 30;

    private readonly MemoryRequest _small = MachineCode.Request(100, 100, 100, 100);

    /// <summary>Whatever else is mapped meanwhile.</summary>
    [Test]
    public void RoomIsThereWhenNothingElseIsLeft([Values] bool isKept)
    {
        using var pools = new MemoryPools();
        AddressRange library = Library(pools);
        using IDisposable? room = isKept ? pools.KeepRoom(library) : null;
        using var filled = new FilledNeighbourhood(library);

        if (!isKept)
        {
            Assert.Throws<MemoryException>(() => pools.Allocate(MemoryPlacement.Near, _small, library));
            return;
        }

        MemoryAllocation[] loads = [.. Enumerable.Range(0, 100).Select(_ => pools.Allocate(MemoryPlacement.Near, _small, library))];

        Assert.That(loads.All(load => load.Pool.Range.Reaches(library)), Is.True);
    }

    /// <summary>Only small gaps are left: loads get those, each for itself, and so again when they were freed.</summary>
    [Test]
    public void SmallGapsAreKeptWhereThereAreNoLargeOnes()
    {
        using var pools = new MemoryPools();
        AddressRange library = Library(pools);
        ulong page = (ulong)Environment.SystemPageSize;
        MemoryRequest pages = MachineCode.Request(page, page, page, page);
        using var filled = new FilledNeighbourhood(library);
        AddressSpace.Release(library.Start + (16 * page), 4 * page);
        AddressSpace.Release(library.Start + (32 * page), 5 * page);
        AddressSpace.Release(library.Start + (64 * page), 3 * page); // less than a page for each zone
        using IDisposable room = pools.KeepRoom(library)!;
        using var rest = new FilledNeighbourhood(library);
        for (int i = 0; i < 3; i++)
        {
            MemoryAllocation first = pools.Allocate(MemoryPlacement.Near, pages, library);
            MemoryAllocation second = pools.Allocate(MemoryPlacement.Near, pages, library);

            Assert.That(
                new[] { first.Pool.Start, second.Pool.Start },
                Is.EquivalentTo([library.Start + (16 * page), library.Start + (32 * page)]));
            Assert.Throws<MemoryException>(() => pools.Allocate(MemoryPlacement.Near, pages, library));
            first.Free();
            second.Free();
        }
    }

    /// <summary>All that keep it must have gone, and all that is loaded there.</summary>
    [Test]
    public void RoomIsGivenBackWhenNothingNeedsIt()
    {
        using var pools = new MemoryPools();
        AddressRange library = Library(pools);
        AddressRange around = new(library.Start - (2 * GiB), library.End + (2 * GiB));
        IDisposable room = pools.KeepRoom(library)!;
        ulong kept = Mapped(around);
        IDisposable same = pools.KeepRoom(library)!;
        Assert.That((kept, Mapped(around)), Is.EqualTo((32UL << 20, kept)), "the room is shared");
        using (var filled = new FilledNeighbourhood(library))
        {
            MemoryAllocation load = pools.Allocate(MemoryPlacement.Near, _small, library);
            filled.Dispose();
            room.Dispose();
            same.Dispose();
            Assert.That(Mapped(around), Is.EqualTo(kept), "something is loaded there");

            load.Free();
            pools.Trim();
        }

        Assert.That(Mapped(around), Is.Zero);
    }

    [Test]
    public void NothingIsKeptWhereAPoolIsOrWillBe()
    {
        using var pools = new MemoryPools();
        AddressRange library = Library(pools);
        _ = pools.Allocate(MemoryPlacement.Near, _small, library);

        Assert.That(pools.KeepRoom(library), Is.Null);
        Assert.That(pools.KeepRoom(pools.Host), Is.Null);
        Assert.That(pools.KeepRoom(default), Is.Null);
    }

    private static AddressRange Library(MemoryPools pools)
    {
        ulong start = NearAddressesTests.FreeAround(pools, 64, GiB / 1024);
        return new AddressRange(start, start + (GiB / 1024));
    }

    private static ulong Mapped(AddressRange around) => ProcessMaps.Read()
        .Where(mapping => around.Contains(mapping.Start))
        .Aggregate(0UL, (sum, mapping) => sum + mapping.Range.Size);

    /// <summary>All address space that reaches a range, and the range itself, taken.</summary>
    private sealed class FilledNeighbourhood : IDisposable
    {
        private readonly List<AddressRange> _taken = [];

        internal FilledNeighbourhood(AddressRange range)
        {
            var around = new AddressRange(range.Start - (2 * GiB), range.End + (2 * GiB));
            foreach (AddressRange gap in AddressSpace.AllGaps().ToList())
            {
                var part = new AddressRange(Math.Max(gap.Start, around.Start), Math.Min(gap.End, around.End));
                if (part.Start < part.End && AddressSpace.TryReserve(part))
                {
                    _taken.Add(part);
                }
            }
        }

        public void Dispose()
        {
            _taken.ForEach(range => AddressSpace.Release(range.Start, range.Size));
            _taken.Clear();
        }
    }
}
