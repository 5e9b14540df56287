using ElfLoader.Relocations;
using ElfLoader.Tests.Arch.Arm;
using ElfLoader.Tests.Relocations;
using static ElfLoader.Arch.Arm.ArmRelocationTypes;
using Machine = ElfLoader.Arch.Arm.Arm;

namespace ElfLoader.Tests.Linking;

/// <summary>
/// The places of <c>arm-matrix.csv</c> through the image linker: objects at the rows' addresses have the bytes that
/// <see cref="ArmMatrixTests"/> compares with the linkers', and the same refusals.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class ArmMatrixLinkTests
{
    /// <summary>No more errors than a hundred are told one by one.</summary>
    private const int MostRows = 90;

    /// <summary>How far places and targets are moved between links, and of which kinds of symbols.</summary>
    private static readonly (ulong Places, ulong Targets, string Kinds)[] Moves =
        [(8, 0, "gsx"), (0, 4, "l"), (0, 0x4000, "g"), (0x10_0000, 0x10_0000, "l")];

    /// <summary>The ABI's limits, where an interval describes them.</summary>
    private static readonly Dictionary<string, (long Minimum, long Maximum)> Limits = FixtureTable.Read("arm.csv")
        .Where(row => row["minimum"].Length > 0)
        .ToDictionary(row => row["name"]["R_ARM_".Length..], row => (long.Parse(row["minimum"]), long.Parse(row["maximum"])));

    private static IEnumerable<string> Types => ArmMatrixRow.All.Select(row => row.Type).Distinct();

    [TestCaseSource(nameof(Types))]
    public void ImagesHaveTheBytesAndRefusalsOfTheTable(string type)
    {
        int count = 0;
        using (Assert.EnterMultipleScope())
        {
            foreach (ArmMatrixLink link in Links(type, "lsgx", (_, _) => true))
            {
                List<ArmMatrixRow> refused = [.. link.Rows.Where(row => row.Apply(row.Operands()) is "r")];
                CheckErrors(link, refused);
                List<ArmMatrixRow> rest = [.. link.Rows.Except(refused)];
                count += link.Rows.Count;
                if (rest.Count > 0)
                {
                    var good = new ArmMatrixLink(rest, link.Kind);
                    CheckBytes(good, good.Link(good.Object));
                }
            }
        }

        Assert.That(count, Is.EqualTo(
            ArmMatrixRow.All.Where(row => row.Type == type).Sum(row => row.Kinds.Count(kind => CanBeAsked(row, kind)))));
    }

    /// <summary>
    /// The trap of MOVW and MOVT, for every type: objects linked for other addresses and back again have the bytes of
    /// objects that are read and linked for the first time.
    /// </summary>
    [TestCaseSource(nameof(Types))]
    public void LinkingAgainElsewhereIsLinkingForTheFirstTime(string type)
    {
        bool hasChanged = false;
        using (Assert.EnterMultipleScope())
        {
            foreach ((ulong places, ulong targets, string kinds) in Moves)
            {
                foreach (ArmMatrixLink link in Links(type, kinds, (row, kind) => CanMove(row, kind, places, targets)))
                {
                    ArmMatrixLink free = link.Without(places, targets);
                    List<byte[]> first = Bytes(free, free.Link(free.Object), 0);
                    List<byte[]> moved = Bytes(free, free.Link(free.Object, places, targets), places);
                    List<byte[]> back = Bytes(free, free.Link(free.Object), 0);
                    List<byte[]> fresh = Bytes(free, free.Link(free.Read(), places, targets), places);

                    Assert.That(moved, Is.EqualTo(fresh), $"{type} {link.Kind} moved by {places} and {targets}");
                    Assert.That(back, Is.EqualTo(first), $"{type} {link.Kind} moved by {places} and {targets}, and back");
                    hasChanged |= moved.Zip(first).Any(pair => !pair.First.AsSpan().SequenceEqual(pair.Second));
                }
            }
        }

        // The offsets of thread-local storage, of slots and of B(S) do not depend on addresses.
        bool isRelative = type.StartsWith("TLS_L", StringComparison.Ordinal)
            || type is "TLS_IE12GP" or "GOT_BREL" or "GOT_BREL12" or "THM_GOT_BREL12" or "GOT_ABS" or "BASE_ABS";
        Assert.That(hasChanged || isRelative, Is.True, "the links differ");
    }

    /// <summary>The rows of a type in objects, so few in each and so far apart that veneers have room between them.</summary>
    private static IEnumerable<ArmMatrixLink> Links(string type, string kinds, Func<ArmMatrixRow, char, bool> isWanted)
    {
        foreach (char kind in kinds)
        {
            List<ArmMatrixRow> rows = [.. ArmMatrixRow.All.Where(
                row => row.Type == type && row.Kinds.Contains(kind, StringComparison.Ordinal)
                    && CanBeAsked(row, kind) && isWanted(row, kind))];
            int parts = Math.Max(4, (rows.Count / MostRows) + 1);
            foreach (IGrouping<int, ArmMatrixRow> part in rows.Index().GroupBy(row => row.Index % parts, row => row.Item))
            {
                yield return new ArmMatrixLink([.. part], kind);
            }
        }
    }

    /// <summary>
    /// Whether the row's slot or target can be where it must be: slots near the limit of twelve bits cannot be chosen, and
    /// the GOT leaves no room for a target at its start.
    /// </summary>
    private static bool CanBeAsked(ArmMatrixRow row, char kind) =>
        !(row.UsesSlot && row.Rule.Overflow is not Overflow.Wraps && Math.Abs(row.Addend) > 1)
        && !(row.S is ArmMatrixRow.Got && kind is not 'x' && row.Rule.Expression.UsesGot);

    private static bool CanMove(ArmMatrixRow row, char kind, ulong places, ulong targets)
    {
        Operands operands = row.Operands();
        ulong move = kind is 'x' || row.Target is 'v' ? 0 : row.Target is 'w' || row.IsInPlace ? places : targets;
        Operands moved = operands with { P = operands.P + places, S = operands.S + move, L = operands.L + move };
        return moved.S <= uint.MaxValue && row.Apply(operands).Length > 1 && row.Apply(moved).Length > 1;
    }

    private static void CheckErrors(ArmMatrixLink link, List<ArmMatrixRow> refused)
    {
        Dictionary<string, LinkError> errors = [];
        try
        {
            _ = link.Link(link.Object);
        }
        catch (LinkException exception)
        {
            errors = exception.Errors.ToDictionary(error => error.Where.Section ?? error.ToString());
        }

        Assert.That(errors.Keys, Is.EquivalentTo(refused.Select(ArmMatrixLink.SectionOf)), $"{refused.FirstOrDefault()} {link.Kind}");
        foreach (ArmMatrixRow row in refused)
        {
            if (!errors.TryGetValue(ArmMatrixLink.SectionOf(row), out LinkError? error))
            {
                continue;
            }

            _ = row.Apply(Machine.Default, row.Operands(), out RelocationOutcome outcome);
            Assert.That(error.Code, Is.EqualTo(LinkErrorCode.OutOfRange), $"{error}");
            Assert.That(error.Relocation, Is.EqualTo(row.Rule.Name), $"{error}");
            if (outcome is RelocationOutcome.OutOfRange && Limits.TryGetValue(row.Type, out (long Minimum, long Maximum) limits))
            {
                Assert.That(error.Allowed, Is.EqualTo(limits), $"{error}");
                Assert.That(error.Message, Does.Contain($"is not between {Hex(limits.Minimum)} and {Hex(limits.Maximum)}"));
            }
        }
    }

    private static void CheckBytes(ArmMatrixLink link, LinkedImage image)
    {
        foreach (ArmMatrixRow row in link.Rows)
        {
            byte[] bytes = Bytes(image, row, 0);
            Operands operands = row.Operands();
            string[] expected = row.UsesSlot
                ? [.. Slots(row, link, image).Select(slot => row.Apply(operands with { G = (uint)(slot.Address - ArmMatrixRow.Got) }))]
                : [row.Apply(operands)];
            if (expected is ["v"])
            {
                CheckVeneer(row, image, bytes);
            }
            else
            {
                Assert.That(Convert.ToHexStringLower(bytes), Is.AnyOf(expected), $"{link.Kind} {row}");
            }
        }
    }

    /// <summary>The slots that hold what the row's symbol needs: several where symbols are sections at the same address.</summary>
    private static IEnumerable<ImageGotSlot> Slots(ArmMatrixRow row, ArmMatrixLink link, LinkedImage image) => image.Got.Where(
        slot => row.Type is "TLS_LDM32"
            || (slot.Kind is "address" ? slot.Value == (row.S | row.T) : slot.Symbol == ArmMatrixLink.SymbolOf(row)));

    /// <summary>The branch goes to a veneer, and that, read as instructions, to the row's target.</summary>
    private static void CheckVeneer(ArmMatrixRow row, LinkedImage image, byte[] branch)
    {
        long origin = Machine.Default.BranchOrigin(row.Rule);
        ulong landing = (ulong)((long)row.P + origin + row.Rule.Field.Read(branch)) & uint.MaxValue;
        ImageStub? stub = image.Stubs.SingleOrDefault(stub => stub.Address == landing);
        Assert.That(stub, Is.Not.Null, $"{row}: {Convert.ToHexStringLower(branch)}");
        if (stub is null)
        {
            return;
        }

        byte[] code = new byte[stub.Size];
        Assert.That(image.TryRead(stub.Address, code), Is.True);
        (uint movw, uint movt, string bx) = row.IsThumb
            ? (R_ARM_THM_MOVW_ABS_NC, R_ARM_THM_MOVW_ABS_NC, "6047")
            : (R_ARM_MOVW_ABS_NC, R_ARM_MOVW_ABS_NC, "1cff2fe1");
        long low = Machine.Default.Relocations[movw]!.Field.Read(code) & 0xffff;
        long high = Machine.Default.Relocations[movt]!.Field.Read(code.AsSpan(4)) & 0xffff;
        ulong target = ((row.S + (ulong)(row.Addend + origin)) | row.T) & uint.MaxValue;
        Assert.That((ulong)((high << 16) | low), Is.EqualTo(target), $"{row}");
        Assert.That(stub.Target, Is.EqualTo(target), $"{row}");
        Assert.That(Convert.ToHexStringLower(code.AsSpan(8)), Does.StartWith(bx));
    }

    private static List<byte[]> Bytes(ArmMatrixLink link, LinkedImage image, ulong move) =>
        [.. link.Rows.Select(row => Bytes(image, row, move))];

    private static byte[] Bytes(LinkedImage image, ArmMatrixRow row, ulong move)
    {
        byte[] bytes = new byte[row.Before.Length];
        Assert.That(image.TryRead(row.P + move, bytes), Is.True);
        return bytes;
    }

    private static string Hex(long value) => value < 0 ? $"-0x{-value:x}" : $"0x{value:x}";
}
