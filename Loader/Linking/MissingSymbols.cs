using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>Names that nothing defines, and where they are referred to: each is reported once.</summary>
internal sealed class MissingSymbols
{
    private const int ReferencesShown = 3;

    private readonly SymbolResolution _resolution;
    private readonly LinkErrors _errors;
    private readonly Dictionary<int, References> _references = [];
    private readonly Dictionary<LinkError, int> _unadvised = new(ReferenceEqualityComparer.Instance);

    /// <param name="resolution">The names of the link.</param>
    /// <param name="errors">Where they are reported.</param>
    internal MissingSymbols(SymbolResolution resolution, LinkErrors errors)
    {
        _resolution = resolution;
        _errors = errors;
    }

    /// <summary>Notes a reference.</summary>
    internal void Note(LinkObject file, in RelocationSection section, in RelocationRecord record)
    {
        int symbol = (int)record.Symbol;
        int global = file.Symbols[symbol].Global;
        if (!_references.TryGetValue(global, out References? references))
        {
            _references.Add(global, references = new References());
        }

        // Those past the errors that are kept are only going to be counted.
        references.Count++;
        if (references.First.Count < ReferencesShown && (_references.Count <= LinkErrors.Kept || references.First.Count > 0))
        {
            references.First.Add(file.At(section.Target, record.Offset, symbol));
        }
    }

    /// <summary>Reports them, each with the first of its references.</summary>
    /// <param name="advises">
    /// Whether near names are told, which takes long where a library defines many; otherwise that is left to
    /// <see cref="Advised(LinkException)"/>.
    /// </param>
    internal void Report(bool advises)
    {
        NameAdvice? near = advises ? FindNear() : null;
        foreach ((int global, References references) in _references)
        {
            if (_errors.TryOnlyCount() || references.First.Count is 0)
            {
                continue;
            }

            string name = NameText.Shown(_resolution.Symbols.Name(global));
            bool isHidden = _resolution.Symbols[global].Visibility is SymbolVisibility.Hidden or SymbolVisibility.Internal;
            string hidden = isHidden ? $", which is hidden and must be defined in {_resolution.HiddenScope}" : "";
            string advice = CompilerRuntime.Advice(name);
            LinkError error = new(LinkErrorCode.Undefined, references.First[0], $"undefined symbol '{name}'{hidden}{advice}")
            {
                Others = references.First[1..],
                Places = references.Count,
            };
            if (advice.Length is 0 && near is null)
            {
                _unadvised.Add(error, global);
            }

            _errors.Add(advice.Length is 0 && near is not null ? Advised(error, global, near) : error);
        }
    }

    /// <summary>What a link ends with, with the near names that were not told when it was reported.</summary>
    internal LinkException Advised(LinkException exception)
    {
        NameAdvice near = FindNear();
        return new LinkException(exception.InnerException,
        [
            .. exception.Errors.Select(
                error => _unadvised.TryGetValue(error, out int global) ? Advised(error, global, near) : error),
        ]);
    }

    private LinkError Advised(LinkError error, int global, NameAdvice near) =>
        near.For(_resolution.Symbols.Text(global)) is { } found
            ? new LinkError(error.Code, error.Where, $"{error.Message}; {found}") { Others = error.Others, Places = error.Places }
            : error;

    private NameAdvice FindNear() =>
        NameAdvice.Of(_resolution, _references.Keys.Select(global => _resolution.Symbols.Text(global)));

    /// <summary>Where a name is referred to.</summary>
    private sealed class References
    {
        /// <summary>The first places.</summary>
        internal List<LinkLocation> First { get; } = [];

        /// <summary>How many there are in all.</summary>
        internal int Count { get; set; }
    }
}
