using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ElfLoader.Samples.Synth;

/// <summary>The sound: a function of C that can be changed while it is being called.</summary>
internal sealed class Instrument : IDisposable
{
    private static readonly string[] Compilers = ["clang", "clang-19", "clang-14"];

    private readonly ObjectLibrary _library = new("synth", new ObjectLibraryOptions { Redirectable = true });
    private readonly string _folder = Directory.CreateTempSubdirectory("elfloader-synth-").FullName;
    private readonly Render _render;
    private Replacement? _last;

    /// <summary>Compiles and loads the first version.</summary>
    public Instrument(string source)
    {
        _library.Load(Compile(source), "dsp.o");
        _render = _library.GetFunction<Render>("render");
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void Render(ref float samples, int frames);

    /// <summary>Compiles a C file.</summary>
    /// <exception cref="InvalidOperationException">It has errors; the message tells them.</exception>
    public byte[] Compile(string source)
    {
        string output = Path.Combine(_folder, "dsp.o");
        string compiler = Compilers.FirstOrDefault(Player.IsOnPath)
            ?? throw new InvalidOperationException("clang is missing");

        // A section for each variable, so that one can be added without losing the others.
        var start = new ProcessStartInfo(compiler, ["-O2", "-fPIC", "-fdata-sections", "-c", source, "-o", output])
        {
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode is 0 ? File.ReadAllBytes(output) : throw new InvalidOperationException(errors);
    }

    /// <summary>Swaps new code in. The thread that renders is not stopped; what it is in, it finishes.</summary>
    public Replacement Change(byte[] code)
    {
        _ = _library.Reclaim(); // what was replaced before the last change; the last one can be undone
        return _last = _library.Replace(code, "dsp.o");
    }

    /// <summary>Goes back to the code before the last change; false if there is none.</summary>
    public bool Undo()
    {
        _last = _last?.Undo();
        return _last is not null;
    }

    /// <summary>Makes the next samples. For one thread.</summary>
    public void Play(Span<float> samples)
    {
        using Epoch epoch = Epoch.EnterWithoutWaiting(); // nobody waits for sound, and it waits for nobody
        _render(ref MemoryMarshal.GetReference(samples), samples.Length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _library.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
