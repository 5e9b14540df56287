namespace ElfLoader.Tools.Linking;

/// <summary>What is to be linked for target addresses.</summary>
internal static class TargetInputs
{
    /// <summary>Prepares for a link of inputs, and warns of those that a static executable takes nothing from.</summary>
    internal static void Prepare(InputFiles inputs, Reporter reporter)
    {
        GarbageCollection.PutOff(inputs);
        foreach (string library in inputs.SharedLibraries)
        {
            reporter.Warn($"{library}: a static executable takes nothing from a shared library");
        }
    }
}
