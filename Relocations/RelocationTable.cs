namespace ElfLoader.Relocations;

/// <summary>The relocation types of one architecture, found by number. Immutable.</summary>
public sealed class RelocationTable
{
    private readonly int _addressBits;
    private readonly RelocationRule?[] _rules;

    /// <summary>Builds a table; expressions are computed modulo 2 to the <paramref name="addressBits"/>.</summary>
    /// <exception cref="ArgumentException">Two rows have the same number.</exception>
    public RelocationTable(int addressBits, params ReadOnlySpan<RelocationRule> rules)
    {
        _addressBits = addressBits;
        uint last = 0;
        foreach (RelocationRule rule in rules)
        {
            last = Math.Max(last, rule.Type);
        }

        _rules = new RelocationRule?[last + 1];
        foreach (RelocationRule rule in rules)
        {
            if (_rules[rule.Type] is { } other)
            {
                throw new ArgumentException($"{rule.Name} and {other.Name} have the same number", nameof(rules));
            }

            _rules[rule.Type] = rule;
        }
    }

    /// <summary>The rules, in order of type number.</summary>
    public IEnumerable<RelocationRule> Rules => _rules.OfType<RelocationRule>();

    /// <summary>The rule for a type number, or null where there is none.</summary>
    public RelocationRule? this[uint type] => type < (uint)_rules.Length ? _rules[type] : null;

    /// <summary>Computes a rule's expression, narrowed to the target's address size.</summary>
    public long Evaluate(RelocationRule rule, in Operands operands)
    {
        ArgumentNullException.ThrowIfNull(rule);
        long value = rule.Expression.Evaluate(operands);
        return _addressBits is 32 ? (int)value : value;
    }

    /// <summary>Patches <paramref name="place"/>, or leaves it untouched and says why.</summary>
    /// <param name="rule">A rule of this table.</param>
    /// <param name="place">At least <see cref="Field.Size"/> bytes, starting at P.</param>
    /// <param name="operands">Addresses; only those the rule's expression names are read.</param>
    /// <param name="value">The expression's result, for messages.</param>
    public RelocationOutcome Apply(RelocationRule rule, Span<byte> place, in Operands operands, out long value)
    {
        RelocationOutcome outcome = Check(ref rule, place, operands, out value);
        if (outcome is RelocationOutcome.Applied)
        {
            rule.Field.Write(place, value);
        }

        return outcome;
    }

    /// <summary>What <see cref="Apply"/> would say; changes nothing.</summary>
    /// <param name="rule">A rule of this table; afterwards the form of it that counts at this place.</param>
    /// <param name="place">At least <see cref="Field.Size"/> bytes, starting at P.</param>
    /// <param name="operands">Addresses; only those the rule's expression names are read.</param>
    /// <param name="value">The expression's result, for messages.</param>
    public RelocationOutcome Check(
        ref RelocationRule rule, ReadOnlySpan<byte> place, in Operands operands, out long value)
    {
        ArgumentNullException.ThrowIfNull(rule);
        if (!rule.Field.Fits(place))
        {
            value = Evaluate(rule, operands);
            return RelocationOutcome.WrongInstruction;
        }

        if (rule.Form is { } choose)
        {
            if (choose(rule, place, operands) is not { } form)
            {
                value = Evaluate(rule, operands);
                return RelocationOutcome.WrongInstructionSet;
            }

            rule = form;
        }

        value = Evaluate(rule, operands);
        if (!rule.Admits(value))
        {
            return value < rule.Minimum || value > rule.Maximum
                ? RelocationOutcome.OutOfRange
                : RelocationOutcome.NotEncodable;
        }

        return rule.Field.LowBit > 0 && rule.Overflow is not Overflow.Wraps
            && (value & ((1L << rule.Field.LowBit) - 1) & ~(long)operands.T) is not 0
            ? RelocationOutcome.Misaligned
            : RelocationOutcome.Applied;
    }
}
