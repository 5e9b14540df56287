using System.Diagnostics;

namespace ElfLoader.Benchmarks.Measuring;

/// <summary>What one contestant achieved.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Times">Its times, or null if it could not take part.</param>
/// <param name="Allocated">Managed bytes that one run allocated.</param>
/// <param name="Note">Why it could not take part, or not in all.</param>
internal sealed record Result(string Name, Samples? Times, long? Allocated, string? Note);

/// <summary>Measures contestants in turn, A B C A B C and so on, so that what disturbs disturbs all alike.</summary>
/// <param name="Rounds">How often each is measured.</param>
internal sealed record Contest(int Rounds)
{
    // The first run after a pause is not a warm one: the caches hold what others have done. So a turn begins with a run that is
    // not counted, unless that makes little difference, and who is quicker than the shortest turn runs several times.
    private const double ShortestTurn = 5;
    private const double LongestWithFirstRun = 50;

    private const int MostRunsInTurn = 200;

    /// <summary>Who is slow is measured less often than to take longer than this in all.</summary>
    public TimeSpan Budget { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>After this, a contestant is given up.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Measures all.</summary>
    /// <param name="entries">Starts each.</param>
    public IReadOnlyList<Result> Run(IReadOnlyList<(string Name, Func<Contestant> Start)> entries)
    {
        Entry[] all = [.. entries.Select(entry => new Entry(entry.Name))];
        try
        {
            for (int i = 0; i < all.Length; i++)
            {
                all[i].Start(entries[i].Start, this);
            }

            for (int round = 0; round < Rounds; round++)
            {
                foreach (Entry entry in all.Where(entry => round < entry.Rounds))
                {
                    entry.Measure(this);
                }
            }

            return [.. all.Select(entry => entry.Result)];
        }
        finally
        {
            foreach (Entry entry in all)
            {
                entry.Contestant?.Dispose();
            }
        }
    }

    private sealed class Entry(string name)
    {
        private readonly List<double> _times = [];
        private int _runsInTurn = 1;
        private int _firstRuns;
        private string? _note;

        public Contestant? Contestant { get; private set; }

        public int Rounds { get; private set; }

        public Result Result => new(
            name, _times.Count > 0 ? new Samples(_times) : null, Contestant?.Allocated, _note);

        /// <summary>Starts it, warms it up, and estimates how often it can be measured.</summary>
        public void Start(Func<Contestant> start, Contest contest)
        {
            Try(() =>
            {
                Contestant = start();
                Contestant.WaitUntilReady(contest.Patience);
                _note = Contestant.Note;
                long before = Stopwatch.GetTimestamp();
                double[] first = Contestant.Run(1, contest.Patience);
                TimeSpan elapsed = Stopwatch.GetElapsedTime(before);
                _runsInTurn = (int)Math.Clamp(ShortestTurn / first[0], 1, MostRunsInTurn);
                _firstRuns = first[0] < LongestWithFirstRun ? 1 : 0;
                Rounds = (int)Math.Clamp(contest.Budget / elapsed / (_runsInTurn + _firstRuns), 1, contest.Rounds);
                if (Rounds is 1 && contest.Rounds > 1)
                {
                    Rounds = 0;
                    _times.AddRange(first); // so slow that warming up makes no difference
                }
            });
        }

        public void Measure(Contest contest) =>
            Try(() => _times.AddRange(Contestant!.Run(_firstRuns + _runsInTurn, contest.Patience)[_firstRuns..]));

        private void Try(Action action)
        {
            try
            {
                action();
            }
            catch (MeasurementException exception)
            {
                _note = exception.Message;
                Rounds = 0;
            }
        }
    }
}
