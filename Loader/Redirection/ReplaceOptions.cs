namespace ElfLoader;

/// <summary>How objects take the place of others.</summary>
public sealed record ReplaceOptions
{
    /// <summary>What becomes of variables that both generations have.</summary>
    public StatePolicy State { get; init; } = StatePolicy.Keep;

    /// <summary>Chooses for single variables, by name; null: <see cref="State"/> for all.</summary>
    public Func<string, StatePolicy>? Choose { get; init; }

    /// <summary>
    /// Carries the values of variables over for which <see cref="StatePolicy.Migrate"/> was chosen. It is called once for each
    /// while no thread is in an epoch, and must be quick; if it throws, nothing is published.
    /// </summary>
    public Action<StateMigration>? Migrate { get; init; }

    /// <summary>
    /// Whether the initializers of the new objects run (constructors of variables in C++). Null: they do, but where variables
    /// are kept and there are initializers, which may overwrite them, nothing is loaded and an error says so.
    /// </summary>
    public bool? RunInitializers { get; init; }

    /// <summary>How long to wait for a moment in which no thread is in an epoch.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);
}
