using ElfLoader.Inspection.Operands;

namespace ElfLoader.Inspection.Checks;

/// <summary>The instructions of an image, and what lies around an address.</summary>
internal sealed class ImageCode : IDisposable
{
    /// <summary>Farther from a symbol nobody looks for the start of an instruction.</summary>
    private const int LongestWalk = 4096;

    private readonly LinkedImage _image;
    private readonly bool _isArm;
    private readonly ArmDecoder _arm = new();
    private readonly ImageSection[] _sections;
    private readonly ImageSymbol[] _labels;
    private readonly ImageSymbol[] _mappings;

    internal ImageCode(LinkedImage image)
    {
        _image = image;
        _isArm = image.Machine is "arm";
        _sections = [.. image.Sections.Where(section => section.Size > 0).OrderBy(section => section.Address)];
        _mappings = [.. image.Symbols.Where(symbol => _isArm && IsMapping(symbol)).OrderBy(symbol => symbol.Address)];
        _labels = [.. image.Symbols.Where(symbol => symbol.Section is not null && !IsMapping(symbol)).OrderBy(symbol => symbol.Address)];
    }

    /// <summary>How much farther than the end of an instruction PC is, as LLVM's <c>next_pc</c> has it.</summary>
    internal int LeadAt(ulong address, bool isThumbSymbol) =>
        _isArm && !IsThumb(address, isThumbSymbol) ? sizeof(uint) : 0;

    /// <summary>The instruction at an address, or null.</summary>
    /// <param name="address">The address.</param>
    /// <param name="isThumbSymbol">Whether a symbol there is one of Thumb code; mapping symbols know better.</param>
    internal DecodedInstruction? Decode(ulong address, bool isThumbSymbol)
    {
        Span<byte> buffer = stackalloc byte[X86Decoder.MaximumLength];
        Span<byte> bytes = buffer[..(_isArm ? ArmDecoder.MaximumLength : X86Decoder.MaximumLength)];
        while (!bytes.IsEmpty && !_image.TryRead(address, bytes))
        {
            bytes = bytes[..^1]; // it may be the last one of its segment
        }

        return _isArm ? _arm.Decode(bytes, address, IsThumb(address, isThumbSymbol)) : X86Decoder.Decode(bytes, address);
    }

    /// <summary>What lies at an address, for people; null where nothing does.</summary>
    internal CheckPlace? Describe(ulong address, int size)
    {
        byte[] bytes = new byte[size];
        if (!_image.TryRead(address, bytes))
        {
            return null;
        }

        ImageSection? section = SectionAt(address);
        string? instruction = null;
        if (section is not null && section.Flags.Contains('X', StringComparison.Ordinal)
            && FindInstruction(section, address) is var (start, found))
        {
            (address, instruction) = (start, found.Text);
            bytes = new byte[found.Length];
            _ = _image.TryRead(address, bytes);
        }

        return new CheckPlace(address, Where(section, address), bytes, instruction);
    }

    /// <summary>Gives the disassembler back.</summary>
    public void Dispose() => _arm.Dispose();

    /// <summary>Mapping symbols tell what the bytes behind them are (AAELF32, "Mapping symbols").</summary>
    private static bool IsMapping(ImageSymbol symbol) =>
        symbol is { Binding: "local", Type: "notype", Name: ['$', 'a' or 't' or 'd'] or ['$', 'a' or 't' or 'd', '.', ..] };

    private bool IsThumb(ulong address, bool isThumbSymbol)
    {
        int index = LastAtOrBefore(_mappings, symbol => symbol.Address, address);
        ulong start = SectionAt(address)?.Address ?? address;
        while (index >= 0 && _mappings[index].Address >= start)
        {
            if (_mappings[index].Name[1] is not 'd')
            {
                return _mappings[index].Name[1] is 't';
            }

            index--;
        }

        return isThumbSymbol;
    }

    /// <summary>The instruction that an address is in: decoding starts at the last label or mapping symbol before it.</summary>
    private (ulong Address, DecodedInstruction Instruction)? FindInstruction(ImageSection section, ulong address)
    {
        int label = LastAtOrBefore(_labels, symbol => symbol.Address, address);
        int mapping = LastAtOrBefore(_mappings, symbol => symbol.Address, address);
        if (mapping >= 0 && _mappings[mapping].Address >= section.Address && _mappings[mapping].Name[1] is 'd')
        {
            return null;
        }

        ulong start = Math.Max(
            section.Address,
            Math.Max(label >= 0 ? _labels[label].Address : 0, mapping >= 0 ? _mappings[mapping].Address : 0));
        if (address - start > LongestWalk)
        {
            return null;
        }

        while (Decode(start, isThumbSymbol: false) is { } instruction)
        {
            if (address - start < (ulong)instruction.Length)
            {
                return (start, instruction);
            }

            start += (ulong)instruction.Length;
        }

        return null;
    }

    private string Where(ImageSection? section, ulong address)
    {
        if (section is null)
        {
            ImageStub? stub = _image.Stubs.FirstOrDefault(stub => address - stub.Address < (ulong)stub.Size);
            ImageGotSlot? slot = _image.Got.FirstOrDefault(slot => slot.Address == address);
            return stub is not null ? $"{stub.Kind} of {stub.Symbol} for {stub.Object}"
                : slot is not null ? $"slot of {slot.Symbol} for {slot.Object}"
                : "made by the linker";
        }

        string place = $"{section.Object}: {section.Section}+0x{address - section.Address:x}";
        int index = LastAtOrBefore(_labels, symbol => symbol.Address, address);
        if (index < 0 || _labels[index].Address < section.Address)
        {
            return place;
        }

        ulong distance = address - _labels[index].Address;
        return distance is 0 ? $"{_labels[index].Name} ({place})" : $"{_labels[index].Name}+0x{distance:x} ({place})";
    }

    private ImageSection? SectionAt(ulong address)
    {
        int index = LastAtOrBefore(_sections, section => section.Address, address);
        return index >= 0 && address - _sections[index].Address < _sections[index].Size ? _sections[index] : null;
    }

    private static int LastAtOrBefore<T>(T[] items, Func<T, ulong> addressOf, ulong address)
    {
        int low = 0;
        int high = items.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = addressOf(items[middle]) <= address ? (middle + 1, high) : (low, middle);
        }

        return low - 1;
    }
}
