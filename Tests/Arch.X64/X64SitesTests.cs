using ElfLoader.Arch.X64;
using ElfLoader.Relocations;
using static ElfLoader.Tests.Relocations.FixtureTable;

namespace ElfLoader.Tests.Arch.X64;

/// <summary>Places in real objects: what the table writes there against what two linkers wrote.</summary>
/// <remarks>
/// Every row and linker is equal to ours, or differs for one of a few reasons, each of which must be confirmed by the
/// bytes themselves or by the other linker. The counts make sure that no reason swallows more than is known.
/// </remarks>
public sealed class X64SitesTests
{
    private const ulong TlsBlock = 0x440000;
    private const ulong Got = 0x460000;

    /// <summary>What linkers make of TLS sequences (local exec), with the fields of every kind of sequence in it.</summary>
    private const string LocalExecCode = "66666664488b042500000000488d80";

    private static readonly Dictionary<string, ulong> Sizes = new()
    {
        ["ext_fn"] = 1,
        ["ext_data"] = 24,
        ["ext_data2"] = 8,
    };

    /// <summary>How often each verdict is known to be right, over both linkers.</summary>
    private static readonly Dictionary<Verdict, int> Known = new()
    {
        [Verdict.Equal] = 238,
        [Verdict.SlotOfLinker] = 123,
        [Verdict.Relaxed] = 77,
        [Verdict.CallOfRelaxed] = 10,
        [Verdict.LocalExecOffset] = 14,
        [Verdict.LeftToDynamicLoader] = 1,
        [Verdict.RelAddendIgnored] = 3,
        [Verdict.IndirectFunction] = 2,
        [Verdict.DynamicType] = 6,
    };

    private enum Verdict
    {
        /// <summary>The same bytes.</summary>
        Equal,

        /// <summary>The same but for where the linker put the slot, which lies in its GOT, aligned.</summary>
        SlotOfLinker,

        /// <summary>Relaxed by the linker; ours are in <see cref="X64RelaxationTests"/>.</summary>
        Relaxed,

        /// <summary>The call of a TLS sequence that the linker relaxed.</summary>
        CallOfRelaxed,

        /// <summary>DTPOFF became TPOFF in an executable, which we never need.</summary>
        LocalExecOffset,

        /// <summary>The linker left an absolute address of a shared object to the dynamic loader; the other one wrote it.</summary>
        LeftToDynamicLoader,

        /// <summary>GNU ld ignores the addend of REL, which x86-64 does not use; lld and we do not.</summary>
        RelAddendIgnored,

        /// <summary>An indirect function is reached through a slot or stub of the linker's own.</summary>
        IndirectFunction,

        /// <summary>A type for dynamic loaders, which GNU ld lets pass; lld and we refuse it.</summary>
        DynamicType,

        Unexplained,
    }

    [Test]
    public void EveryPlaceIsAsLinkersHaveItOrDiffersForAKnownReason()
    {
        IReadOnlyDictionary<string, string>[] rows = [.. Read("sites-x86_64.csv")];
        List<(string Witness, Verdict Verdict, string Row)> results =
        [
            .. from row in rows
               from witness in (string[])["lld", "gnu"]
               where row[witness].Length > 0 || (row["before"].Length is 0 && row[witness + "_note"].Length > 0)
               select (witness, Judge(rows, row, witness), Describe(row)),
        ];

        IEnumerable<string> unexplained = results.Where(result => result.Verdict is Verdict.Unexplained)
            .Select(result => $"{result.Row}: {result.Witness}");
        Assert.That(unexplained, Is.Empty);
        Assert.That(results.CountBy(result => result.Verdict), Is.EquivalentTo(Known));
    }

    private static string Describe(IReadOnlyDictionary<string, string> row) =>
        $"{row["recipe"]} {row["runs"]} {row["section"]}+{row["offset"]} {row["type"]}";

    private static Verdict Judge(
        IReadOnlyDictionary<string, string>[] rows, IReadOnlyDictionary<string, string> row, string witness)
    {
        RelocationRule rule = X64Relocations.Table.Rules.Single(rule => rule.Name == "R_X86_64_" + row["type"]);
        byte[] expected = Convert.FromHexString(row[witness]);
        string other = row[witness is "lld" ? "gnu" : "lld"];
        Operands operands = Bind(rows, row);
        if (rule.Use is RelocationUse.Dynamic)
        {
            return other.Length is 0 ? Verdict.DynamicType : Verdict.Unexplained;
        }

        bool usesSlot = rule.Slot is not GotSlot.None;
        if (usesSlot && IsSlot(rule, expected, ref operands))
        {
            return Applied(rule, row, operands) == row[witness] ? Verdict.SlotOfLinker : Verdict.Unexplained;
        }

        string ours = Applied(rule, row, operands);
        Operands localExec = operands with { TlsBlock = operands.Tp };
        return row switch
        {
            _ when !usesSlot && ours == row[witness] => Verdict.Equal,
            _ when row["recipe"] is "GOTPCREL_IFUNC" => Verdict.IndirectFunction,
            _ when usesSlot && IsRelaxed(rule, expected, operands) => Verdict.Relaxed,
            _ when row["type"] is "TLSDESC_CALL" && row[witness] is "6690" => Verdict.Relaxed,
            _ when row["symbol"] is "__tls_get_addr" && IsAfterRelaxed(rows, row) => Verdict.CallOfRelaxed,
            _ when rule.Name.Contains("DTPOFF", StringComparison.Ordinal) && Applied(rule, row, localExec) == row[witness] =>
                Verdict.LocalExecOffset,
            _ when row["type"] is "64" && expected.All(value => value is 0) && ours == other => Verdict.LeftToDynamicLoader,
            _ when row["recipe"] is "X86_REL" && ours == other => Verdict.RelAddendIgnored,
            _ => Verdict.Unexplained,
        };
    }

    private static Operands Bind(IReadOnlyDictionary<string, string>[] rows, IReadOnlyDictionary<string, string> row)
    {
        // The companion object's ext_tls lies 0x20 and its ext_tls2 0x18 below the thread pointer.
        IReadOnlyDictionary<string, string>? tls = rows.FirstOrDefault(
            other => other["recipe"] == row["recipe"] && other["symbol"] is "ext_tls" or "ext_tls2");
        ulong tp = tls is null ? 0 : Hex(tls["S"]) + (tls["symbol"] is "ext_tls" ? 0x20UL : 0x18UL);
        return new Operands
        {
            S = Hex(row["S"]),
            L = Hex(row["S"]),
            A = long.Parse(row["A"]),
            P = Hex(row["P"]),
            Got = Got,
            Z = Sizes.GetValueOrDefault(row["symbol"]),
            Tp = tp,
            TlsBlock = TlsBlock,
        };
    }

    private static string Applied(RelocationRule rule, IReadOnlyDictionary<string, string> row, in Operands operands)
    {
        byte[] place = Convert.FromHexString(row["before"]);
        RelocationOutcome outcome = X64Relocations.Table.Apply(rule, place, operands, out _);
        return outcome is RelocationOutcome.Applied ? Convert.ToHexStringLower(place) : outcome.ToString();
    }

    /// <summary>Solves the rule's expression for G, and accepts it if a slot can be there.</summary>
    private static bool IsSlot(RelocationRule rule, byte[] witness, ref Operands operands)
    {
        long value = rule.Field.Read(witness);
        operands.G = (ulong)(value - X64Relocations.Table.Evaluate(rule, operands));
        ulong address = operands.Got + operands.G;
        return address is >= 0x450000 and < 0x470000 && address % 8 is 0;
    }

    /// <summary>Whether a field holds the operand, or a piece, of the code that a relaxation puts around it.</summary>
    private static bool IsRelaxed(RelocationRule rule, byte[] field, in Operands operands)
    {
        long value = rule.Field.Read(field);
        long distance = (long)operands.S + operands.A - (long)operands.P;
        long jump = (long)(((ulong)(uint)(distance + 1) >> 8) | 0x9000_0000);
        return rule.Slot switch
        {
            GotSlot.Address => value == (long)operands.S || value == distance || (int)value == (int)jump,
            GotSlot.TpOffset => value == (long)(operands.S - operands.Tp),
            GotSlot.TlsDescriptor => value == (long)(operands.S - operands.Tp),
            _ => LocalExecCode.Contains(Convert.ToHexStringLower(field), StringComparison.Ordinal),
        };
    }

    private static bool IsAfterRelaxed(IReadOnlyDictionary<string, string>[] rows, IReadOnlyDictionary<string, string> row)
    {
        IReadOnlyDictionary<string, string> previous = rows[Array.IndexOf(rows, row) - 1];
        return previous["recipe"] == row["recipe"] && previous["type"] is "TLSGD" or "TLSLD"
            && row["runs"].Contains("exec", StringComparison.Ordinal);
    }
}
