using ElfLoader.Runtime;

namespace ElfLoader.Tests.Runtime;

public sealed class FreeRangesTests
{
    [Test]
    public void TakesAlignedPartsAndRefusesWhatDoesNotFit()
    {
        var ranges = new FreeRanges(32, 128);

        Assert.That(ranges.TryTake(8, 64, out int aligned), Is.True);
        Assert.That(aligned, Is.EqualTo(64));
        Assert.That(ranges.TryTake(32, 1, out int low), Is.True);
        Assert.That(low, Is.EqualTo(32));
        Assert.That(ranges.TryTake(57, 1, out _), Is.False);
        Assert.That(ranges.TryTake(56, 8, out int rest), Is.True);
        Assert.That(rest, Is.EqualTo(72));
        Assert.That(ranges.Total, Is.Zero);
    }

    [Test]
    public void PartsGoBackInAnyOrder()
    {
        var random = new Random(1);
        var ranges = new FreeRanges(3, 1_000);
        for (int round = 0; round < 100; round++)
        {
            var taken = new List<(int Start, int Size)>();
            int size = random.Next(1, 60);
            while (ranges.TryTake(size, 1 << random.Next(7), out int start))
            {
                Assert.That(
                    taken.All(other => start >= other.Start + other.Size || other.Start >= start + size), Is.True);
                taken.Add((start, size));
                size = random.Next(1, 60);
            }

            foreach ((int start, int length) in taken.OrderBy(_ => random.Next()))
            {
                ranges.Return(start, length);
            }

            Assert.That(ranges.Total, Is.EqualTo(997));
            Assert.That(ranges.TryTake(997, 1, out _), Is.True, "It is one piece again.");
            ranges.Return(3, 997);
        }
    }
}
