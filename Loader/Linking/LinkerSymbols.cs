using System.Text;

namespace ElfLoader.Linking;

/// <summary>
/// The symbols that linkers define in an executable: bounds of segments, of arrays of functions, and of sections whose
/// names are C identifiers.
/// </summary>
internal sealed class LinkerSymbols
{
    private const SymbolTraits Address = SymbolTraits.Internal | SymbolTraits.Data;

    private readonly Dictionary<string, Func<ImageLayout, ulong>> _values = [];
    private readonly Dictionary<string, SyntheticSymbol> _found = [];
    private readonly SectionNames _sections = new();
    private readonly ImageMachine _machine;
    private ImageLayout? _layout;

    internal LinkerSymbols(ImageMachine machine)
    {
        _machine = machine;
        foreach (string name in (ReadOnlySpan<string>)["preinit_array", "init_array", "fini_array"])
        {
            AddRange($"__{name}_start", $"__{name}_end", $".{name}");
        }

        string relocations = machine.HasAddends ? "rela" : "rel";
        AddRange($"__{relocations}_iplt_start", $"__{relocations}_iplt_end", ImageSections.IrelativeName(machine));
        foreach ((string start, string end, string section) in machine.RangeSymbols)
        {
            AddRange(start, end, section);
        }

        _values.Add("__ehdr_start", layout => layout.Base);
        _values.Add("__executable_start", layout => layout.Base);
        _values.Add("__dso_handle", layout => layout.Base);
        _values.Add("__GNU_EH_FRAME_HDR", layout => layout.RangeOf(".eh_frame_hdr").Start);
        _values.Add("__bss_start", layout => layout.StartOfZeros);
        foreach (string prefix in (ReadOnlySpan<string>)["", "_", "__"])
        {
            _values.Add(prefix + "etext", layout => layout.EndOf(ImageZone.Code));
            if (prefix is not "__")
            {
                _values.Add(prefix + "edata", layout => layout.EndOfInitializedData);
                _values.Add(prefix + "end", layout => layout.EndOf(ImageZone.Data));
            }
        }
    }

    /// <summary>Whether the image needs <see cref="ImageTlsCode.GetAddress"/>.</summary>
    internal bool UsesTlsCode { get; private set; }

    /// <summary>Tells where everything is.</summary>
    internal void Place(ImageLayout layout) => _layout = layout;

    /// <summary>Finds a symbol; its value is asked for after <see cref="Place"/>.</summary>
    internal SyntheticSymbol? Find(ReadOnlySpan<byte> name, IReadOnlyList<LinkObject> objects)
    {
        // Most names are no names of a linker's: those of C++, for one.
        if (name.Length < 3 || (name[0] is not (byte)'e' && (name[0] is not (byte)'_' || !"_eT"u8.Contains(name[1]))))
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
        if (_values.TryGetValue(name, out Func<ImageLayout, ulong>? value))
        {
            return new SyntheticSymbol(() => value(_layout!), Address);
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

    private void AddRange(string start, string end, string section)
    {
        _values.Add(start, layout => layout.RangeOf(section).Start);
        _values.Add(end, layout => layout.RangeOf(section).End);
    }
}
