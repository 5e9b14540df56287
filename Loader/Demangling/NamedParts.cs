namespace ElfLoader.Demangling;

/// <summary>The name of a constructor or destructor.</summary>
internal sealed class ConstructorPart(string name) : NamePart
{
    internal override string BaseName => name;

    protected override void Left(NameWriter writer) => writer.Write(name);
}

/// <summary>A name with the tag of an ABI version.</summary>
internal sealed class TextTagPart(NamePart name, string tag) : NamePart
{
    internal override string BaseName => name.BaseName;

    protected override void Left(NameWriter writer)
    {
        name.Write(writer);
        _ = writer.Write("[abi:").Write(tag).Write("]");
    }
}

/// <summary>An abbreviation for a name of the standard library (Itanium C++ ABI, "Compression").</summary>
internal sealed class AbbreviationPart : NamePart
{
    private const string OfChar = "char, std::char_traits<char>";

    private static readonly Dictionary<char, AbbreviationPart> All = new()
    {
        ['a'] = new("std::allocator", "allocator", "std::allocator"),
        ['b'] = new("std::basic_string", "basic_string", "std::basic_string"),
        ['s'] = new("std::string", "basic_string", $"std::basic_string<{OfChar}, std::allocator<char> >"),
        ['i'] = new("std::istream", "basic_istream", $"std::basic_istream<{OfChar} >"),
        ['o'] = new("std::ostream", "basic_ostream", $"std::basic_ostream<{OfChar} >"),
        ['d'] = new("std::iostream", "basic_iostream", $"std::basic_iostream<{OfChar} >"),
    };

    private readonly string _text;

    private AbbreviationPart(string text, string baseName, string inFull)
    {
        _text = text;
        InFull = new TextPart(inFull, baseName);
        BaseName = text["std::".Length..];
    }

    /// <summary>What it stands for.</summary>
    internal TextPart InFull { get; }

    internal override string BaseName { get; }

    /// <summary>The one of a letter; null if there is none.</summary>
    internal static AbbreviationPart? Of(char letter) => All.GetValueOrDefault(letter);

    protected override void Left(NameWriter writer) => writer.Write(_text);
}
