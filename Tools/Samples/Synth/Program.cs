using System.Globalization;
using ElfLoader.Samples.Synth;

const string usage = """
    synth [DSP.c] [--seconds N] [--wave FILE]
        Plays; saving DSP.c changes the sound at once. Keys: u goes back to the sound before, q quits.
    synth [DSP.c] --offline SAMPLES --wave FILE [--swaps N] [--change SAMPLE OTHER.c]
        Renders without playing: with the same sound swapped in N times meanwhile, and with another one from a sample on.
    """;
string source = Path.Combine(AppContext.BaseDirectory, "dsp.c");
string? wave = null;
double? seconds = null;
long offline = 0;
int swaps = 0;
(long Sample, string Path)? change = null;
for (int i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--seconds" when i + 1 < args.Length:
            seconds = double.Parse(args[++i], CultureInfo.InvariantCulture);
            break;
        case "--wave" when i + 1 < args.Length:
            wave = args[++i];
            break;
        case "--offline" when i + 1 < args.Length:
            offline = long.Parse(args[++i], CultureInfo.InvariantCulture);
            break;
        case "--swaps" when i + 1 < args.Length:
            swaps = int.Parse(args[++i], CultureInfo.InvariantCulture);
            break;
        case "--change" when i + 2 < args.Length:
            change = (long.Parse(args[++i], CultureInfo.InvariantCulture), args[++i]);
            break;
        default:
            if (args[i].StartsWith('-') || !File.Exists(args[i]))
            {
                Console.Error.WriteLine(usage);
                return 2;
            }

            source = args[i];
            break;
    }
}

using var instrument = new Instrument(source);
if (offline > 0 && wave is not null)
{
    Offline.Render(
        instrument,
        wave,
        offline,
        swaps,
        instrument.Compile(source),
        change is { } other ? (other.Sample, instrument.Compile(other.Path)) : null);
}
else
{
    Console.WriteLine($"edit {source} and save it; u goes back, q quits");
    new Live(instrument, source).Run(seconds, wave);
}

return 0;
