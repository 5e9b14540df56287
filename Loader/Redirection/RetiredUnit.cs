using System.Globalization;
using ElfLoader.Libraries;
using ElfLoader.Memory;
using ElfLoader.Redirection;

namespace ElfLoader;

/// <summary>A unit that is not defined any more, and what keeps it in memory.</summary>
/// <param name="Unit">The unit.</param>
/// <param name="Reasons">What keeps it, for a person; at least one.</param>
public sealed record RetiredUnit(LoadedUnit Unit, IReadOnlyList<string> Reasons)
{
    /// <summary>The unit's name, and what keeps it.</summary>
    public override string ToString() => $"{Unit.Name}: {string.Join("; ", Reasons)}";

    internal static IReadOnlyList<RetiredUnit> Of(LibraryContents contents)
    {
        List<RetiredUnit> units = [];
        IReadOnlyList<EpochThread> threads = EpochGate.Active();
        foreach ((LoadedUnit unit, ulong generation) in contents.Superseded)
        {
            units.Add(new RetiredUnit(unit, WhyNotReclaimed(threads, (long)generation)));
        }

        foreach (LoadedUnit unit in contents.Retired)
        {
            units.Add(new RetiredUnit(unit, [WhyRetired(unit)]));
        }

        return units;
    }

    /// <summary>What keeps a unit, whatever its state.</summary>
    internal static IReadOnlyList<string> ReasonsFor(LoadedUnit unit)
    {
        List<string> reasons = [];
        LibraryContents contents = unit.Library.Contents;
        if (unit.State is UnitState.Loaded)
        {
            reasons.Add("it is loaded");
        }

        if (contents.SupersededIn(unit) is { } generation)
        {
            reasons.AddRange(WhyNotReclaimed(EpochGate.Active(), (long)generation));
        }

        List<LoadedUnit> users = contents.UsersOf(unit);
        reasons.AddRange(users.Select(user => $"{user.Name} uses it"));
        IReadOnlyCollection<string> variables = KeptState.VariablesOf(unit);
        if (variables.Count > 0)
        {
            reasons.Add($"kept variables are in it or may point to it: {string.Join(", ", variables.Order().Select(CxxNames.Readable))}");
        }

        if (contents.IsRetired(unit))
        {
            reasons.Add(WhyRetired(unit));
        }

        if (unit.RegistersExit && unit.State is not UnitState.Loaded and not UnitState.Gone)
        {
            reasons.Add("it may have registered functions to be called at exit");
        }

        return reasons;
    }

    private static string WhyRetired(LoadedUnit unit) => (unit.ForeignDestructors, unit.Resources.Lifetime.PendingThreadDestructors) switch
    {
        ({ Count: 1 }, _) => "it has the destructor of a variable of the host, which runs at exit",
        ({ Count: > 1 and long count }, _) => $"it has the destructors of {CountText.Of(count, "variable")} of the host, which run at exit",
        (_, 0) when unit.OwedCallers?.FindAny() is { } caller =>
            $"{caller.Name} may call it: {WhyRetired(caller)}",
        (_, 0) => "when it was unloaded, a thread was going through the loaded units (dl_iterate_phdr)",
        (_, 1) => "a thread owes it the destructor of a thread-local variable",
        (_, var owed) => $"threads owe it {CountText.Of(owed, "destructor")} of thread-local variables",
    };

    private static List<string> WhyNotReclaimed(IReadOnlyList<EpochThread> threads, long generation)
    {
        List<string> reasons =
        [
            .. threads.Where(thread => thread.Generation < generation).Select(thread => string.Create(
                CultureInfo.InvariantCulture,
                $"thread {thread.ThreadId} is in an epoch that it entered at generation {thread.Generation}")),
        ];
        if (reasons.Count is 0)
        {
            reasons.Add("it has not been reclaimed, and can be brought back");
        }

        return reasons;
    }
}
