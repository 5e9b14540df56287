using ElfLoader.Inspection.Checks;

namespace ElfLoader.Tools.Verifying;

/// <summary>Checks all rules of all files against an image.</summary>
internal static class Verification
{
    /// <summary>Reads the rules of all files.</summary>
    /// <exception cref="LinkException">A file cannot be read, or holds no rule.</exception>
    internal static IReadOnlyList<CheckRule> ReadRules(VerifyRequest request)
    {
        List<CheckRule> rules = [];
        List<LinkError> errors = [];
        foreach (string file in request.Files)
        {
            IReadOnlyList<CheckRule> found = CheckFile.Read(file, request.Prefixes);
            if (found.Count is 0)
            {
                IReadOnlyList<string> prefixes = request.Prefixes ?? CheckFile.UsualPrefixes;
                errors.Add(new LinkError(
                    LinkErrorCode.File,
                    new LinkLocation(file),
                    $"holds no check: no line starts with {string.Join(" or ", prefixes.Select(prefix => $"'# {prefix}:'"))}"));
            }

            rules.AddRange(found);
        }

        return errors.Count is 0 ? rules : throw new LinkException(errors);
    }

    /// <summary>Checks them.</summary>
    internal static IReadOnlyList<CheckResult> Check(
        IReadOnlyList<CheckRule> rules, LinkedImage image, IReadOnlyDictionary<string, DefinedSymbol> definitions)
    {
        using var checker = new ImageChecker(image, definitions);
        return [.. rules.Select(checker.Check)];
    }
}
