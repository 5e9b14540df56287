using ElfLoader.Memory;

namespace ElfLoader.Tests.Memory;

public sealed class FreeSpaceTests
{
    private const ulong Start = 0x7000_0000_0040;

    [TestCase(1UL)]
    [TestCase(64UL)]
    [TestCase(256UL)]
    [TestCase(4096UL)]
    [TestCase(2UL << 20)]
    public void AlignmentIsOfTheAddress(ulong alignment)
    {
        var space = new FreeSpace(Start, 64 << 20, 64);
        for (int i = 0; i < 8; i++)
        {
            Assert.That(space.TryTake(100, alignment, out ulong offset));
            Assert.That((Start + offset) % alignment, Is.Zero);
        }
    }

    [Test]
    public void WhatAlignmentSkipsIsNotLost()
    {
        var space = new FreeSpace(Start, 1 << 20, 64);
        Assert.That(space.TryTake(64, 4096, out ulong aligned));
        Assert.That(space.TryTake(64, 0, out ulong small));

        Assert.That(small, Is.LessThan(aligned));
    }

    [Test]
    public void EverythingCanBeTakenAndGivenBack()
    {
        var space = new FreeSpace(Start, 64 * 100, 64);
        var taken = new List<ulong>();
        while (space.TryTake(64, 0, out ulong offset))
        {
            taken.Add(offset);
        }

        Assert.That(taken, Is.Unique.And.Count.EqualTo(100));
        foreach (ulong offset in taken.OrderBy(offset => offset % 7))
        {
            space.Give(offset, 64);
        }

        Assert.That((space.Top, space.Taken), Is.EqualTo((0UL, 0UL)));
        Assert.That(space.TryTake(64 * 100, 0, out _));
    }

    [Test]
    public void NeighboursAreToldBeforeTheyJoin()
    {
        var space = new FreeSpace(0, 1 << 20, 64);
        ulong[] offsets = new ulong[5];
        for (int i = 0; i < offsets.Length; i++)
        {
            Assert.That(space.TryTake(64, 0, out offsets[i]));
        }

        space.Give(offsets[0], 64);
        space.Give(offsets[2], 64);

        Assert.Multiple(() =>
        {
            Assert.That(space.Around(offsets[1], 64), Is.EqualTo((0UL, 192UL)));
            Assert.That(space.Around(offsets[3], 64), Is.EqualTo((128UL, 256UL)));
            Assert.That(space.Around(offsets[4], 64), Is.EqualTo((256UL, 1UL << 20)), "above the top all is free");
        });
    }

    [TestCase(1, 64UL)]
    [TestCase(2, 4096UL)]
    [TestCase(3, 64UL)]
    public void BlocksNeverOverlapAndAllComesBack(int seed, ulong granule)
    {
        const int Granules = 4096;
        var random = new Random(seed);
        var space = new FreeSpace(0x10000, Granules * granule, granule);
        bool[] used = new bool[Granules];
        var live = new List<(ulong Offset, ulong Size)>();
        for (int step = 0; step < 50_000; step++)
        {
            if (random.Next(100) < 52)
            {
                ulong size = 1 + (ulong)random.NextInt64((long)granule * (random.Next(10) is 0 ? 200 : 10));
                ulong alignment = 1UL << random.Next(16);
                if (space.TryTake(size, alignment, out ulong offset))
                {
                    Assert.That((0x10000 + offset) % alignment, Is.Zero);
                    live.Add((offset, size));
                    Mark(offset, size, true);
                }
            }
            else if (live.Count > 0)
            {
                int i = random.Next(live.Count);
                (ulong offset, ulong size) = live[i];
                live[i] = live[^1];
                live.RemoveAt(live.Count - 1);
                (ulong first, ulong last) = space.Around(offset, size);
                space.Give(offset, size);
                Mark(offset, size, false);
                Assert.That(used.AsSpan((int)(first / granule)..(int)(last / granule)).Contains(true), Is.False);
                Assert.That(first is 0 || used[first / granule - 1]);
            }
        }

        live.ForEach(block => space.Give(block.Offset, block.Size));
        Assert.That((space.Top, space.Taken), Is.EqualTo((0UL, 0UL)));

        void Mark(ulong offset, ulong size, bool value)
        {
            for (ulong i = offset / granule; i * granule < offset + size; i++)
            {
                if (used[i] == value)
                {
                    Assert.Fail($"Granule {i} is taken or given twice.");
                }

                used[i] = value;
            }
        }
    }
}
