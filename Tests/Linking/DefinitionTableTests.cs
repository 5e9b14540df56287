using System.Text;
using ElfLoader.Elf;
using ElfLoader.Libraries;
using ElfLoader.Linking;

namespace ElfLoader.Tests.Linking;

internal sealed class DefinitionTableTests
{
    private static readonly ObjectLibrary Library = new("table");
    private DefinitionTable _table = new();

    [OneTimeTearDown]
    public void Dispose() => Library.Dispose();

    [SetUp]
    public void Empty() => _table = new DefinitionTable();

    [Test]
    public void FindsWhatWasSetLast()
    {
        LoadedUnit unit = Unit();
        Set("f", 1, unit);
        Set("f", 2, unit);

        Assert.That((Address("f"), Address("g"), _table.Count), Is.EqualTo((2ul, 0ul, 1)));
    }

    [Test]
    public void NamesOfTheSameHashAreDifferent()
    {
        _table.Set(42, "f"u8, new Definition { Address = 1, Owner = Unit(), Provider = "a" });
        _table.Set(42, "g"u8, new Definition { Address = 2, Owner = Unit(), Provider = "b" });

        Assert.That((_table.Find(42, "f"u8).Address, _table.Find(42, "g"u8).Address), Is.EqualTo((1ul, 2ul)));
        Assert.That(_table.Find(42, "h"u8).Exists, Is.False);
    }

    // What of a unit that leaves stays, by what others share with it.
    [TestCase(UnitUse.None, "")]
    [TestCase(UnitUse.Owed, "")]
    [TestCase(UnitUse.SharedCode, "weak function")]
    [TestCase(UnitUse.SharedData, "weak function, weak data")]
    [TestCase(UnitUse.SharedCode | UnitUse.SharedData, "weak function, weak data")]
    public void RemovesButWhatIsShared(UnitUse left, string stays)
    {
        LoadedUnit unit = Unit();
        LoadedUnit other = Unit();
        Set("strong function", 1, unit, type: SymbolType.Function);
        Set("weak function", 2, unit, isWeak: true, SymbolType.Function);
        Set("weak data", 3, unit, isWeak: true, SymbolType.Object);
        Set("other", 4, other);

        _table.Remove(unit, left);

        Assert.That(string.Join(", ", _table.All().Select(entry => entry.Name)), Is.EqualTo(
            stays.Length > 0 ? $"{stays}, other" : "other"));
    }

    [Test]
    public void ManyNamesComeAndGo()
    {
        LoadedUnit[] units = [.. Enumerable.Range(0, 50).Select(_ => Unit())];
        for (int round = 0; round < 4; round++)
        {
            for (int i = 0; i < 5000; i++)
            {
                Set($"name {round} {i}", (ulong)i + 1, units[i % units.Length]);
            }

            foreach (LoadedUnit unit in units[1..])
            {
                _table.Remove(unit);
            }

            Assert.That(_table.Count, Is.EqualTo((round + 1) * 100));
            for (int i = 0; i < 5000; i++)
            {
                Assert.That(Address($"name {round} {i}"), Is.EqualTo(i % units.Length is 0 ? (ulong)i + 1 : 0));
            }
        }
    }

    private static LoadedUnit Unit() => new(Library, "unit");

    private ulong Address(string name)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        return _table.Find(NameHash.Of(bytes), bytes).Address;
    }

    private void Set(
        string name, ulong address, LoadedUnit unit, bool isWeak = false, SymbolType type = SymbolType.NoType)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        _table.Set(NameHash.Of(bytes), bytes, new Definition
        {
            Address = address,
            IsWeak = isWeak,
            Type = type,
            Owner = unit,
            Provider = "test",
        });
    }
}
