using ElfLoader.DynamicLinking;
using ElfLoader.Memory;

namespace ElfLoader.Tests.DynamicLinking;

/// <summary>The table of units that native code reads: what it finds, and what a change costs.</summary>
public sealed class UnitDirectoryTests
{
    private const int RecordSize = 160; // struct unit of Interface.c
    private const int Next = 152;

    [Test]
    public void AddressesAndOrderAreThoseOfAPlainTable()
    {
        using var table = new Table();
        var random = new Random(11);
        List<(ulong Unit, AddressRange[] Ranges)> known = [];
        for (int round = 0; round < 3_000; round++)
        {
            int choice = random.Next(10);
            if (known.Count is 0 || choice < 6)
            {
                AddressRange[] ranges = [.. Enumerable.Range(0, 3).Select(part => Free(random, known, part))];
                known.Add((table.NewRecord(), ranges));
                table.Directory.Add(known[^1].Unit, ranges);
            }
            else
            {
                int place = random.Next(known.Count);
                (ulong unit, AddressRange[] ranges) = known[place];
                if (choice < 8)
                {
                    table.Directory.Remove(unit);
                    known.RemoveAt(place);
                }
                else
                {
                    ranges = ranges[Math.Min(1, ranges.Length)..];
                    known[place] = (table.NewRecord(), ranges);
                    table.Directory.Replace(unit, known[place].Unit, ranges);
                }
            }

            ulong address = (ulong)random.NextInt64(1 << 20);
            Assert.That(
                table.Find(address), Is.EqualTo(known.Find(entry => entry.Ranges.Any(range => range.Contains(address))).Unit));
            if (round % 100 is 0)
            {
                Assert.That(table.Listed(), Is.EqualTo(known.Select(entry => entry.Unit).Append(table.Last)));
            }
        }
    }

    /// <summary>Work in proportion to the number of units for each of them would be 64 times as much here.</summary>
    [Test]
    public void AChangeCostsLittleMoreWhereThereAreManyUnits()
    {
        double few = StepsForEach(1_000);

        double many = StepsForEach(64_000);

        Assert.That(many, Is.LessThan(2 * few));
    }

    private static double StepsForEach(int count)
    {
        using var table = new Table();
        ulong[] units = [.. Enumerable.Range(0, count).Select(_ => table.NewRecord())];
        for (int i = 0; i < count; i++)
        {
            table.Directory.Add(units[i], [new AddressRange((ulong)i * 0x1000, ((ulong)i * 0x1000) + 0x800)]);
        }

        for (int i = 0; i < count; i += 2)
        {
            table.Directory.Remove(units[i]);
        }

        return table.Directory.Steps / (1.5 * count);
    }

    /// <summary>A range that none of those overlaps.</summary>
    private static AddressRange Free(Random random, List<(ulong Unit, AddressRange[] Ranges)> known, int part)
    {
        while (true)
        {
            ulong start = ((ulong)random.NextInt64(1 << 12) << 8) + ((ulong)part * 0x50);
            var range = new AddressRange(start, start + 0x10 + (ulong)random.NextInt64(0x40));
            if (!known.Exists(entry => entry.Ranges.Any(other => other.Start < range.End && range.Start < other.End)))
            {
                return range;
            }
        }
    }

    /// <summary>A directory of records that say nothing, read as Interface.c reads it.</summary>
    private sealed class Table : IDisposable
    {
        private readonly NativeBlock _words = new(4 * sizeof(ulong)); // the directory, the phase, two counters
        private readonly List<NativeBlock> _records = [];

        internal Table()
        {
            Last = NewRecord();
            var readers = new Readers(_words.Address + 8, _words.Address + 16);
            Directory = new UnitDirectory(readers, _words.Address, Last, []);
        }

        internal UnitDirectory Directory { get; }

        internal ulong Last { get; }

        internal ulong NewRecord()
        {
            _records.Add(new NativeBlock(RecordSize));
            return _records[^1].Address;
        }

        internal ulong Find(ulong address)
        {
            ulong node = NativeBytes.LoadWord(NativeBytes.LoadWord(_words.Address) + 24);
            while (node is not 0 && (address < NativeBytes.LoadWord(node) || address >= NativeBytes.LoadWord(node + 8)))
            {
                node = NativeBytes.LoadWord(node + (address < NativeBytes.LoadWord(node) ? 24UL : 32));
            }

            return node is 0 ? 0 : NativeBytes.LoadWord(node + 16);
        }

        internal List<ulong> Listed()
        {
            List<ulong> units = [];
            for (ulong unit = NativeBytes.LoadWord(NativeBytes.LoadWord(_words.Address) + 16); unit is not 0;
                unit = NativeBytes.LoadWord(unit + Next))
            {
                units.Add(unit);
            }

            return units;
        }

        public void Dispose()
        {
            _words.Dispose();
            _records.ForEach(record => record.Dispose());
        }
    }
}
