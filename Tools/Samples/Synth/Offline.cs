namespace ElfLoader.Samples.Synth;

/// <summary>Renders a given number of samples as fast as it goes, with changes in between. The result is always the same.</summary>
internal static class Offline
{
    private const int Block = 64;

    /// <summary>Renders into a file.</summary>
    /// <param name="instrument">The sound.</param>
    /// <param name="path">The file.</param>
    /// <param name="samples">How many.</param>
    /// <param name="equalSwaps">
    /// How often another thread swaps the same code in meanwhile, at no time in particular but spread over all of it.
    /// </param>
    /// <param name="code">That code.</param>
    /// <param name="change">A sample from which on other code is used, and that code; null for none.</param>
    public static void Render(
        Instrument instrument, string path, long samples, int equalSwaps, byte[] code, (long Sample, byte[] Code)? change)
    {
        using var file = new WaveFile(path);
        long rendered = 0;
        int swapped = 0;
        var audio = new Thread(() =>
        {
            Span<float> block = stackalloc float[Block];
            while (rendered < samples)
            {
                int size = (int)Math.Min(Block, samples - rendered);
                if (change is { } pending && rendered <= pending.Sample)
                {
                    size = (int)Math.Min(size, pending.Sample - rendered);
                    if (size is 0)
                    {
                        instrument.Change(pending.Code);
                        change = null;
                        continue;
                    }
                }

                while (Volatile.Read(ref swapped) < equalSwaps * (rendered / (double)samples) - 1)
                {
                    Thread.Yield(); // the swaps shall not all be made when the sound is over
                }

                instrument.Play(block[..size]);
                file.Write(block[..size]);
                Volatile.Write(ref rendered, rendered + size);
            }
        })
        { Name = "audio" };
        audio.Start();
        for (int i = 0; i < equalSwaps; i++)
        {
            while (Volatile.Read(ref rendered) < samples / (double)equalSwaps * i)
            {
                Thread.Yield();
            }

            instrument.Change(code);
            Volatile.Write(ref swapped, i + 1);
        }

        audio.Join();
    }
}
