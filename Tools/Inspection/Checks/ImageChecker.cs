namespace ElfLoader.Inspection.Checks;

/// <summary>Checks rules against an image.</summary>
/// <remarks>Not thread-safe.</remarks>
public sealed class ImageChecker : IDisposable
{
    private readonly ImageCode _code;
    private readonly ImageCheckTarget _target;

    /// <summary>Prepares for checking.</summary>
    /// <param name="image">The image.</param>
    /// <param name="definitions">Symbols that the caller defined for it.</param>
    public ImageChecker(LinkedImage image, IReadOnlyDictionary<string, DefinedSymbol>? definitions = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        _code = new ImageCode(image);
        _target = new ImageCheckTarget(image, _code, definitions ?? new Dictionary<string, DefinedSymbol>());
    }

    /// <summary>Checks a rule.</summary>
    public CheckResult Check(CheckRule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        var evaluator = new CheckEvaluator(_target);
        try
        {
            CheckEquation equation = CheckParser.Parse(rule.Text);
            ulong left = evaluator.Evaluate(equation.Left);
            ulong right = evaluator.Evaluate(equation.Right);
            return left == right
                ? new CheckResult(rule, CheckOutcome.Passed) { Left = left, Right = right }
                : new CheckResult(rule, CheckOutcome.Failed) { Left = left, Right = right, Places = Places(evaluator) };
        }
        catch (CheckException exception)
        {
            return new CheckResult(rule, CheckOutcome.Error)
            {
                Problem = exception.Message,
                Position = rule.PositionOf(exception.Offset ?? 0),
                Places = Places(evaluator),
            };
        }
    }

    /// <summary>Gives the disassembler back.</summary>
    public void Dispose() => _code.Dispose();

    private CheckPlace[] Places(CheckEvaluator evaluator) =>
        [.. evaluator.Ranges.Select(range => _code.Describe(range.Address, range.Size)).OfType<CheckPlace>().DistinctBy(place => place.Address)];
}
