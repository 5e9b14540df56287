using ElfLoader.Elf;
using ElfLoader.Tests.Arch.Arm;
using ElfLoader.Tests.Support;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Tests.Linking;

/// <summary>An object with places of <c>arm-matrix.csv</c>, of one type and for one kind of symbol, and its links.</summary>
internal sealed class ArmMatrixLink
{
    private const string Name = "m.o";
    private const ulong StaticDataSize = 0x2_0000;
    private const int ThreadDataSize = 0x2000;

    private readonly List<(string Section, ulong Address, bool IsPlace)> _addresses = [];
    private readonly bool _usesGot;
    private readonly byte[] _bytes;

    public ArmMatrixLink(IReadOnlyList<ArmMatrixRow> rows, char kind)
    {
        Rows = rows;
        Kind = kind;
        _usesGot = rows[0].Rule.Expression.UsesGot;
        _bytes = Build();
        Object = Read();
    }

    public IReadOnlyList<ArmMatrixRow> Rows { get; }

    /// <summary>Local (l), section (s), global (g) or absolute (x).</summary>
    public char Kind { get; }

    /// <summary>The object, for links again and again.</summary>
    public ElfObject Object { get; }

    /// <summary>The same bytes, read anew.</summary>
    public ElfObject Read() => ElfObject.Read(_bytes, Name);

    /// <summary>Links for the rows' addresses, all places and all targets moved by something.</summary>
    public LinkedImage Link(ElfObject elf, ulong movePlaces = 0, ulong moveTargets = 0)
    {
        var mappings = _addresses
            .Select(part => new SectionMapping(
                Name, part.Section, null, (part.Address + (part.IsPlace ? movePlaces : moveTargets)) & uint.MaxValue))
            .ToList();
        if (_usesGot)
        {
            mappings.Add(new SectionMapping(Name, ".got", null, ArmMatrixRow.Got));
        }

        var options = new ImageOptions { MapSections = mappings, StaticBase = ArmMatrixRow.StaticBase };
        return new ImageLinker(options).Link([elf]);
    }

    /// <summary>The same without places that would overlap a target when moved.</summary>
    public ArmMatrixLink Without(ulong movePlaces, ulong moveTargets)
    {
        List<(ulong Start, ulong End)> targets = [.. _addresses.Where(part => !part.IsPlace)
            .Select(part => (part.Address + moveTargets, part.Address + moveTargets + (part.Section is ".sb" ? StaticDataSize : 1)))];
        List<ArmMatrixRow> rows = [.. Rows.Where(row => !targets.Exists(
            target => row.P + movePlaces < target.End && target.Start < row.P + movePlaces + (ulong)row.Before.Length))];
        return rows.Count == Rows.Count || rows.Count is 0 ? this : new ArmMatrixLink(rows, Kind);
    }

    public static string SymbolOf(ArmMatrixRow row) => row.Type is "BASE_PREL" ? "_GLOBAL_OFFSET_TABLE_" : $"s{row.Number}";

    public static string SectionOf(ArmMatrixRow row) => $".p{row.Number}";

    private byte[] Build()
    {
        var elf = new ElfBuilder(is64Bit: false, EM_ARM) { Flags = 0x0500_0000 };
        Dictionary<ArmMatrixRow, int> places = Rows.ToDictionary(row => row, row => AddPlace(elf, row));
        Dictionary<string, int> targets = [];
        var symbols = Rows.ToDictionary(row => row, row => AddSymbol(elf, row, places[row], targets));
        foreach (ArmMatrixRow row in Rows)
        {
            _ = elf.AddRelocation(places[row], 0, row.Rule.Type, symbols[row], 0, RelocationFormat.Rel);
        }

        return elf.Build();
    }

    private int AddPlace(ElfBuilder elf, ArmMatrixRow row)
    {
        _addresses.Add((SectionOf(row), row.P, true));
        return elf.AddSection(SectionOf(row), SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, row.Before);
    }

    private int AddSymbol(ElfBuilder elf, ArmMatrixRow row, int place, Dictionary<string, int> targets)
    {
        string name = SymbolOf(row);
        if (row.Target is 'w' || row.Type is "BASE_PREL")
        {
            return elf.AddSymbol(name, binding: row.Target is 'w' ? SymbolBinding.Weak : SymbolBinding.Global);
        }

        SymbolType type = row.Target switch
        {
            'v' => SymbolType.Tls,
            'd' => row.IsBranch ? SymbolType.NoType : SymbolType.Object,
            _ => SymbolType.Function,
        };
        if (Kind is 'x')
        {
            return elf.AddSymbol(name, SHN_ABS, row.S | row.T, type: type);
        }

        (int section, ulong address) = row switch
        {
            { Target: 'v' } => (Target(elf, targets, ".tdata", null), ArmMatrixRow.TlsBlock),
            { UsesStaticBase: true } => (Target(elf, targets, ".sb", ArmMatrixRow.StaticBase), ArmMatrixRow.StaticBase),
            { IsInPlace: true } => (place, row.P),
            _ => (Target(elf, targets, $".t{row.S:x}", row.S), row.S),
        };
        return Kind is 's'
            ? elf.AddSymbol("", section, binding: SymbolBinding.Local, type: SymbolType.Section)
            : elf.AddSymbol(
                name, section, (row.S - address) | row.T, binding: Kind is 'l' ? SymbolBinding.Local : SymbolBinding.Global, type: type);
    }

    private int Target(ElfBuilder elf, Dictionary<string, int> targets, string name, ulong? address)
    {
        if (!targets.TryGetValue(name, out int section))
        {
            section = name switch
            {
                ".tdata" => elf.AddSection(name, flags: SHF_ALLOC | SHF_WRITE | SHF_TLS, bytes: new byte[ThreadDataSize], alignment: 4),
                ".sb" => elf.AddSection(name, SHT_NOBITS, SHF_ALLOC | SHF_WRITE, size: StaticDataSize),
                _ => elf.AddSection(name, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, [0]),
            };
            targets.Add(name, section);
            if (address is { } fixedAddress)
            {
                _addresses.Add((name, fixedAddress, false));
            }
        }

        return section;
    }
}
