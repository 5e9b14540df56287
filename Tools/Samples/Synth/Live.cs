namespace ElfLoader.Samples.Synth;

/// <summary>Plays, and swaps the sound when its source changes.</summary>
internal sealed class Live
{
    private const int Block = 256;

    private readonly Instrument _instrument;
    private readonly string _source;
    private volatile bool _stop;

    public Live(Instrument instrument, string source)
    {
        _instrument = instrument;
        _source = source;
    }

    /// <summary>Plays until <c>q</c> is pressed, or for a time.</summary>
    /// <param name="seconds">How long; null: until <c>q</c>.</param>
    /// <param name="wave">A file to write as well; null for none.</param>
    public void Run(double? seconds, string? wave)
    {
        var audio = new Thread(() => Play(wave)) { Name = "audio", Priority = ThreadPriority.Highest };
        audio.Start();
        DateTime end = seconds is { } time ? DateTime.UtcNow.AddSeconds(time) : DateTime.MaxValue;
        DateTime seen = File.GetLastWriteTimeUtc(_source);
        while (!_stop && DateTime.UtcNow < end)
        {
            if (File.GetLastWriteTimeUtc(_source) is var written && written != seen)
            {
                seen = written;
                Change();
            }

            ReadKey();
            Thread.Sleep(20);
        }

        _stop = true;
        audio.Join();
    }

    private void Play(string? wave)
    {
        using var player = Player.Open();
        using WaveFile? file = wave is null ? null : new WaveFile(wave);
        Console.WriteLine($"playing through {player.Name}{(wave is null ? "" : $", writing {wave}")}");
        Span<float> block = stackalloc float[Block];
        while (!_stop)
        {
            _instrument.Play(block);
            file?.Write(block);
            player.Play(block);
        }
    }

    private void Change()
    {
        try
        {
            Replacement replacement = _instrument.Change(_instrument.Compile(_source));
            Console.WriteLine($"generation {replacement.Generation}");
            foreach (StateReport report in replacement.State.Where(report => report.Outcome is not StateOutcome.Kept))
            {
                Console.WriteLine($"  {report}");
            }
        }
        catch (Exception exception) when (exception is InvalidOperationException or LinkException or IOException)
        {
            Console.WriteLine($"still playing what was there:\n{exception.Message}");
        }
    }

    private void ReadKey()
    {
        if (Console.IsInputRedirected || !Console.KeyAvailable)
        {
            return;
        }

        switch (Console.ReadKey(intercept: true).KeyChar)
        {
            case 'q':
                _stop = true;
                break;
            case 'u':
                Console.WriteLine(_instrument.Undo() ? "went back" : "there is nothing to go back to");
                break;
        }
    }
}
