using System.Diagnostics;
using ElfLoader.Elf;
using static ElfLoader.Elf.ElfConstants;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>Puts files through the product and holds it to its promises. No code of the files runs.</summary>
/// <remarks>
/// An object for x86-64 is loaded into this process and unloaded; every object that can be is linked into images, too.
/// The promises: a <see cref="LinkException"/> is the only refusal; time and memory are bounded by the size of the input
/// and the limits given; nothing is left behind; patching again gives the same bytes; an image at another address differs
/// only where it must, and at the old address not at all; threads make no difference.
/// </remarks>
internal sealed class Subject : IDisposable
{
    private const ulong MaximumMemory = 32 << 20;

    /// <summary>Bytes that may be allocated whatever the input's size is, and for each byte of it.</summary>
    private const long AllocatedAtAll = 4 << 20;
    private const long AllocatedPerByte = 400;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly ReadLimits Limits = new()
    {
        MaximumDecompressedSize = 1 << 20,
        MaximumZeroFilledSize = MaximumMemory,
    };

    private static readonly ObjectLibraryOptions Loading = new()
    {
        RunCode = false,
        AllowUndefined = true,
        UseHostProcess = false,
        MaximumUnitSize = MaximumMemory,
        ReadLimits = Limits,
    };

    private static readonly ObjectLibraryOptions LoadingWithHost = Loading with { UseHostProcess = true };

    private static readonly ImageOptions Linking = new()
    {
        AllowUndefined = true,
        MaximumSize = MaximumMemory,
        ReadLimits = Limits,
    };

    private static readonly byte[] Wants = WantingObject.Build(EM_X86_64);
    private static readonly byte[] ArmWants = WantingObject.Build(EM_ARM);

    private readonly MotionCheck _motion = new(Linking);
    private readonly RepeatCheck _repeat = new();
    private readonly ArchiveFolder _files;
    private readonly ElfObject[] _predecessors;

    /// <summary>Prepares.</summary>
    /// <param name="members">The files that thin archives may name.</param>
    /// <param name="folder">A folder to make for them; it is removed afterwards.</param>
    internal Subject(IReadOnlyDictionary<string, byte[]> members, string folder)
    {
        _files = new ArchiveFolder(members, folder);
        _predecessors =
        [
            .. members.Where(member => member.Value.AsSpan() is [0x7f, (byte)'E', (byte)'L', (byte)'F', ElfConstants.ELFCLASS64, ..])
                .Select(member => ElfObject.Read(member.Value, member.Key, Limits)),
            ElfObject.Read(Wants, "wants.o", Limits),
        ];
    }

    /// <summary>Greatest number of bytes allocated for one byte of an input, of inputs of at least a kilobyte.</summary>
    internal double WorstMemory { get; private set; }

    /// <summary>Longest time for one input.</summary>
    internal TimeSpan WorstTime { get; private set; }

    /// <summary>Mutants of which images were compared at two addresses.</summary>
    internal long Moved { get; private set; }

    /// <summary>Relocations whose change between two addresses was foretold.</summary>
    internal long Foretold => _motion.Foretold;

    /// <summary>Relocations that were applied again.</summary>
    internal long Repeated => _repeat.Repeated;

    /// <summary>Types of relocation that the last mutant, if it was loaded, had.</summary>
    internal HashSet<uint> LastTypes { get; } = [];

    /// <summary>Puts one file through.</summary>
    /// <param name="file">The file.</param>
    /// <param name="number">Varies what is tried that is not tried each time; its lowest bit is the machine.</param>
    /// <exception cref="FindingException">A promise is broken.</exception>
    internal Outcome Run(byte[] file, long number)
    {
        // The runtime opens an assembly when something of it is first needed: what is left behind is left again.
        return Run(file, number, out bool opens) is var outcome && opens && Run(file, number, out opens) is var _ && opens
            ? throw new FindingException("open files", $"there are more of them afterwards, each time: {outcome}")
            : outcome;
    }

    private Outcome Run(byte[] file, long number, out bool opens)
    {
        bool countsFiles = number % 16 < 2;
        Footprint before = Footprint.Take(countsFiles);
        long size = file.Length + (file.AsSpan().StartsWith(Archive.ThinMagic) ? _files.Size : 0);
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.StartNew();
        Outcome outcome;
        try
        {
            PlantedFault.Meet(file);
            outcome = file.AsSpan().StartsWith("!<"u8) ? RunArchive(file, number) : RunObject(file, number);
        }
#pragma warning disable CA1031 // That it is thrown at all is the finding.
        catch (Exception exception) when (exception is not FindingException)
#pragma warning restore CA1031
        {
            throw new FindingException(KindOf(exception), exception.ToString(), exception);
        }

        TimeSpan elapsed = watch.Elapsed;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        WorstTime = elapsed > WorstTime ? elapsed : WorstTime;
        WorstMemory = Math.Max(WorstMemory, (double)allocated / Math.Max(1024, size));
        if (elapsed > Patience)
        {
            throw new FindingException("slow", $"{elapsed} for {file.Length} bytes: {outcome}");
        }

        if (allocated > AllocatedAtAll + (AllocatedPerByte * size))
        {
            throw new FindingException("memory", $"{allocated} bytes allocated for {size} bytes: {outcome}");
        }

        Footprint after = Footprint.Take(countsFiles);
        opens = after.OpenFiles > before.OpenFiles;
        return after with { OpenFiles = before.OpenFiles } == before ? outcome : throw new FindingException("leak", $"before {before}, afterwards {after}: {outcome}");
    }

    /// <inheritdoc/>
    public void Dispose() => _files.Dispose();

    private static string KindOf(Exception exception)
    {
        StackFrame? frame = new StackTrace(exception, fNeedFileInfo: false).GetFrames()
            .FirstOrDefault(frame => frame.GetMethod()?.DeclaringType?.Namespace?.StartsWith("ElfLoader", StringComparison.Ordinal) is true);
        return $"{exception.GetType().Name} in {frame?.GetMethod()?.DeclaringType?.Name}.{frame?.GetMethod()?.Name}";
    }

    private Outcome RunObject(byte[] file, long number)
    {
        LastTypes.Clear();
        ElfObject elf;
        try
        {
            elf = ElfObject.Read(file, "mutant.o", Limits);
        }
        catch (LinkException exception)
        {
            return new Outcome(Phase.Read, exception.Errors[0]);
        }

        if (number / 2 % 8 is 0)
        {
            Reading.Everything(elf);
        }

        if (number / 2 % 4 is 1)
        {
            ScaleCheck.Check(elf, ElfObject.Read(elf.Machine is EM_ARM ? ArmWants : Wants, "wants.o", Limits), Loading, Linking);
        }

        if (number / 2 % 4 is 2 && elf.Machine is EM_X86_64 && elf.Is64Bit)
        {
            // A library links small loads one after the other with the same linker, which must forget the one before.
            ElfObject before = _predecessors[(int)(number / 8 % _predecessors.Length)];
            LoadedContent.RequireSame(LoadedContent.Of([elf], Loading), LoadedContent.Of([elf], Loading, before), "forget");
        }

        Outcome outcome = elf.Machine is EM_X86_64 && elf.Is64Bit ? Load(elf, number) : default;
        Outcome image = Link(elf, number);
        if (elf.Machine is not EM_X86_64 || !elf.Is64Bit)
        {
            outcome = image;
        }

        if (outcome.Phase is Phase.Loaded)
        {
            _repeat.Check(elf, LastTypes, number);
        }

        return outcome;
    }

    private static Outcome Load(ElfObject elf, long number)
    {
        try
        {
            using var library = new ObjectLibrary("mutants", number / 2 % 16 is 3 ? LoadingWithHost : Loading);
            _ = library.Load([elf]);
            return new Outcome(Phase.Loaded, null);
        }
        catch (LinkException exception)
        {
            return Outcome.Refused(exception);
        }
    }

    private Outcome Link(ElfObject elf, long number)
    {
        LinkedImage image;
        try
        {
            image = new ImageLinker(Linking).Link([elf]);
        }
        catch (LinkException exception)
        {
            return Outcome.Refused(exception);
        }

        Moved++;
        _motion.Check(elf, image, comparesFiles: number / 2 % 8 is 5);
        return new Outcome(Phase.Loaded, null);
    }

    private Outcome RunArchive(byte[] file, long number)
    {
        Archive archive;
        ushort machine = EM_X86_64;
        try
        {
            archive = number % 8 is 2 or 3 && file.AsSpan().StartsWith(Archive.ThinMagic)
                ? _files.Read(file, Limits)
                : Archive.Read(file, "mutant.a", _files.Open, Limits);
            machine = Reading.Everything(archive);
        }
        catch (LinkException exception)
        {
            return new Outcome(Phase.Read, exception.Errors[0]);
        }

        try
        {
            var wants = ElfObject.Read(machine is EM_ARM ? ArmWants : Wants, "wants.o", Limits);
            if (machine is EM_X86_64 && number / 2 % 2 is 0)
            {
                using var library = new ObjectLibrary("mutants", Loading);
                library.AddArchive(_files.Write(file));
                _ = library.Load([wants]);
            }

            var linker = new ImageLinker(Linking);
            LinkedImage image = linker.Link([wants], [archive]);
            MotionCheck.CompareHere(image, linker.Link([wants], [archive]), comparesFiles: number / 2 % 8 is 5);
            return new Outcome(Phase.Loaded, null);
        }
        catch (LinkException exception)
        {
            // Members are read, and refused, while symbols are resolved.
            return Outcome.Refused(exception);
        }
    }
}
