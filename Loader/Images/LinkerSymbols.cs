using System.Text;
using ElfLoader.Linking;

namespace ElfLoader.Images;

/// <summary>
/// The symbols that linkers define in an executable: bounds of segments, of arrays of functions, and of sections whose
/// names are C identifiers.
/// </summary>
internal sealed class LinkerSymbols
{
    private const SymbolTraits Address = SymbolTraits.Internal | SymbolTraits.Data;

    private readonly LinkerNames _names;
    private readonly Dictionary<string, SyntheticSymbol> _found = [];
    private readonly SectionNames _sections = new();
    private readonly ImageMachine _machine;
    private ImageLayout? _layout;

    internal LinkerSymbols(ImageMachine machine)
    {
        _machine = machine;
        string relocations = machine.HasAddends ? "rela" : "rel";
        _names = new LinkerNames(
        [
            new LinkerSymbol("__dso_handle", bounds => bounds.Header),
            new LinkerSymbol("__GNU_EH_FRAME_HDR", bounds => bounds.RangeOf(".eh_frame_hdr").Start),
            .. LinkerSymbol.Range(
                $"__{relocations}_iplt_start", $"__{relocations}_iplt_end", ImageSections.IrelativeName(machine)),
            .. machine.BoundSymbols,
            .. machine.StaticBaseSymbol is { } name ? (LinkerSymbol[])[new(name, _ => _layout!.StaticBase)] : [],
            .. machine.RangeSymbols.SelectMany(range => LinkerSymbol.Range(range.Start, range.End, range.Section)),
        ]);
    }

    /// <summary>Whether the image needs <see cref="ImageTlsCode.GetAddress"/>.</summary>
    internal bool UsesTlsCode { get; private set; }

    /// <summary>Tells where everything is.</summary>
    internal void Place(ImageLayout layout) => _layout = layout;

    /// <summary>Finds a symbol; its value is asked for after <see cref="Place"/>.</summary>
    internal SyntheticSymbol? Find(ReadOnlySpan<byte> name, IReadOnlyList<LinkObject> objects)
    {
        if (!LinkerNames.IsCandidate(name))
        {
            return null;
        }

        string text = Encoding.UTF8.GetString(name);
        if (_found.TryGetValue(text, out SyntheticSymbol? found))
        {
            return found;
        }

        if (Make(text, objects) is { } made)
        {
            _found.Add(text, made);
            return made;
        }

        return null;
    }

    private SyntheticSymbol? Make(string name, IReadOnlyList<LinkObject> objects)
    {
        if (_names.Find(Encoding.UTF8.GetBytes(name)) is { } symbol)
        {
            return new SyntheticSymbol(() => symbol.Value(_layout!), Address);
        }

        if (name is "_TLS_MODULE_BASE_") // what local-dynamic descriptors are relative to
        {
            return new SyntheticSymbol(() => _layout!.Tls.Base, SymbolTraits.Internal | SymbolTraits.Tls);
        }

        if (name is "__tls_get_addr" && _machine.TlsCode is { GetAddress.Length: > 0 })
        {
            UsesTlsCode = true;
            return new SyntheticSymbol(() => _layout!.TlsCodeAddress, SymbolTraits.Internal | SymbolTraits.Function);
        }

        bool isStart = name.StartsWith("__start_", StringComparison.Ordinal);
        if (!isStart && !name.StartsWith("__stop_", StringComparison.Ordinal))
        {
            return null;
        }

        string section = name[(isStart ? "__start_" : "__stop_").Length..];
        return IsUsed(section, objects)
            ? new SyntheticSymbol(
                () => isStart ? _layout!.RangeOf(section).Start : _layout!.RangeOf(section).End, Address)
            : null;
    }

    private bool IsUsed(string section, IReadOnlyList<LinkObject> objects) =>
        _sections.Find(Encoding.UTF8.GetBytes(section), objects).Count > 0;
}
