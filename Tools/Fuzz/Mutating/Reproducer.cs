using System.Diagnostics;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>Makes of a mutant that shows a defect the smallest change to its seed that does, and keeps it as a fixture.</summary>
internal static class Reproducer
{
    private const int Attempts = 2000;

    /// <summary>Saves a reproducer, with a text beside it that says what it shows.</summary>
    internal static void Save(
        string folder, FindingException finding, Seed seed, byte[] mutant, Subject subject, long number)
    {
        byte[] smallest = Minimize(seed.Bytes, mutant, bytes => KindOf(subject, bytes, number) == finding.Kind);
        Write(folder, finding.Kind, finding.Message, seed, smallest, number);
    }

    /// <summary>Writes a file and its text.</summary>
    internal static void Write(string folder, string kind, string message, Seed seed, byte[] bytes, long number)
    {
        _ = Directory.CreateDirectory(folder);
        string name = string.Concat(kind.Select(letter => char.IsAsciiLetterOrDigit(letter) ? char.ToLowerInvariant(letter) : '-'));
        string path = Path.Combine(folder, $"{name}-{number}{Path.GetExtension(seed.Name)}");
        File.WriteAllBytes(path, bytes);
        foreach ((string member, byte[] contents) in seed.Members)
        {
            File.WriteAllBytes(Path.Combine(folder, member), contents); // of a thin archive
        }

        IEnumerable<string> changes = Differences(seed.Bytes, bytes).Take(64).Select(i => $"0x{i:x}: {seed.Bytes[i]:x2} is {bytes[i]:x2}");
        File.WriteAllLines(
            path + ".txt",
            [kind, $"{seed.Name} with (number {number}):", .. changes, $"{seed.Bytes.Length} bytes are {bytes.Length}", "", message]);
    }

    /// <summary>Takes changes back, in ever smaller pieces, as long as the defect shows.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="mutant">The mutant.</param>
    /// <param name="shows">Whether it shows.</param>
    /// <param name="time">How long to try; null for as often as usual.</param>
    internal static byte[] Minimize(byte[] seed, byte[] mutant, Func<byte[], bool> shows, TimeSpan? time = null)
    {
        byte[] best = mutant;
        int attempts = Attempts;
        var watch = Stopwatch.StartNew();
        bool MayTry() => attempts-- > 0 && (time is null || watch.Elapsed < time);
        if (best.Length != seed.Length)
        {
            byte[] sized = [.. best.AsSpan(0, Math.Min(best.Length, seed.Length)), .. seed.AsSpan(Math.Min(best.Length, seed.Length))];
            best = MayTry() && shows(sized) ? sized : best;
        }

        for (int piece = Math.Max(1, Differences(seed, best).Length / 2); ; piece /= 2)
        {
            bool isSmaller = true;
            while (isSmaller)
            {
                isSmaller = false;
                int[] changed = Differences(seed, best);
                for (int i = 0; i < changed.Length && MayTry(); i += piece)
                {
                    byte[] candidate = [.. best];
                    foreach (int at in changed.AsSpan(i, Math.Min(piece, changed.Length - i)))
                    {
                        candidate[at] = seed[at];
                    }

                    if (shows(candidate))
                    {
                        best = candidate;
                        isSmaller = true;
                    }
                }
            }

            if (piece <= 1)
            {
                return best;
            }
        }
    }

    private static int[] Differences(byte[] seed, byte[] mutant) =>
        [.. Enumerable.Range(0, Math.Min(seed.Length, mutant.Length)).Where(i => seed[i] != mutant[i])];

    private static string? KindOf(Subject subject, byte[] bytes, long number)
    {
        try
        {
            _ = subject.Run(bytes, number);
            return null;
        }
        catch (FindingException finding)
        {
            return finding.Kind;
        }
    }
}
