namespace ElfLoader.Linking;

/// <summary>Who may use a definition.</summary>
internal enum NameReach : byte
{
    /// <summary>Whoever misses the name.</summary>
    Visible,

    /// <summary>Only the library that has it.</summary>
    Hidden,

    /// <summary>Only the object that has it: a local symbol.</summary>
    Static,
}

/// <summary>A definition whose name is near to one that is missing.</summary>
/// <param name="Name">The symbol's name.</param>
/// <param name="Owner">Who has it, for messages, where nobody else may use it.</param>
/// <param name="Reach">Who may use it.</param>
/// <param name="Rank">How far it is: less is nearer.</param>
internal sealed record NearName(string Name, string Owner, NameReach Reach, int Rank);

/// <summary>
/// Finds what missing names may have been meant to be among names that are defined: the same in the source, with other parameters or
/// the other language's linkage; different in case or a letter; lacking a namespace. The work is bounded, whatever there is to look at.
/// </summary>
internal sealed class NearNames
{
    /// <summary>The source has the same: only that the definition cannot be used.</summary>
    internal const int Same = 0;

    /// <summary>The source has the same but for parameters or linkage.</summary>
    internal const int OtherParameters = 10;

    private const int OtherArguments = 20;

    /// <summary>It is spelt in another way; so is all that is farther.</summary>
    internal const int OtherSpelling = 30;

    private const int OtherScope = 40;
    private const int OtherSpellingAndParameters = 50;
    private const int None = int.MaxValue;

    private const int MostMissing = 8;

    /// <summary>Names that are looked at, at most.</summary>
    internal const int MostNames = 200_000;

    private const long MostText = 16L << 20; // characters that are looked at
    private const int MostDemangled = 20_000; // that takes a hundred times as long as to look at a name as it is
    private const long MostDemangledText = 2L << 20; // characters

    private readonly Dictionary<string, Missing> _missing = new(StringComparer.Ordinal);
    private readonly Dictionary<string, NearName> _found = new(StringComparer.Ordinal);
    private readonly bool _areWritten;
    private int _names;
    private int _demangled;
    private long _text;
    private long _demangledText;

    /// <param name="missing">What is missing; of many, the first few count.</param>
    /// <param name="areWritten">Whether somebody wrote the names, who may know names as in the source only.</param>
    internal NearNames(IEnumerable<string> missing, bool areWritten = false)
    {
        _areWritten = areWritten;
        foreach (string name in missing.Take(MostMissing))
        {
            _missing[name] = new Missing(SourceName.Of(name));
        }
    }

    /// <summary>Whether more names may be looked at.</summary>
    internal bool HasRoom => _missing.Count > 0 && _names < MostNames && _text < MostText;

    /// <summary>Whether a name is one of those that are looked for.</summary>
    internal bool Seeks(string name) => _missing.ContainsKey(name);

    /// <summary>The best that was found for a missing name; null where nothing is near.</summary>
    internal NearName? For(string name) => _found.GetValueOrDefault(name);

    /// <summary>Looks at a name that is defined.</summary>
    /// <param name="name">The symbol's name.</param>
    /// <param name="owner">Who has it, for messages.</param>
    /// <param name="reach">Who may use it.</param>
    internal void Consider(string name, string owner, NameReach reach)
    {
        if (!HasRoom)
        {
            return;
        }

        _names++;
        _text += name.Length;
        if (name.StartsWith("_Z", StringComparison.Ordinal))
        {
            if (_demangled >= MostDemangled || _demangledText >= MostDemangledText || !MayBeNear(name))
            {
                return;
            }

            _demangled++;
            _demangledText += name.Length;
        }

        SourceName source = SourceName.Of(name);
        foreach ((string missing, Missing wanted) in _missing)
        {
            int rank = Rank(wanted, source);
            if (rank is Same && reach is NameReach.Visible && source.IsMangled == wanted.Source.IsMangled)
            {
                continue; // itself, or another of the constructors that are one in the source
            }

            if (rank is not None && (!_found.TryGetValue(missing, out NearName? best) || (rank, reach).CompareTo((best.Rank, best.Reach)) < 0))
            {
                _found[missing] = new NearName(name, owner, reach, rank);
            }
        }
    }

    /// <summary>Whether a mangled name has an identifier in it that is that of a missing name, or near to it.</summary>
    private bool MayBeNear(string name)
    {
        foreach (Missing missing in _missing.Values)
        {
            // Operators and the like have no identifier. A name of C is near to one of C++ only where it is the same.
            if (missing.Identifier is not { } identifier || name.Contains(identifier, StringComparison.Ordinal))
            {
                return true;
            }

            if (!missing.Source.IsCxx && !_areWritten)
            {
                continue;
            }

            foreach ((_, int letters, int end) in MangledName.Identifiers(name))
            {
                _text += end - letters;
                if (NearestName.Between(identifier, name.AsSpan(letters..end)) is not NearestName.Far)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private int Rank(Missing wanted, in SourceName candidate)
    {
        SourceName missing = wanted.Source;
        bool hasSameParameters = missing.Parameters == candidate.Parameters;
        if (missing.Qualified == candidate.Qualified)
        {
            return hasSameParameters ? Same : OtherParameters;
        }

        if (missing.IsCxx != candidate.IsCxx && !_areWritten)
        {
            return None; // of two languages, names that differ have nothing to do with one another
        }

        int distance = Distance(wanted.Parts, missing.Qualified, candidate.Qualified);
        if (distance is not NearestName.Far)
        {
            return (hasSameParameters ? OtherSpelling : OtherSpellingAndParameters) + distance;
        }

        if (hasSameParameters && missing.IsCxx && (IsWithin(missing.Qualified, candidate.Qualified) || IsWithin(candidate.Qualified, missing.Qualified)))
        {
            return OtherScope;
        }

        return missing.IsCxx && DiffersInArguments(wanted.Parts, candidate.Qualified) ? OtherArguments : None;
    }

    /// <summary>Whether only arguments of a template, or ABI tags, differ: those of the name itself, not of a class that it is in.</summary>
    private static bool DiffersInArguments(List<string> parts, string candidate)
    {
        if (parts[^1].AsSpan().IndexOfAny('<', '[') < 0 && candidate.AsSpan().IndexOfAny('<', '[') < 0)
        {
            return false;
        }

        List<string> others = SourceName.PartsOf(candidate);
        return others.Count == parts.Count && SourceName.WithoutArguments(others[^1]) == SourceName.WithoutArguments(parts[^1])
            && others.Take(others.Count - 1).SequenceEqual(parts.Take(parts.Count - 1));
    }

    /// <summary>The distance of two qualified names, which is that of the one part in which they differ.</summary>
    private int Distance(List<string> parts, string missing, string candidate)
    {
        const int most = 2; // letters, as in NearestName
        if (Math.Abs(missing.Length - candidate.Length) > most * parts.Count)
        {
            return NearestName.Far;
        }

        if (parts.Count is 1 && !candidate.Contains("::", StringComparison.Ordinal))
        {
            _text += candidate.Length;
            return NearestName.Between(missing, candidate);
        }

        List<string> others = SourceName.PartsOf(candidate);
        _text += candidate.Length;
        if (others.Count != parts.Count)
        {
            return NearestName.Far;
        }

        (string Missing, string Candidate)? differing = null; // a class and its constructor are misspelt alike
        int distance = NearestName.Far;
        for (int i = 0; i < parts.Count; i++)
        {
            if (parts[i] == others[i] || differing == (parts[i], others[i]))
            {
                continue;
            }

            distance = differing is null ? NearestName.Between(parts[i], others[i]) : NearestName.Far;
            if (distance is NearestName.Far)
            {
                return distance;
            }

            differing = (parts[i], others[i]);
        }

        return distance;
    }

    /// <summary>Whether a name is another one with namespaces or classes before it.</summary>
    private static bool IsWithin(string name, string qualified) =>
        qualified.Length > name.Length + 2 && qualified.EndsWith(name, StringComparison.Ordinal)
        && qualified.AsSpan(..^name.Length).EndsWith("::");

    /// <summary>A name that is missing.</summary>
    private sealed class Missing
    {
        internal Missing(in SourceName source)
        {
            Source = source;
            Parts = SourceName.PartsOf(source.Qualified);
            string last = SourceName.PartsOf(SourceName.WithoutArguments(source.Qualified))[^1].TrimStart('~');
            Identifier = last.Length > 0 && last.All(letter => char.IsLetterOrDigit(letter) || letter is '_' or '$') ? last : null;
        }

        /// <summary>As in the source.</summary>
        internal SourceName Source { get; }

        /// <summary>The parts of its qualified name.</summary>
        internal List<string> Parts { get; }

        /// <summary>The last part, where that is an identifier: any name that is near has a like one in it.</summary>
        internal string? Identifier { get; }
    }
}
