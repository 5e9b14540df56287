using System.Runtime.InteropServices;
using ElfLoader.Benchmarks.Inputs;

namespace ElfLoader.Benchmarks.Jobs;

/// <summary>Loads many objects, one by one, then one that throws and catches. Only its first call is timed.</summary>
internal sealed class FirstThrow(ObjectSet objects) : IJob
{
    private readonly (string Name, byte[] Bytes)[] _files = objects.Read();
    private readonly byte[] _thrower = GeneratedObjects.Thrower().Read()[0].Bytes;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Number(int value);

    /// <inheritdoc/>
    public Measurement Run()
    {
        using var library = new ObjectLibrary("throw");
        library.AddSharedLibrary("libstdc++.so.6");
        foreach ((string name, byte[] bytes) in _files)
        {
            _ = library.Load(bytes, name);
        }

        _ = library.Load(_thrower, "thrower.o");
        // This call also compiles what .NET needs for calls of this kind, which is not to be measured.
        if (library.GetFunction<Number>($"f{_files.Length - 1}")(0) != _files.Length)
        {
            throw new MeasurementException("the objects do not do what they should");
        }

        Number function = library.GetFunction<Number>("throw_and_catch");
        var meter = Meter.Start();
        int caught = function(3);
        Measurement measurement = meter.Stop();
        return caught is 42 ? measurement : throw new MeasurementException("nothing was thrown");
    }
}
