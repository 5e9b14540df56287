using ElfLoader.Libraries;

namespace ElfLoader.Tests.Linking;

/// <summary>The two lists that each use of a unit by another is in, against plain lists.</summary>
public sealed class UnitEdgesTests
{
    private const int Units = 7;

    private readonly ObjectLibrary _library = new("edges");

    [OneTimeTearDown]
    public void Dispose() => _library.Dispose();

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    public void ListsKeepTheirOrderWhateverIsTakenOut(int seed)
    {
        LoadedUnit[] units = [.. Enumerable.Range(0, Units).Select(i => new LoadedUnit(_library, $"{i}"))];
        var edges = new UnitEdges();
        List<(int Edge, LoadedUnit User, LoadedUnit Used)> expected = [];
        var random = new Random(seed);
        for (int step = 0; step < 3_000; step++)
        {
            // Grows to several blocks first, then shrinks to nothing, several times over.
            bool grows = step % 1_000 < 600;
            if (expected.Count is 0 || random.Next(10) < (grows ? 8 : 1))
            {
                (LoadedUnit user, LoadedUnit used) = (units[random.Next(Units)], units[random.Next(Units)]);
                expected.Add((edges.Add(user, used, (UnitUse)(1 + random.Next(7))), user, used));
            }
            else
            {
                int removed = random.Next(expected.Count);
                edges.Remove(expected[removed].Edge);
                expected.RemoveAt(removed);
            }

            if (step % 50 is 0)
            {
                Check(edges, units, expected);
            }
        }

        foreach ((int edge, _, _) in expected)
        {
            edges.Remove(edge);
        }

        Check(edges, units, []);
        Assert.That(edges.Add(units[0], units[1], UnitUse.Needed), Is.EqualTo(1), "nothing is left of those before");
    }

    private static void Check(
        UnitEdges edges, LoadedUnit[] units, List<(int Edge, LoadedUnit User, LoadedUnit Used)> expected)
    {
        foreach (LoadedUnit unit in units)
        {
            int[] uses = [.. expected.Where(edge => edge.User == unit).Select(edge => edge.Edge)];
            int[] users = [.. expected.Where(edge => edge.Used == unit).Select(edge => edge.Edge)];
            Assert.That(From(unit.FirstUse, edge => edges[edge].NextUse), Is.EqualTo(uses));
            Assert.That(From(unit.LastUse, edge => edges[edge].PreviousUse), Is.EqualTo(uses.Reverse()));
            Assert.That(From(unit.FirstUser, edge => edges[edge].NextUser), Is.EqualTo(users));
            Assert.That(From(unit.LastUser, edge => edges[edge].PreviousUser), Is.EqualTo(users.Reverse()));
        }
    }

    private static List<int> From(int first, Func<int, int> next)
    {
        List<int> edges = [];
        for (int edge = first; edge is not 0; edge = next(edge))
        {
            edges.Add(edge);
        }

        return edges;
    }
}
