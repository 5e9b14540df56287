using ElfLoader.Elf;
using ElfLoader.Loading;
using ElfLoader.Memory;
using ElfLoader.Runtime;

namespace ElfLoader.DynamicLinking;

/// <summary>
/// What loaded code gets in place of the host's <c>dladdr</c>, <c>dlsym</c>, <c>dl_iterate_phdr</c> and their like. There is one
/// in a process, made when code that refers to one of them is linked; as long as no such code is loaded, nothing is kept for it.
/// Thread-safe.
/// </summary>
/// <remarks>
/// The functions are native code, an object that is loaded as all others are (Interface.c). What they read lies in native memory.
/// </remarks>
internal sealed class LinkerInterface
{
    private const string ObjectName = "elfloader-interface";
    private const string Unwinder = "libgcc_s.so.1";

    // The words of elfloader_host in Interface.c.
    private const int PhaseWord = 1;
    private const int ReadersWord = 2;
    private const int FirstHostWord = 4;

    private static readonly string[] FunctionNames =
        ["dladdr", "dladdr1", "dlsym", "dlvsym", "dl_iterate_phdr", "_dl_find_object"];

    private readonly ulong[] _functions = new ulong[FunctionNames.Length];

    /// <summary>Loads the functions.</summary>
    /// <exception cref="LinkException">The host lacks what is needed.</exception>
    internal LinkerInterface()
    {
        // It stays for good: in a pool of its own, so that the others can be given back as a whole.
        var options = new ObjectLibraryOptions { UseHostProcess = false, Mapping = MemoryMapping.WriteThenProtect };
        var library = new ObjectLibrary(ObjectName, options, isKnown: false);
        library.AddSharedLibrary(Unwinder); // an exception may leave a callback
        LoadedUnit unit = library.Load(ReadObject(), ObjectName);
        ulong words = (ulong)library.GetExport("elfloader_host");
        Readers = new Readers(Word(words, PhaseWord), Word(words, ReadersWord));
        int next = FirstHostWord;
        foreach (ulong word in (ReadOnlySpan<ulong>)
        [
            DynamicLinker.OpenProgram(), (ulong)NativeProcess.Host.Shim.TlsBase, NativeProcess.Host.Tls.GetAddress,
            Shim.Host("dladdr"u8), Shim.Host("dladdr1"u8), Shim.Host("dlsym"u8), Shim.Host("dlvsym"u8), Shim.Host("dlerror"u8),
            Shim.Host("dl_iterate_phdr"u8),
            DynamicLinker.Find(DynamicLinker.Process, "_dl_find_object"u8), // from glibc 2.35 on; who refers to it, has it
        ])
        {
            NativeBytes.StoreWord(Word(words, next++), word);
        }

        UnitSegments segments = Describe(unit); // its own code is found, too: by an unwinder that comes with loaded code
        var record = UnitRecord.Of(ObjectName, segments, UnitSymbol.Of(unit), 0, LibraryNames.Create(Readers), isLoading: false);
        Directory = new UnitDirectory(Readers, words, record.Block.Address, segments.Ranges);
        for (int i = 0; i < FunctionNames.Length; i++)
        {
            _functions[i] = (ulong)library.GetExport($"elfloader_{FunctionNames[i].TrimStart('_')}");
        }
    }

    /// <summary>When memory can be freed that native code may read.</summary>
    internal Readers Readers { get; }

    /// <summary>The units.</summary>
    internal UnitDirectory Directory { get; }

    /// <summary>Whether a name is that of one of the functions.</summary>
    internal static bool Has(ReadOnlySpan<byte> name) => IndexOf(name) >= 0;

    /// <summary>The function that loaded code gets in place of the host's of that name, which is one of those.</summary>
    internal ulong Find(ReadOnlySpan<byte> name) => _functions[IndexOf(name)];

    /// <summary>Makes a unit known before any of its code runs, if that matters to anybody.</summary>
    /// <param name="unit">The unit, sealed.</param>
    /// <param name="segments">Where its parts lie, if it has a header that tells so.</param>
    internal static void Add(LoadedUnit unit, UnitSegments? segments)
    {
        if (NativeProcess.Current.Interface is { } used && unit.Library.Names is { } names)
        {
            unit.Resources.Listing = UnitListing.TryCreate(used, unit, segments ?? Describe(unit), names, isLoading: true);
        }
    }

    /// <summary>Makes a unit known that is published, if it is not yet. Its library is locked.</summary>
    internal static void Complete(LoadedUnit unit)
    {
        if (NativeProcess.Current.Interface is { } used && unit.Library.Names is { } names && unit.Resources.Allocation is not null)
        {
            if (unit.Resources.Listing is { } listing && listing.Library == names)
            {
                listing.EndLoading();
                return;
            }

            Withdraw(unit);
            unit.Resources.Listing = UnitListing.TryCreate(used, unit, Describe(unit), names, isLoading: false) ?? unit.Resources.Listing;
        }
    }

    /// <summary>Hides a unit that lives on, as nobody looks any more. Who frees it waits for those that still do.</summary>
    internal static void Withdraw(LoadedUnit unit)
    {
        _ = unit.Resources.Listing?.Withdraw();
    }

    /// <summary>What is known of a unit that has no header of its own.</summary>
    internal static UnitSegments Describe(LoadedUnit unit)
    {
        ref UnitResources resources = ref unit.Resources;
        MemoryAllocation allocation = resources.Allocation!;
        var segments = new UnitSegments { UnwindTable = resources.UnwindTable };
        for (MemoryZone zone = 0; zone <= MemoryZone.Data; zone++)
        {
            segments.AddBlock(zone, allocation.Address(zone), allocation.Size(zone), allocation.Size(zone));
        }

        ulong image = ulong.MaxValue;
        ulong end = 0;
        foreach (LoadedSection section in unit.Sections)
        {
            if ((section.Flags & ElfConstants.SHF_TLS) != 0 && section.Address is not 0)
            {
                image = Math.Min(image, section.Address);
                end = Math.Max(end, section.Address + section.Size);
            }
        }

        if (resources.Tls is { } tls)
        {
            segments.AddTls(end is 0 ? 0 : image, end is 0 ? 0 : end - image, tls.Size, tls.Alignment);
        }

        return segments;
    }

    private static int IndexOf(ReadOnlySpan<byte> name) =>
        name.Length > 4 && name[0] is (byte)'d' or (byte)'_' ? IndexOfPlain(VersionedName.Of(name).Name) : -1;

    private static int IndexOfPlain(ReadOnlySpan<byte> name) => name switch
    {
        _ when name.SequenceEqual("dladdr"u8) => 0,
        _ when name.SequenceEqual("dladdr1"u8) => 1,
        _ when name.SequenceEqual("dlsym"u8) => 2,
        _ when name.SequenceEqual("dlvsym"u8) => 3,
        _ when name.SequenceEqual("dl_iterate_phdr"u8) => 4,
        _ when name.SequenceEqual("_dl_find_object"u8) => 5,
        _ => -1,
    };

    private static ulong Word(ulong words, int index) => words + (ulong)(index * sizeof(ulong));

    private static byte[] ReadObject()
    {
        using Stream stream = typeof(LinkerInterface).Assembly.GetManifestResourceStream("Interface.o")
            ?? throw new InvalidOperationException("Interface.o is missing from this assembly");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
