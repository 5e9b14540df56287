using ElfLoader.Arch.Arm;
using ElfLoader.Relocations;
using static ElfLoader.Tests.Relocations.FixtureTable;
using Machine = ElfLoader.Arch.Arm.Arm;
using Row = System.Collections.Generic.IReadOnlyDictionary<string, string>;

namespace ElfLoader.Tests.Arch.Arm;

/// <summary>Places in real objects: what the table writes there against what two linkers wrote.</summary>
/// <remarks>
/// Every row and linker is equal to ours, or differs for one of a few reasons, each of which must be confirmed by the
/// bytes themselves, by the other linker, or by a model written from the ABI. The counts make sure that no reason
/// swallows more than is known.
/// </remarks>
public sealed class ArmSitesTests
{
    private const ulong TlsBlock = 0x440000;
    private const ulong ThreadPointer = 0x43fff0;
    private const ulong Got = 0x450000;

    private static readonly Row[] Rows = [.. Read("sites-arm.csv")];

    /// <summary>Starts of the segments, which are what the linkers take for static bases.</summary>
    private static readonly ulong[] Segments =
        [0, 0x3f0000, 0x3fffc0, 0x410000, 0x420000, 0x430000, 0x440000, 0x450000, 0x470000, 0x480000, 0x490000];

    private static readonly HashSet<string> ArmFunctions =
        ["ext_arm_fn", "ext_arm_fn2", "ext_arm_hid", "far_arm_fn", "head_arm", "tail_arm"];

    /// <summary>Wrong bytes of a linker, by the small object that shows them; the other witnesses have ours.</summary>
    private static readonly Dictionary<(string Recipe, string Witness), Verdict> Bugs = new()
    {
        [("BIG_ADDEND_THM_CALL", "lld")] = Verdict.AddendCutShort,
        [("BIG_ADDEND_THM_JUMP19", "lld")] = Verdict.AddendCutShort,
        [("MOVWT_ODD", "lld")] = Verdict.AddendAddedToThumbBit,
        [("THM_JUMP8", "lld")] = Verdict.WrongHalfword,
        [("THM_JUMP11", "lld")] = Verdict.WrongHalfword,
        [("THM_PC12_NEG", "lld")] = Verdict.DirectionNotWritten,
        [("ABS12", "gnu")] = Verdict.DirectionNotWritten,
        [("CALL_NOTYPE", "gnu")] = Verdict.HalfwordBitDropped,
        [("ARM_RELA", "gnu")] = Verdict.RelaAddendIgnored,
        [("ARM_REL_AND_RELA", "gnu")] = Verdict.RelaAddendIgnored,
        [("NEG_THM_PC8", "gnu")] = Verdict.NotRangeChecked,
    };

    /// <summary>How often each verdict is known to be right, over both linkers.</summary>
    private static readonly Dictionary<Verdict, int> Known = new()
    {
        [Verdict.Equal] = 811,
        [Verdict.SlotOfLinker] = 32,
        [Verdict.Veneer] = 57,
        [Verdict.TlsCallOfLinker] = 4,
        [Verdict.Relaxed] = 2,
        [Verdict.WeakBranchRemoved] = 4,
        [Verdict.LandsBeside] = 3,
        [Verdict.Refused] = 8,
        [Verdict.AddendCutShort] = 2,
        [Verdict.AddendAddedToThumbBit] = 4,
        [Verdict.WrongHalfword] = 6,
        [Verdict.DirectionNotWritten] = 3,
        [Verdict.HalfwordBitDropped] = 1,
        [Verdict.RelaAddendIgnored] = 8,
        [Verdict.NotRangeChecked] = 1,
    };

    private enum Verdict
    {
        /// <summary>The same bytes.</summary>
        Equal,

        /// <summary>The same but for where the linker put the slot, which lies in its GOT, aligned.</summary>
        SlotOfLinker,

        /// <summary>The branch goes to a veneer of the linker's, and we say that it needs one.</summary>
        Veneer,

        /// <summary>The call goes to the linker's own function for TLS descriptors, and ours does so, too.</summary>
        TlsCallOfLinker,

        /// <summary>GNU ld has made local or initial exec of a TLS descriptor; we leave it.</summary>
        Relaxed,

        /// <summary>GNU ld replaces a branch to an undefined weak function by NOP, lld and we let it go to the next instruction.</summary>
        WeakBranchRemoved,

        /// <summary>Linkers let an A32 branch to a label in Thumb code land two bytes before it; we refuse it.</summary>
        LandsBeside,

        /// <summary>Types withdrawn or private, which GNU ld processes in some way; lld and we refuse them.</summary>
        Refused,

        /// <summary>lld sign-extends the addend from one bit below its highest.</summary>
        AddendCutShort,

        /// <summary>lld computes (S | T) + A.</summary>
        AddendAddedToThumbBit,

        /// <summary>lld patches the neighbour of a 16-bit instruction in big-endian objects.</summary>
        WrongHalfword,

        /// <summary>The bit U stays, so the offset has the wrong sign or addend.</summary>
        DirectionNotWritten,

        /// <summary>GNU ld forgets bit 1 of the distance in BLX.</summary>
        HalfwordBitDropped,

        /// <summary>GNU ld takes the addend from the instruction though the record has one.</summary>
        RelaAddendIgnored,

        /// <summary>GNU ld cuts what does not fit.</summary>
        NotRangeChecked,

        Unexplained,
    }

    [Test]
    public void EveryPlaceIsAsLinkersHaveItOrDiffersForAKnownReason()
    {
        List<(string Witness, Verdict Verdict, string Row)> results =
        [
            .. from row in Rows
               from witness in (string[])["lld", "gnu"]
               where row[witness].Length > 0 || (row["before"].Length is 0 && row[witness + "_note"].Length > 0)
               select (witness, Judge(row, witness), Describe(row)),
        ];

        IEnumerable<string> unexplained = results.Where(result => result.Verdict is Verdict.Unexplained)
            .Select(result => $"{result.Row}: {result.Witness}");
        Assert.That(unexplained, Is.Empty);
        Assert.That(results.CountBy(result => result.Verdict), Is.EquivalentTo(Known));
    }

    /// <summary>The model answers for types that no linker here implements, too.</summary>
    [Test]
    public void EveryPlaceIsAsTheModelHasIt()
    {
        IEnumerable<string> different =
            from row in Rows
            from witness in (string[])["lld", "gnu"]
            let model = row["model_" + witness]
            where model.Length > 0 && RuleOf(row, witness, out Machine machine) is { } rule
                && rule.Use is not RelocationUse.Refused && !LandsBeside(row)
                && Applied(machine, rule, row, Bind(machine, rule, row, witness)) != model
            select $"{Describe(row)}: {model}";
        Assert.That(different, Is.Empty);
    }

    [Test]
    public void AddendsOfRelAreReadAsTheAbiSays()
    {
        int read = 0;
        foreach (Row row in Rows)
        {
            RelocationRule rule = RuleOf(row, "lld", out _);

            // What is stored counts from the call, not from the word or the branch.
            bool ofDescriptor = row["type"] is "TLS_GOTDESC" or "TLS_CALL" or "THM_TLS_CALL";
            if (rule.Use is RelocationUse.Static && !ofDescriptor && !row["runs"].Contains("yaml", StringComparison.Ordinal)
                && (!row["runs"].Contains("crel", StringComparison.Ordinal) || row["runs"].Contains('+')))
            {
                byte[] place = Convert.FromHexString(row["before"]);
                Assert.That(rule.ReadAddend(place), Is.EqualTo(long.Parse(row["A"])), Describe(row));
                read++;
            }
        }

        Assert.That(read, Is.GreaterThan(350));
    }

    private static string Describe(Row row) => $"{row["recipe"]} {row["runs"]} {row["section"]}+{row["offset"]} {row["type"]}";

    private static Verdict Judge(Row row, string witness)
    {
        RelocationRule rule = RuleOf(row, witness, out Machine machine);
        Operands operands = Bind(machine, rule, row, witness);
        byte[] expected = Convert.FromHexString(row[witness]);
        string other = witness is "lld" ? "gnu" : "lld";
        if (rule.Use is RelocationUse.Refused)
        {
            return row[other].Length is 0 ? Verdict.Refused : Verdict.Unexplained;
        }

        bool isRelaxed = row["recipe"] is "TLS_GOTDESC" && row["runs"].Contains("exec", StringComparison.Ordinal);
        if (isRelaxed)
        {
            return row[other].Length is 0 ? Verdict.Relaxed : Verdict.Unexplained;
        }

        if (row["type"] is "TLS_CALL" or "THM_TLS_CALL")
        {
            operands.L = (ulong)LandingOf(row, expected);
            operands.IsFunction = true;
            return operands.L is >= 0x470000 and < 0x471000 && Applied(machine, rule, row, operands) == row[witness]
                ? Verdict.TlsCallOfLinker
                : Verdict.Unexplained;
        }

        if (rule.Slot is not GotSlot.None)
        {
            return IsSlot(machine, rule, expected, ref operands) && Applied(machine, rule, row, operands) == row[witness]
                ? Verdict.SlotOfLinker
                : Verdict.Unexplained;
        }

        string ours = Applied(machine, rule, row, operands);
        if (ours == row[witness])
        {
            return Verdict.Equal;
        }

        if (Bugs.TryGetValue((row["recipe"], witness), out Verdict bug))
        {
            return IsConfirmed(machine, rule, row, other, ours, operands) ? bug : Verdict.Unexplained;
        }

        return row switch
        {
            _ when row["symbol"] is "undef_weak" && ours == row[other] && IsNop(row[witness]) => Verdict.WeakBranchRemoved,
            _ when LandsBeside(row) && LandingOf(row, expected) == (((long)operands.S + operands.A + 8) & ~3L) && ours is "Misaligned" =>
                Verdict.LandsBeside,
            _ when NeedsVeneer(machine, rule, row, operands) && LandingOf(row, expected) is >= 0x400000 and < 0x400100 =>
                Verdict.Veneer,
            _ => Verdict.Unexplained,
        };
    }

    /// <summary>Whether another witness has our bytes, or the model knows of no bytes where we refuse or want a veneer.</summary>
    private static bool IsConfirmed(
        Machine machine, RelocationRule rule, Row row, string other, string ours, in Operands operands) =>
        ours == row[other] || ours == row["model_lld"] || ours == row["model_gnu"]
        || (ours is "OutOfRange" && row[other].Length is 0 && (row["model_lld"] + row["model_gnu"]).Length is 0
            && (row["gnu_note"].Contains("overflow", StringComparison.Ordinal) || NeedsVeneer(machine, rule, row, operands)));

    /// <summary>A32 branches that are not BLX, to something that is not a multiple of four.</summary>
    private static bool LandsBeside(Row row) =>
        row["type"] is "JUMP24" or "CALL" && Hex(row["S"]) % 4 is not 0 && row["T"] is "0"
        && !row["before"].EndsWith("fa", StringComparison.Ordinal);

    private static bool IsNop(string bytes) => bytes is "00f020e3" or "00f02003" or "aff30080";

    private static RelocationRule RuleOf(Row row, string witness, out Machine machine)
    {
        bool Ran(string mode) => row["runs"].Contains(mode, StringComparison.Ordinal);
        machine = new Machine(new ArmOptions
        {
            Architecture = row["recipe"].EndsWith("_V4T", StringComparison.Ordinal)
                ? ArmArchitecture.FromBuildAttributes(2, '\0')
                : ArmArchitecture.V7A,
            Target1 = Ran("target1-rel") ? Target1Meaning.Relative : Target1Meaning.Absolute,
            Target2 = Ran("target2-rel") ? Target2Meaning.Relative
                : Ran("target2-abs") ? Target2Meaning.Absolute
                : Target2Meaning.GotRelative,
            RewritesBx = Ran("fix-v4bx") && witness is "gnu",
        });
        return machine.Relocations.Rules.Single(rule => rule.Name == "R_ARM_" + row["type"]);
    }

    private static Operands Bind(Machine machine, RelocationRule rule, Row row, string witness)
    {
        ulong s = Hex(row["S"]);
        bool ignoresBase = witness is "gnu" && row["type"].Contains("BREL", StringComparison.Ordinal)
            && row["type"] is not "SBREL32";
        bool isExplicit = row["runs"] is "llvm-crel" or "yaml-exec";
        var operands = new Operands
        {
            S = s,
            L = s,
            T = Hex(row["T"]),
            P = Hex(row["P"]),
            Got = Got,
            Tp = ThreadPointer,
            TlsBlock = TlsBlock,
            A = isExplicit ? long.Parse(row["A"]) : rule.ReadAddend(Convert.FromHexString(row["before"])),
            B = ignoresBase ? 0 : Segments.Last(start => start <= s),
            IsFunction = row["T"] is "1" || ArmFunctions.Contains(row["symbol"]),
        };
        if (row["symbol"] is "undef_weak")
        {
            machine.BindUndefinedWeak(rule, ref operands);
        }

        return operands;
    }

    private static string Applied(Machine machine, RelocationRule rule, Row row, in Operands operands)
    {
        byte[] place = Convert.FromHexString(row["before"]);
        RelocationOutcome outcome = machine.Relocations.Apply(rule, place, operands, out _);
        return outcome is RelocationOutcome.Applied ? Convert.ToHexStringLower(place) : outcome.ToString();
    }

    private static bool NeedsVeneer(Machine machine, RelocationRule rule, Row row, in Operands operands) =>
        machine.StubFor(rule, Convert.FromHexString(row["before"]), 0, operands) is not null;

    /// <summary>Where a branch goes, as the processor sees it.</summary>
    private static long LandingOf(Row row, byte[] code)
    {
        RelocationRule rule = RuleOf(row, "lld", out Machine machine);
        bool isThumb = rule.Name.Contains("THM", StringComparison.Ordinal);
        bool isThumbBlx = rule.Name.EndsWith("CALL", StringComparison.Ordinal) && isThumb && (code[3] & 0x10) is 0;
        long origin = (long)Hex(row["P"]) + machine.BranchOrigin(rule);
        return (isThumbBlx ? origin & ~3L : origin) + rule.Field.Read(code);
    }

    /// <summary>Solves the rule's expression for G, and accepts it if a slot can be there.</summary>
    private static bool IsSlot(Machine machine, RelocationRule rule, byte[] witness, ref Operands operands)
    {
        long value = rule.Field.Read(witness);
        operands.G = (uint)(value - machine.Relocations.Evaluate(rule, operands));
        return operands.G < 0x100 && operands.G % 4 is 0;
    }
}
