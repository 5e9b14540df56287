using ElfLoader.Relocations;
using ElfLoader.Tests.Relocations;
using Machine = ElfLoader.Arch.Arm.Arm;

namespace ElfLoader.Tests.Arch.Arm;

/// <summary>
/// A row of <c>arm-matrix.csv</c>: one place, and what the ABI's text and two linkers say of it for each kind of symbol.
/// </summary>
internal sealed class ArmMatrixRow
{
    public const ulong Got = 0x0f00_0000;
    public const ulong StaticBase = 0x2000_0000;
    public const ulong TlsBlock = 0x0e00_0000;
    public const ulong ThreadPointer = TlsBlock - 8;

    private readonly string _base;
    private readonly Dictionary<string, string> _words;

    private ArmMatrixRow(int number, IReadOnlyDictionary<string, string> row)
    {
        Number = number;
        Type = row["type"];
        Target = row["target"][0];
        Kinds = row["kinds"];
        Addend = long.Parse(row["A"]);
        Before = Convert.FromHexString(row["before"]);
        S = row["S"].Length > 0 ? FixtureTable.Hex(row["S"]) : 0;
        P = FixtureTable.Hex(row["P"]);
        _base = row["base"];
        Abi = row["abi"].Split('@')[0];
        _words = new() { ["lld"] = row["lld"], ["gnu"] = row["gnu"] };
        Rule = Machine.Default.Relocations.Rules.Single(rule => rule.Name == "R_ARM_" + Type);
    }

    /// <summary>All rows.</summary>
    public static IReadOnlyList<ArmMatrixRow> All { get; } =
        [.. FixtureTable.Read("arm-matrix.csv").Select((row, number) => new ArmMatrixRow(number, row))];

    public int Number { get; }

    public string Type { get; }

    public RelocationRule Rule { get; }

    /// <summary>Function in A32 (a) or Thumb (t), no function (d), thread-local (v), weak and undefined (w).</summary>
    public char Target { get; }

    public long Addend { get; }

    public byte[] Before { get; }

    public ulong S { get; }

    public ulong P { get; }

    public ulong T => Target is 't' ? 1UL : 0;

    /// <summary>The bytes; r where the value must be refused, v where a veneer is needed.</summary>
    public string Abi { get; }

    /// <summary>Whether the rule is a branch that may have a veneer.</summary>
    public bool IsBranch => Rule.IsBranch && Rule.Form is not null;

    public bool IsThumb => Type.StartsWith("THM", StringComparison.Ordinal);

    public bool IsPcRelative => Rule.Expression.IsPcRelative;

    /// <summary>Whether the target is within the place itself.</summary>
    public bool IsInPlace => S >= P && S < P + (ulong)Before.Length;

    /// <summary>Whether the value counts from the static base.</summary>
    public bool UsesStaticBase => Rule.Expression.UsesStaticBase;

    /// <summary>Whether the row asks for a slot.</summary>
    public bool UsesSlot => Rule.Slot is not GotSlot.None;

    /// <summary>The kinds of symbols that a linker was asked about, with what it put there.</summary>
    public IEnumerable<(char Kind, string Word)> Words(string witness)
    {
        string all = _words[witness];
        return all.Contains(':', StringComparison.Ordinal)
            ? all.Split(';').Select(part => (part[0], part[2..]))
            : Kinds.Select(kind => (kind, all));
    }

    /// <summary>The symbols that were asked about, one letter each: local, section, global, absolute.</summary>
    public string Kinds { get; }

    public Operands Operands()
    {
        var operands = new Operands
        {
            S = S,
            L = S,
            T = T,
            P = P,
            A = Rule.ReadAddend(Before),
            B = StaticBase,
            Got = Got,
            G = _base.Length > 0 ? (uint)(FixtureTable.Hex(_base) - Got) : 0,
            Tp = ThreadPointer,
            TlsBlock = TlsBlock,
            IsFunction = Target is 'a' or 't',
        };
        if (Target is 'w')
        {
            Machine.Default.BindUndefinedWeak(Rule, ref operands);
        }

        return operands;
    }

    /// <summary>The table's answer in the words of the rows.</summary>
    public string Apply(in Operands operands) => Apply(Machine.Default, operands, out _);

    /// <summary>The table's answer in the words of the rows.</summary>
    public string Apply(Machine machine, in Operands operands, out RelocationOutcome outcome)
    {
        byte[] place = [.. Before];
        outcome = machine.Relocations.Apply(Rule, place, operands, out _);
        return outcome is RelocationOutcome.Applied ? Convert.ToHexStringLower(place)
            : machine.StubFor(Rule, Before, 0, operands) is not null ? "v"
            : "r";
    }

    public override string ToString() =>
        $"{Type} {Target} A {Addend} {Convert.ToHexStringLower(Before)} S {S:x} P {P:x} abi {Abi} lld {_words["lld"]} gnu {_words["gnu"]}";
}
