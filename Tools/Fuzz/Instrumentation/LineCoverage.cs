using System.Reflection;

namespace ElfLoader.Fuzz.Instrumentation;

/// <summary>The lines of instrumented assemblies that have run in this process; nothing where none is instrumented.</summary>
internal sealed class LineCoverage
{
    private static readonly string[] Instrumented =
        ["ElfLoader.Loader", "ElfLoader.Relocations", "ElfLoader.Arch.X64", "ElfLoader.Arch.Arm"];

    private readonly List<(byte[] Lines, string[] Places)> _modules = [];

    /// <summary>Finds the arrays of the assemblies that this process has loaded.</summary>
    internal LineCoverage()
    {
        foreach (string name in Instrumented)
        {
            var assembly = Assembly.Load(name);
            if (assembly.GetType(Instrumenter.TypeName)?.GetField(Instrumenter.FieldName)?.GetValue(null) is byte[] lines)
            {
                _modules.Add((lines, File.ReadAllLines(assembly.Location + Instrumenter.Extension)));
            }
        }
    }

    /// <summary>Number of lines that have run.</summary>
    internal int Count => _modules.Sum(module => module.Lines.Length - module.Lines.AsSpan().Count((byte)0));

    /// <summary>Copies a program into a folder, its assemblies instrumented.</summary>
    /// <param name="folder">The program's folder.</param>
    /// <param name="to">The folder to make; what it has is replaced.</param>
    internal static void Prepare(string folder, string to)
    {
        _ = Directory.CreateDirectory(to);
        foreach (string file in Directory.EnumerateFiles(folder))
        {
            string name = Path.GetFileName(file);
            string copy = Path.Combine(to, name);
            if (Instrumented.Contains(Path.GetFileNameWithoutExtension(name)) && name.EndsWith(".dll", StringComparison.Ordinal))
            {
                Instrumenter.Copy(file, copy);
            }
            else if (!name.EndsWith(".pdb", StringComparison.Ordinal))
            {
                File.Copy(file, copy, overwrite: true);
            }
        }
    }

    /// <summary>The places that have run, and all.</summary>
    internal IEnumerable<(string Place, bool HasRun)> Places() =>
        _modules.SelectMany(module => module.Places.Select((place, i) => (place, module.Lines[i] is not 0)));

    /// <summary>Marks what ran in an earlier process as having run.</summary>
    internal void Restore(IReadOnlySet<string> places)
    {
        foreach ((byte[] lines, string[] names) in _modules)
        {
            for (int i = 0; i < names.Length; i++)
            {
                if (places.Contains(names[i]))
                {
                    lines[i] = 1;
                }
            }
        }
    }
}
