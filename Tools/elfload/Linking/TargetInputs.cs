using ElfLoader.Elf;

namespace ElfLoader.Tools.Linking;

/// <summary>Reads what is to be linked for target addresses.</summary>
internal static class TargetInputs
{
    /// <summary>Reads all files, and warns of those that a static executable takes nothing from.</summary>
    /// <exception cref="LinkException">One cannot be read.</exception>
    internal static InputFiles Read(IReadOnlyList<string> files, ReadLimits limits, Reporter reporter)
    {
        var inputs = new InputFiles(limits);
        reporter.Progress($"reading {files.Count} files");
        inputs.AddAll(files);
        GarbageCollection.PutOff(inputs);
        foreach (string library in inputs.SharedLibraries)
        {
            reporter.Warn($"{library}: a static executable takes nothing from a shared library");
        }

        return inputs;
    }
}
