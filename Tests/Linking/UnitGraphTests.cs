using ElfLoader.Libraries;

namespace ElfLoader.Tests.Linking;

/// <summary>Which units can go, and when.</summary>
internal sealed class UnitGraphTests
{
    private readonly ObjectLibrary _library = new("graph");
    private readonly UnitGraph _graph = new();

    [OneTimeTearDown]
    public void Dispose() => _library.Dispose();

    [TestCase(UnitUse.None, UnitState.Gone)]
    [TestCase(UnitUse.SharedCode, UnitState.Leaving)]
    [TestCase(UnitUse.SharedData, UnitState.Leaving)]
    [TestCase(UnitUse.Owed, UnitState.Leaving)]
    public void UnitOfWhichNothingIsNeededCanLeave(UnitUse use, UnitState expected)
    {
        LoadedUnit used = Unit("used");
        if (use is not UnitUse.None)
        {
            Assert.That(_graph.TryAdd(Unit("user"), Uses(used, use), out _));
        }

        Assert.That(_graph.TryLeave(used, out UnitUse left), Is.True);
        Assert.That((left, used.State), Is.EqualTo((use, expected)));
        Assert.That(_graph.TryLeave(used, out _), Is.False, "it has left");
    }

    [TestCase(UnitUse.Needed)]
    [TestCase(UnitUse.Needed | UnitUse.SharedCode)]
    public void UnitThatIsNeededStaysAndTheRefusalNamesItsUsers(UnitUse use)
    {
        LoadedUnit used = Unit("used");
        LoadedUnit first = Unit("first.o");
        _graph.TryAdd(first, Uses(used, use), out _);
        _graph.TryAdd(Unit("second.o"), Uses(used, UnitUse.SharedCode), out _);
        _graph.TryAdd(Unit("third.o"), Uses(used, use), out _);

        InvalidOperationException refusal = Assert.Throws<InvalidOperationException>(() => _graph.TryLeave(used, out _));

        Assert.That(refusal.Message, Is.EqualTo("used is in use by first.o; third.o"));
        Assert.That(used.State, Is.EqualTo(UnitState.Loaded));
    }

    [Test]
    public void UnitGoesWithItsLastUser()
    {
        LoadedUnit used = Unit("used");
        LoadedUnit[] users = [Unit("1"), Unit("2")];
        foreach (LoadedUnit user in users)
        {
            _graph.TryAdd(user, Uses(used, UnitUse.SharedCode), out _);
        }

        _graph.TryLeave(used, out _);

        Assert.That(_graph.Remove(users[0]), Is.Empty);
        Assert.That(_graph.Remove(users[1]), Is.EqualTo([used]));
        Assert.That((used.State, users[1].FirstUse), Is.EqualTo((UnitState.Gone, 0)));
    }

    [Test]
    public void UserWhoseThreadsOweDestructorsKeepsWhatItUses()
    {
        LoadedUnit used = Unit("used");
        LoadedUnit user = Unit("user");
        _graph.TryAdd(user, Uses(used, UnitUse.Needed), out _);
        _graph.Retire(user);

        Assert.That(_graph.TryLeave(used, out UnitUse left), Is.True, "it is needed no more");
        Assert.That((left, used.State), Is.EqualTo((UnitUse.Owed, UnitState.Leaving)));
        Assert.That(_graph.Remove(user), Is.EqualTo([used]));
    }

    [TestCase(UnitUse.None, UnitUse.SharedCode, false)]
    [TestCase(UnitUse.SharedCode, UnitUse.SharedCode, true)]
    [TestCase(UnitUse.SharedCode, UnitUse.SharedData, false, Description = "its destructors have run")]
    [TestCase(UnitUse.SharedData, UnitUse.SharedData, true)]
    public void UnitThatLeavesMayBeUsedAsFarAsItIsShared(UnitUse left, UnitUse use, bool expected)
    {
        LoadedUnit used = Unit("used");
        LoadedUnit late = Unit("late");
        if (left is not UnitUse.None)
        {
            _graph.TryAdd(Unit("user"), Uses(used, left), out _);
        }

        _graph.TryLeave(used, out _);

        Assert.That(_graph.TryAdd(late, Uses(used, use), out LoadedUnit? gone), Is.EqualTo(expected));
        Assert.That(gone, Is.EqualTo(expected ? null : used));
        Assert.That(_graph.UsersOf(used).Contains(late), Is.EqualTo(expected));
    }

    private static UnitUses Uses(LoadedUnit used, UnitUse use)
    {
        var uses = new UnitUses();
        uses.Add(used, use);
        return uses;
    }

    private LoadedUnit Unit(string name) => new(_library, name) { State = UnitState.Loaded };
}
