using ElfLoader.Linking;

namespace ElfLoader.Libraries;

/// <summary>A definition that has given its place to another one.</summary>
/// <param name="Hash">The name's hash.</param>
/// <param name="Name">The name.</param>
/// <param name="Definition">The definition.</param>
internal readonly record struct ReplacedDefinition(ulong Hash, byte[] Name, Definition Definition);

/// <content>Definitions that others have taken the place of, such as weak ones: for whoever may have to put them back.</content>
internal sealed partial class DefinitionTable
{
    private List<ReplacedDefinition>? _replaced; // mostly none is

    /// <summary>Whether they are kept; setting it forgets those that were.</summary>
    internal bool KeepsReplaced
    {
        get;
        set
        {
            field = value;
            _replaced = null;
        }
    }

    /// <summary>Those that are kept.</summary>
    internal IReadOnlyList<ReplacedDefinition> Replaced => _replaced ?? (IReadOnlyList<ReplacedDefinition>)[];

    private void KeepReplaced(ulong hash, ReadOnlySpan<byte> name, in Entry entry)
    {
        if (KeepsReplaced)
        {
            (_replaced ??= []).Add(new ReplacedDefinition(hash, name.ToArray(), DefinitionAt(entry)));
        }
    }
}
