using System.Reflection;

namespace ElfLoader.Tools.Running;

/// <summary>
/// The code around <c>main</c> of a program that was loaded into this process: an object, written in <c>X64Start.s</c>, with
/// a library of its own, so that the program does not see it.
/// </summary>
internal static class ProgramStart
{
    private const string ObjectName = "X64Start.o";

    /// <summary>Loads it, for as long as the process lives.</summary>
    /// <returns>The address of its function, as <see cref="Memory.HostedProgram.Start"/> takes it.</returns>
    internal static ulong Load()
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(ObjectName)
            ?? throw new InvalidOperationException($"{ObjectName} is missing from this assembly");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
#pragma warning disable CA2000 // it ends with the process
        var library = new ObjectLibrary("start of a program");
#pragma warning restore CA2000
        library.Add(bytes, ObjectName);
        return (ulong)library.GetExport("start_program");
    }
}
