using ElfLoader.Libraries;

namespace ElfLoader.Tests.Linking;

/// <summary>Units in the order in which they came, whatever of them is taken out.</summary>
internal sealed class UnitListTests
{
    private readonly ObjectLibrary _library = new("list");

    [OneTimeTearDown]
    public void Dispose() => _library.Dispose();

    [Test]
    public void UnitThatComesIntoAnEmptiedListIsTheFirst()
    {
        UnitList list = new();
        LoadedUnit[] units = [.. Enumerable.Range(0, 4).Select(Unit)];
        list.Add(units[0]);
        list.Add(units[1]);
        list.Remove(units[0]);
        Assert.That(First(list), Is.EqualTo(units[1]), "it is looked for, and found behind a hole");
        list.Remove(units[1]);

        list.Add(units[2]);
        list.Add(units[3]);

        Assert.That((First(list), list.Last, list.Count), Is.EqualTo((units[2], units[3], 2)));
    }

    /// <summary>The same as a plain list, which looks through all.</summary>
    [Test]
    public void ListIsLikeAPlainOne([Values(1, 2, 3, 4)] int seed)
    {
        var random = new Random(seed);
        UnitList list = new();
        List<LoadedUnit> expected = [];
        for (int i = 0; i < 3000; i++)
        {
            int most = (i / 300) % 2 is 0 ? 60 : 4; // it grows, and shrinks again
            if (expected.Count is 0 || random.Next(most) > expected.Count)
            {
                LoadedUnit unit = Unit(i);
                list.Add(unit);
                expected.Add(unit);
            }
            else
            {
                LoadedUnit unit = expected[random.Next(3) switch { 0 => 0, 1 => expected.Count - 1, _ => random.Next(expected.Count) }];
                Assert.That((list.Remove(unit), list.Remove(unit)), Is.EqualTo((true, false)));
                expected.Remove(unit);
            }

            if (random.Next(2) is 0)
            {
                Assert.That(First(list), Is.EqualTo(expected.FirstOrDefault()), $"step {i}");
            }

            Assert.That((list.Count, list.Last), Is.EqualTo((expected.Count, expected.LastOrDefault())), $"step {i}");
        }

        Assert.That(list.ToArray(), Is.EqualTo(expected));
    }

    private static LoadedUnit? First(UnitList list) => list.TryGetFirst(out LoadedUnit? unit) ? unit : null;

    private LoadedUnit Unit(int number) => new(_library, $"{number}.o");
}
