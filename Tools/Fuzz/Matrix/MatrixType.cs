using ElfLoader.Fuzz.Differential;
using ElfLoader.Relocations;

namespace ElfLoader.Fuzz.Matrix;

/// <summary>The cases of one relocation type: places in one section, each with a symbol of its own.</summary>
internal sealed class MatrixType
{
    /// <summary>Address of the section with the places.</summary>
    internal const ulong Start = 0x1000_0000;

    /// <summary>Address of the global offset table.</summary>
    internal const ulong Table = 0x1200_0000;

    /// <summary>Address of the section with the symbols of types that count from the static base: it starts their segment.</summary>
    internal const ulong StaticBase = 0x2000_1000;

    /// <summary>Bytes from one place to the next.</summary>
    internal const int Slot = 32;

    private const int StaticDataSize = 0x2_0000;

    private readonly GeneratedSection _staticData = new("s0a1", 'd', StaticBase) { Size = StaticDataSize };

    internal MatrixType(bool isArm, RelocationRule rule)
    {
        IsArm = isArm;
        Rule = rule;
        Name = rule.Name[(isArm ? "R_ARM_" : "R_X86_64_").Length..];
        PlaceForm[] forms = [.. (isArm ? Forms.Arm.Concat(Forms.ArmOthers).Concat(Forms.ArmStaticBase) : Forms.X64).Where(form => form.Type == Name)];
        HasForm = forms.Length > 0;
        forms = HasForm ? forms : [new PlaceForm(Name, ".quad 0", 8, 0, Origin.Size, 0, 0)];
        char kind = forms[0].Kind;
        Section = new GeneratedSection("s0a0", kind, Start);
        bool usesStaticBase = forms[0].Origin is Origin.StaticBase;
        Pair = new GeneratedPair(new GeneratedObject("o0a.o"), new GeneratedObject("o0b.o")) { StaticBase = usesStaticBase ? StaticBase : null };
        Pair.First.Sections.Add(Section);
        if (usesStaticBase)
        {
            Pair.First.Sections.Add(_staticData);
        }

        foreach (PlaceForm form in forms.Where(form => form.Kind == kind).Take(3))
        {
            foreach (long addend in form.Addends.Distinct().Take(3))
            {
                AddCases(form, addend);
            }
        }

        _staticData.Labels.Sort((left, right) => left.Offset - right.Offset);
        Section.Size = Slot * Math.Max(1, Section.Places.Count);
    }

    /// <summary>Whether for Arm.</summary>
    internal bool IsArm { get; }

    /// <summary>Our row.</summary>
    internal RelocationRule Rule { get; }

    /// <summary>Its name without the machine's prefix.</summary>
    internal string Name { get; }

    /// <summary>Whether there is code that it belongs to; else only whether it is accepted can be asked.</summary>
    internal bool HasForm { get; }

    /// <summary>The section.</summary>
    internal GeneratedSection Section { get; }

    /// <summary>The object with the places, and the one that defines the symbols.</summary>
    internal GeneratedPair Pair { get; }

    /// <summary>Places of which the value fits.</summary>
    internal HashSet<GeneratedPlace> Fitting { get; } = [];

    private void AddCases(PlaceForm form, long addend)
    {
        if (form.Origin is Origin.Slot or Origin.TableFromPlace or Origin.Tls or Origin.Size)
        {
            Add(form, addend, form.Origin is Origin.Size ? 'd' : form.Targets[0], 0x40, fits: true);
            return;
        }

        foreach (char target in IsArm ? form.Targets : "a")
        {
            long step = target is 'a' && IsArm && form.Origin is not Origin.Absolute ? Math.Max(form.Step, 4) : form.Step;
            foreach (long value in (long[])[form.Minimum, form.Maximum / step * step, 0x40, form.Maximum / 2 / step * step])
            {
                Add(form, addend, target, value, fits: value >= form.Minimum && value <= form.Maximum);
            }

            if (form.Maximum < long.MaxValue && Rule.Overflow is not Overflow.Wraps)
            {
                Add(form, addend, target, form.Maximum / step * step + step, fits: false);
                Add(form, addend, target, form.Minimum - step, fits: false);
            }
        }
    }

    private void Add(PlaceForm form, long addend, char target, long value, bool fits)
    {
        int number = Section.Places.Count;
        int offset = (number * Slot) + form.Field;
        ulong p = Start + (ulong)offset;
        ulong origin = form.Origin switch
        {
            Origin.Place => p,
            Origin.RoundedPlace => p & ~3UL,
            Origin.Table => Table,
            Origin.StaticBase => StaticBase,
            _ => 0,
        };
        ulong s = origin + (ulong)(value - addend);
        s = IsArm ? (uint)s & (target is 'a' ? ~3U : target is 't' ? ~1U : ~0U) : s;
        if (form.Origin is Origin.StaticBase && s - StaticBase >= StaticDataSize)
        {
            return; // a symbol must lie in the segment
        }

        string name = form.Origin is Origin.TableFromPlace ? "_GLOBAL_OFFSET_TABLE_"
            : form.Origin is Origin.Tls || Rule.Expression.IsThreadLocal || Rule.Slot is not (GotSlot.None or GotSlot.Address)
                ? PairGenerator.TlsSymbols[2].Name
            : $"t{number}";
        if (name[0] is 't' && char.IsDigit(name[1]))
        {
            var symbol = new GeneratedSymbol(name, target, s, 0x18, IsLocal: false);
            Pair.Symbols.Add(name, symbol);
            if (form.Origin is Origin.StaticBase)
            {
                _staticData.Labels.Add(((int)(s - StaticBase), symbol));
            }
            else
            {
                Pair.Second.Numbers.Add(symbol);
            }
        }

        var place = new GeneratedPlace(offset, form, name, addend);
        Section.Places.Add(place);
        if (IsArm && form.Origin is Origin.Place or Origin.RoundedPlace or Origin.Absolute or Origin.StaticBase)
        {
            // An address that was rounded to what its target needs gives another value, and 32 bits have no sign.
            var operands = new Operands { S = s, L = s, P = p, A = addend, T = target is 't' ? 1UL : 0, B = StaticBase };
            fits = Rule.Admits(MatrixCommand.Machine(isArm: true).Relocations.Evaluate(Rule, operands));
        }

        if (fits)
        {
            _ = Fitting.Add(place);
        }
    }
}
