using System.Buffers.Binary;
using ElfLoader.Libraries;
using ElfLoader.Linking;
using ElfLoader.Memory;
using ElfLoader.Runtime;

namespace ElfLoader.Tests.Linking;

/// <summary>What became of a link, told without addresses, so that it can be compared with what became of the same one elsewhere.</summary>
/// <param name="unit">The unit.</param>
/// <param name="others">Units that it may refer to, by name.</param>
internal sealed class UnitAccount(LoadedUnit unit, IReadOnlyDictionary<string, LoadedUnit> others)
{
    private static readonly MemoryZone[] Zones = [MemoryZone.Code, MemoryZone.ReadOnly, MemoryZone.Relro, MemoryZone.Data];

    /// <summary>Bytes from a displacement to the next instruction: there may be an immediate operand between them.</summary>
    private static readonly ulong[] InstructionRests = [4, 5, 8];

    private MemoryAllocation Allocation => unit.Resources.Allocation!;

    private TlsModule? Tls => unit.Resources.Tls;

    /// <summary>Lists what the unit has and where, and what the library knows of it.</summary>
    /// <param name="names">Names that the library may have: of symbols, and of groups.</param>
    public IEnumerable<string> Lines(IReadOnlyList<byte[]> names)
    {
        yield return $"{unit.Name}, {Allocation.Pool.Placement}, sealed {Allocation.IsSealed}, exit {unit.RegistersExit}";
        yield return $"unwind {unit.Resources.IsUnwindRegistered}, pulled {string.Join(", ", unit.Pulled.Select(pulled => pulled.Member))}";
        yield return $"handle {Label(unit.Resources.Lifetime.DsoHandle)}";
        yield return Tls is null ? "no TLS" : $"TLS of {Tls.Size} bytes by {Tls.Alignment}, static {Tls.TpOffset is not null}";
        foreach (MemoryZone zone in Zones)
        {
            yield return $"{zone} {Allocation.Size(zone)}";
        }

        LinkMap map = LinkMap.Of([unit]);
        foreach (ImageSection section in map.Sections)
        {
            yield return $"section {section with { Address = 0 }} {Label(section.Address)}";
        }

        foreach (ImageSymbol symbol in map.Symbols)
        {
            yield return $"symbol {symbol with { Address = 0 }} {Label(symbol.Address)}";
        }

        foreach (ImageStub stub in map.Stubs)
        {
            yield return $"stub {stub with { Address = 0, Target = 0 }} {Label(stub.Address)} to {Label(stub.Target)}";
        }

        foreach (ImageGotSlot slot in map.Got)
        {
            yield return $"slot {slot with { Address = 0, Value = 0 }} {Label(slot.Address)} holds {Label(slot.Value)}";
        }

        foreach (byte[] name in names)
        {
            ulong hash = NameHash.Of(name);
            LibraryContents contents = unit.Library.Contents;
            if (contents.Find(hash, name) is { Exists: true } found && (found.Unit is null || found.Unit == unit))
            {
                yield return $"defines {found with { Owner = null, Address = 0, Body = 0, Tls = null }} "
                    + $"{(found.Tls is { } tls ? $"TLS {tls.Module == Tls!.Id} {tls.Offset}" : Label(found.Address))}";
            }

            if (contents.HasGroup(hash, name))
            {
                yield return $"group {System.Text.Encoding.UTF8.GetString(name)}";
            }
        }
    }

    /// <summary>Finds bytes that differ from those of another unit and are not the same place in both; null if there are none.</summary>
    public string? Difference(UnitAccount other)
    {
        foreach (MemoryZone zone in Zones)
        {
            int size = (int)Allocation.Size(zone);
            ReadOnlySpan<byte> mine = NativeBytes.ReadOnlyAt(Allocation.Address(zone), size);
            ReadOnlySpan<byte> theirs = NativeBytes.ReadOnlyAt(other.Allocation.Address(zone), size);
            for (int i = 0; i < size;)
            {
                int same = mine[i..].CommonPrefixLength(theirs[i..]);
                i += same;
                if (i < size && !TrySkip(other, zone, mine, theirs, ref i))
                {
                    return $"{zone}+0x{i:x}: {Around(mine, i)} instead of {Around(theirs, i)}";
                }
            }
        }

        return null;
    }

    /// <summary>Skips a field that means the same in both.</summary>
    private bool TrySkip(UnitAccount other, MemoryZone zone, ReadOnlySpan<byte> mine, ReadOnlySpan<byte> theirs, ref int offset)
    {
        for (int start = Math.Max(0, offset - 7); start <= offset; start++)
        {
            if (start + 8 <= mine.Length
                && AreSame(other, BinaryPrimitives.ReadUInt64LittleEndian(mine[start..]), BinaryPrimitives.ReadUInt64LittleEndian(theirs[start..])))
            {
                offset = start + 8;
                return true;
            }
        }

        for (int start = Math.Max(0, offset - 3); start <= offset; start++)
        {
            if (start + 4 > mine.Length)
            {
                continue;
            }

            ulong value = (ulong)BinaryPrimitives.ReadInt32LittleEndian(mine[start..]);
            ulong their = (ulong)BinaryPrimitives.ReadInt32LittleEndian(theirs[start..]);
            ulong place = Allocation.Address(zone) + (ulong)start;
            ulong theirPlace = other.Allocation.Address(zone) + (ulong)start;
            if (AreSame(other, value, their) || place + value == theirPlace + their
                || InstructionRests.Any(rest => AreSame(other, place + value + rest, theirPlace + their + rest)))
            {
                offset = start + 4;
                return true;
            }
        }

        return false;
    }

    private bool AreSame(UnitAccount other, ulong mine, ulong theirs) =>
        TryLabel(mine, out string label) && other.TryLabel(theirs, out string theirLabel) && label == theirLabel;

    private string Label(ulong value) => TryLabel(value, out string label) ? label : $"0x{value:x}";

    /// <summary>What a word means that is an address in the unit or in one that it may refer to, or thread-local.</summary>
    private bool TryLabel(ulong value, out string label)
    {
        if (TryPlace(unit, value, out label))
        {
            return true;
        }

        foreach ((string name, LoadedUnit other) in others)
        {
            if (other.IsLoaded && TryPlace(other, value, out string place))
            {
                label = $"{name} {place}";
                return true;
            }
        }

        label = Tls is null ? ""
            : value == Tls.Id ? "module"
            : Tls.TpOffset is { } start && value - (ulong)start < Tls.Size ? $"TP {value - (ulong)start}"
            : "";
        return label.Length > 0;
    }

    private static bool TryPlace(LoadedUnit unit, ulong value, out string label)
    {
        foreach (MemoryZone zone in Zones)
        {
            AddressRange range = unit.Resources.Allocation!.Range(zone);
            if (value >= range.Start && value <= range.End)
            {
                label = $"{zone}+0x{value - range.Start:x}";
                return true;
            }
        }

        label = "";
        return false;
    }

    private static string Around(ReadOnlySpan<byte> bytes, int offset) =>
        Convert.ToHexString(bytes[Math.Max(0, offset - 8)..Math.Min(bytes.Length, offset + 8)]);
}
