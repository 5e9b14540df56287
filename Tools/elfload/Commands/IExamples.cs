namespace ElfLoader.Tools.Commands;

/// <summary>A command whose help shows examples.</summary>
internal interface IExamples
{
    /// <summary>Command lines.</summary>
    IReadOnlyList<string> Examples { get; }
}
