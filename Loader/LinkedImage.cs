using ElfLoader.Elf;
using ElfLoader.Images;

namespace ElfLoader;

/// <summary>
/// Objects linked for addresses of a target: the bytes of an executable, and what lies where. Nothing of it is in this
/// process's memory as code.
/// </summary>
/// <remarks>
/// Immutable; may be used from any thread. The lists are made when they are first asked for; several threads that ask at
/// once may make them more than once, and make the same.
/// </remarks>
public sealed class LinkedImage
{
    private readonly ImageMachine _machine;
    private readonly ImageFile _file;
    private readonly ImageOutput[] _byAddress;
    private readonly ImageMap _map;

    internal LinkedImage(ImageMachine machine, ImageFile file, IEnumerable<ImageOutput> outputs, ImageMap map)
    {
        _map = map;
        _machine = machine;
        _file = file;
        _byAddress = [.. outputs.Where(output => output is { TakesAddresses: true, Size: > 0 }).OrderBy(output => output.Address)];
    }

    /// <summary>Name of the machine: <c>x86_64</c>, <c>arm</c>.</summary>
    public string Machine => _machine.Rules.Architecture.Name;

    /// <summary>Address at which the program starts; 0 if nothing defines it.</summary>
    public ulong Entry => _file.Entry;

    /// <summary>Bytes that <see cref="WriteExecutable"/> writes.</summary>
    public ulong FileSize => _file.Size;

    /// <summary>The input sections, in the order of linking.</summary>
    public IReadOnlyList<ImageSection> Sections => field ??= _map.Sections();

    /// <summary>The symbols: local ones, then global ones.</summary>
    public IReadOnlyList<ImageSymbol> Symbols => field ??= _map.Symbols();

    /// <summary>The stubs.</summary>
    public IReadOnlyList<ImageStub> Stubs => field ??= _map.Stubs();

    /// <summary>The slots of all global offset tables; one that several objects use is there for each of them.</summary>
    public IReadOnlyList<ImageGotSlot> Got => field ??= _map.Got();

    /// <summary>The global offset tables of the objects that use one.</summary>
    public IReadOnlyList<ImageGotTable> GotTables => field ??= _map.GotTables();

    /// <summary>The input sections that the program does not have in memory.</summary>
    public IReadOnlyList<ImageFileSection> FileSections => field ??= _map.FileSections();

    /// <summary>What is mapped, by address.</summary>
    public required IReadOnlyList<ImageSegment> Segments { get; init; }

    /// <summary>The objects, in the order of linking.</summary>
    public required IReadOnlyList<ElfObject> Objects { get; init; }

    /// <summary>Every patched place, if <see cref="ImageOptions.RecordPatches"/> asked for it; else empty.</summary>
    public IReadOnlyList<PatchRecord> Patches { get; init; } = [];

    /// <summary>What a person should know, though it is no error.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Reads the image's memory as it is before the program starts.</summary>
    /// <returns>False if not all of the bytes lie in sections of the image.</returns>
    public bool TryRead(ulong address, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            ImageOutput? output = Find(address);
            if (output is null)
            {
                return false;
            }

            ulong offset = address - output.Address;
            int count = (int)Math.Min((ulong)destination.Length, output.Size - offset);
            output.Read(offset, destination[..count], ImageFile.Filling(_machine, output));
            destination = destination[count..];
            address += (ulong)count;
        }

        return true;
    }

    /// <summary>Writes the image as an ELF executable, from the stream's position on.</summary>
    public void WriteExecutable(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        _file.Write(stream);
    }

    private ImageOutput? Find(ulong address)
    {
        int low = 0;
        int high = _byAddress.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_byAddress[middle].Address + _byAddress[middle].Size - 1 < address)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low < _byAddress.Length && _byAddress[low].Address <= address ? _byAddress[low] : null;
    }
}
