using System.Runtime.InteropServices;
using ElfLoader.Tests.EndToEnd;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.Redirection;

/// <summary>The sample renders the same sound whatever is swapped meanwhile, and another one from the very sample.</summary>
public sealed class SynthTests
{
    private const int HeaderSize = 44;
    private const int Samples = 240_000;

    private static readonly string Source = Path.Combine(Fixtures.Root, "Tools", "Samples", "Synth", "dsp.c");

    private TemporaryFolder _folder = null!;
    private byte[] _plain = null!;

    [OneTimeSetUp]
    public void RenderWithoutSwaps()
    {
        _folder = new TemporaryFolder();
        _plain = Render("plain.wav");
    }

    [OneTimeTearDown]
    public void Dispose() => _folder.Dispose();

    [Test]
    public void ThousandSwapsOfAnEqualFunctionAreNotHeard()
    {
        Assert.That(_plain, Has.Length.EqualTo(HeaderSize + (Samples * sizeof(float))));
        Assert.That(Floats(_plain).ToArray(), Has.Some.GreaterThan(0.4f), "there is sound");

        Assert.That(Render("swapped.wav", "--swaps", "1000").AsSpan().SequenceEqual(_plain));
    }

    [TestCase(1)]
    [TestCase(100_001)]
    public void OtherFunctionIsHeardFromItsSampleOn(int sample)
    {
        string other = _folder.File("other.c");
        File.WriteAllText(other, File.ReadAllText(Source).Replace("0.5f * low", "0.25f * low", StringComparison.Ordinal));

        ReadOnlySpan<float> changed = Floats(Render("changed.wav", "--change", $"{sample}", other));

        ReadOnlySpan<float> plain = Floats(_plain);
        Assert.That(changed[..sample].SequenceEqual(plain[..sample]));
        float[] half = [.. plain[sample..].ToArray().Select(value => value / 2)];
        Assert.That(changed[sample..].SequenceEqual(half), "the state goes on, at half the volume");
        Assert.That(plain[sample], Is.Not.Zero);
    }

    private static ReadOnlySpan<float> Floats(byte[] wave) => MemoryMarshal.Cast<byte, float>(wave.AsSpan(HeaderSize));

    private byte[] Render(string name, params string[] options)
    {
        string wave = _folder.File(name);
        string tool = ElfloadCommand.Tool
            .Replace(Path.Combine("Tools", "elfload"), Path.Combine("Tools", "Samples", "Synth"), StringComparison.Ordinal)
            .Replace("elfload.dll", "synth.dll", StringComparison.Ordinal);
        _ = Command.Check("dotnet", [tool, Source, "--offline", $"{Samples}", "--wave", wave, .. options]);
        return File.ReadAllBytes(wave);
    }
}
