using System.Globalization;

namespace ElfLoader.Fuzz.Differential;

/// <summary>Makes pairs of objects with random sections, symbols, addends and relocation types.</summary>
internal sealed class PairGenerator
{
    /// <summary>Names and offsets of the thread-local variables, which all pairs share.</summary>
    internal static readonly (string Name, ulong Offset)[] TlsSymbols = [("tls_a", 0), ("tls_b", 8), ("tls_c", 0x20), ("tls_d", 0x104)];

    private const int Slot = 32;

    private readonly bool _isArm;
    private readonly ulong _table;
    private readonly PlaceForm[] _code;
    private readonly PlaceForm[] _thumb;
    private readonly PlaceForm[] _data;
    private ulong _cursor;
    private FuzzRandom _random;

    /// <summary>Prepares a batch.</summary>
    /// <param name="forms">The places to choose from.</param>
    /// <param name="isArm">Whether for Arm.</param>
    /// <param name="start">Address of the first section.</param>
    /// <param name="table">Address of the global offset table.</param>
    /// <param name="relaxes">Whether instructions may be rewritten: thread-local sequences are, by linkers, in any case.</param>
    /// <param name="random">What decides.</param>
    internal PairGenerator(IReadOnlyList<PlaceForm> forms, bool isArm, ulong start, ulong table, bool relaxes, FuzzRandom random)
    {
        _isArm = isArm;
        _cursor = start;
        _table = table;
        _random = random;
        _code = [.. forms.Where(form => form.Kind is 'a' or 'x' && (relaxes || form.Origin is not Origin.Text))];
        _thumb = [.. forms.Where(form => form.Kind is 't')];
        _data = [.. forms.Where(form => form.Kind is 'd')];
    }

    /// <summary>Makes the next pair.</summary>
    internal GeneratedPair Next(int number)
    {
        string name = number.ToString(CultureInfo.InvariantCulture);
        var pair = new GeneratedPair(new GeneratedObject($"o{name}a.o"), new GeneratedObject($"o{name}b.o"));
        foreach (GeneratedObject file in pair.Objects)
        {
            int sections = 1 + _random.Below(3);
            for (int i = 0; i < sections; i++)
            {
                AddSection(pair, file, $"s{file.Name[1..^2]}{i}");
            }
        }

        foreach (GeneratedObject file in pair.Objects)
        {
            foreach (GeneratedSection section in file.Sections)
            {
                AddPlaces(pair, file, section);
            }
        }

        return pair;
    }

    private void AddSection(GeneratedPair pair, GeneratedObject file, string name)
    {
        char kind = _random.Percent(35) ? 'd' : !_isArm ? 'x' : _random.Percent(50) ? 'a' : 't';
        _cursor = (_cursor + 0x40 + (ulong)_random.Below(_random.Percent(10) ? 0x2000 : 0x80) + 63) & ~63UL;
        var section = new GeneratedSection(name, kind, _cursor) { Size = Slot * (2 + _random.Below(5)) };
        int room = _isArm && kind is not 'd' ? 0x400 : 0; // for what the linker adds
        _cursor += (ulong)(section.Size + room);
        int labels = 1 + _random.Below(3);
        for (int i = 0; i < labels; i++)
        {
            int offset = Slot * _random.Below(section.Size / Slot);
            if (section.Labels.Exists(label => label.Offset == offset))
            {
                continue;
            }

            char target = kind switch
            {
                'd' => _random.Percent(80) ? 'd' : 'n',
                't' => _random.Percent(80) ? 't' : 'n',
                _ => _random.Percent(80) ? 'a' : 'n',
            };
            var symbol = new GeneratedSymbol(
                $"l{name}_{i}", target, section.Address + (ulong)offset, (ulong)_random.Below(Slot), _random.Percent(40));
            section.Labels.Add((offset, symbol));
            pair.Symbols.Add(symbol.Name, symbol);
        }

        section.Labels.Sort((left, right) => left.Offset - right.Offset);
        file.Sections.Add(section);
    }

    private void AddPlaces(GeneratedPair pair, GeneratedObject file, GeneratedSection section)
    {
        PlaceForm[] forms = section.Kind switch { 'd' => _data, 't' => _thumb, _ => _code };
        for (int at = 0; at + Slot <= section.Size; at += Slot)
        {
            if (_random.Percent(25))
            {
                continue;
            }

            PlaceForm form = forms[_random.Below(forms.Length)];
            bool usesTable = form.Origin is Origin.Table or Origin.TableFromPlace || form.Type is "GOT64" or "GOT_BREL";
            if (usesTable && file != pair.First)
            {
                continue;
            }

            int unit = section.Kind is 'a' ? 4 : section.Kind is 't' ? 2 : 1;
            int offset = at + (unit * _random.Below(8 / unit)) + form.Field;
            section.Places.Add(Place(pair, file, section, form, offset));
        }
    }

    private GeneratedPlace Place(GeneratedPair pair, GeneratedObject file, GeneratedSection section, PlaceForm form, int offset)
    {
        if (form.Origin is Origin.Tls or Origin.Text)
        {
            return new GeneratedPlace(offset, form, _random.Pick<(string Name, ulong)>(TlsSymbols).Name, form.Addends[_random.Below(form.Addends.Length)]);
        }

        if (form.Origin is Origin.TableFromPlace)
        {
            return new GeneratedPlace(offset, form, "_GLOBAL_OFFSET_TABLE_", _isArm ? form.Addends[_random.Below(form.Addends.Length)] : _random.Below(16));
        }

        GeneratedSymbol symbol = PickSymbol(pair, file, form);
        long addend = form.Addends[_random.Below(form.Addends.Length)];
        ulong place = section.Address + (ulong)offset;
        ulong origin = form.Origin switch
        {
            Origin.Place => place,
            Origin.RoundedPlace => place & ~3UL,
            Origin.Table => _table,
            _ => 0,
        };
        if (form.Origin is Origin.Slot)
        {
            return new GeneratedPlace(offset, form, symbol.Name, addend);
        }

        if (form.Origin is Origin.Size)
        {
            return new GeneratedPlace(offset, form, symbol.Name, _random.Percent(96) ? _random.Below(100) : _random.Limit());
        }

        long value = Value(form, out bool isExact);
        if (!_isArm)
        {
            // The addend may be anything, so that every value can be had with every symbol.
            return new GeneratedPlace(offset, form, symbol.Name, value - (long)(symbol.Address - origin));
        }

        if (!isExact && Fits(form, (long)(int)(uint)(symbol.Address + (ulong)addend - origin)) && _random.Percent(60))
        {
            return new GeneratedPlace(offset, form, symbol.Name, addend);
        }

        char target = form.Targets[_random.Below(form.Targets.Length)];
        ulong s = (uint)(origin + (ulong)(value - addend));
        s &= target is 'a' ? ~3UL : target is 't' ? ~1UL : ~0UL;
        var number = new GeneratedSymbol($"x{section.Name}_{offset}", target, s, (ulong)_random.Below(32), IsLocal: false);
        pair.Symbols.Add(number.Name, number);
        (_random.Percent(50) ? pair.First : pair.Second).Numbers.Add(number);
        return new GeneratedPlace(offset, form, number.Name, addend);
    }

    private static bool Fits(PlaceForm form, long value) => value >= form.Minimum && value <= form.Maximum && value % form.Step is 0;

    /// <summary>A value: mostly one that fits, often at a limit, now and then one beyond.</summary>
    private long Value(PlaceForm form, out bool isExact)
    {
        isExact = true;
        int choice = _random.Below(100);
        int step = form.Step;
        if (choice < 2)
        {
            long beyond = (1 + _random.Below(4)) * step;
            return _random.Percent(50) ? form.Minimum - beyond : form.Maximum + beyond;
        }

        if (choice < 22)
        {
            long within = (long)_random.Below(3) * step;
            return _random.Percent(50) ? form.Minimum + within : form.Maximum - within;
        }

        isExact = false;
        ulong span = (ulong)form.Maximum - (ulong)form.Minimum;
        ulong offset = span is ulong.MaxValue ? _random.Next() : _random.Next() % (span + 1);
        return (long)((ulong)form.Minimum + offset) / step * step;
    }

    private GeneratedSymbol PickSymbol(GeneratedPair pair, GeneratedObject file, PlaceForm form)
    {
        if (_random.Percent(2) && form.Origin is Origin.Absolute or Origin.Slot)
        {
            var weak = new GeneratedSymbol($"w{file.Name[1..^2]}", 'w', 0, 0, IsLocal: false);
            return pair.Symbols.TryAdd(weak.Name, weak) ? weak : pair.Symbols[weak.Name];
        }

        GeneratedSymbol[] seen =
        [
            .. pair.Objects.SelectMany(other => other.Sections.SelectMany(section => section.Labels)
                .Where(label => label.Symbol.IsLocal ? other == file && form.Origin is not (Origin.Slot or Origin.Size) : true).Select(label => label.Symbol)),
        ];
        if (seen.Length is 0)
        {
            var number = new GeneratedSymbol($"y{file.Name[1..^2]}", 'd', 0x1234, 8, IsLocal: false);
            if (pair.Symbols.TryAdd(number.Name, number))
            {
                pair.Second.Numbers.Add(number);
            }

            return pair.Symbols[number.Name];
        }

        return seen[_random.Below(seen.Length)];
    }
}
