namespace ElfLoader.Tests.Linking;

/// <summary>The distance of names beside one that is computed from its definition, cell by cell.</summary>
public sealed class NearestNameTests
{
    [Test]
    public void DistanceIsThatOfTheWholeTable([Values(1, 2, 3)] int seed)
    {
        var random = new Random(seed);
        int near = 0;
        for (int i = 0; i < 20_000; i++)
        {
            string name = Word(random, random.Next(1, 24));
            string other = i % 4 is 0 ? Word(random, random.Next(1, 24)) : Edited(random, name, random.Next(0, 5));
            int limit = name.Length < 3 ? 1 : name.Length < 8 ? 2 : 3;
            int distance = Distance(name, other);
            int expected = name == other ? 0
                : name.Equals(other, StringComparison.OrdinalIgnoreCase) ? 1
                : name.Length >= 3 && distance < limit ? 1 + distance
                : int.MaxValue;

            Assert.That(NearestName.Between(name, other), Is.EqualTo(expected), $"'{name}' and '{other}'");
            near += expected is int.MaxValue ? 0 : 1;
        }

        Assert.That(near, Is.InRange(4_000, 16_000), "both kinds were tried");
    }

    private static string Word(Random random, int length) =>
        string.Concat(Enumerable.Range(0, length).Select(_ => "abcABC"[random.Next(6)]));

    private static string Edited(Random random, string word, int edits)
    {
        for (int i = 0; i < edits; i++)
        {
            int at = random.Next(word.Length);
            string letter = Word(random, 1);
            word = random.Next(4) switch
            {
                0 => word.Insert(at, letter),
                1 when word.Length > 1 => word.Remove(at, 1),
                2 when at + 1 < word.Length => $"{word[..at]}{word[at + 1]}{word[at]}{word[(at + 2)..]}",
                _ => $"{word[..at]}{letter}{word[(at + 1)..]}",
            };
        }

        return word;
    }

    /// <summary>Letters to insert, leave out, replace or swap with the next, none of them twice.</summary>
    private static int Distance(string left, string right)
    {
        int[,] table = new int[left.Length + 1, right.Length + 1];
        for (int i = 0; i <= left.Length; i++)
        {
            for (int j = 0; j <= right.Length; j++)
            {
                int least = i is 0 || j is 0 ? i + j : table[i - 1, j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
                least = i > 0 ? Math.Min(least, table[i - 1, j] + 1) : least;
                least = j > 0 ? Math.Min(least, table[i, j - 1] + 1) : least;
                table[i, j] = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]
                    ? Math.Min(least, table[i - 2, j - 2] + 1)
                    : least;
            }
        }

        return table[left.Length, right.Length];
    }
}
