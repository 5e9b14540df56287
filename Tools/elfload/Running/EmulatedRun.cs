using System.ComponentModel;
using System.Text;
using ElfLoader.Elf;
using ElfLoader.Memory;
using ElfLoader.Tools.Arguments;
using ElfLoader.Tools.Json;
using ElfLoader.Tools.Linking;

namespace ElfLoader.Tools.Running;

/// <summary>Links a program of another machine to an executable in memory, and becomes the emulator that runs it.</summary>
/// <remarks>
/// The same process: streams, signals and the exit status are the emulator's own from then on, and the executable goes
/// with it.
/// </remarks>
/// <param name="request">What to run, and how.</param>
/// <param name="inputs">Its inputs, read.</param>
/// <param name="reporter">What tells people.</param>
internal sealed class EmulatedRun(RunRequest request, InputFiles inputs, Reporter reporter)
{
    /// <summary>The name of an entry that is made beside one that the inputs have.</summary>
    private const string OtherEntry = "__elfload_start";

    /// <summary>What the start code of the GNU C library calls.</summary>
    private const string LibraryStart = "__libc_start_main";

    /// <summary>Does not return where the program is started.</summary>
    /// <exception cref="LinkException">It cannot be linked, or there is no emulator.</exception>
    /// <exception cref="CommandLineException">An option does not fit.</exception>
    internal int Run()
    {
        LinkedImage image = Link();
        Emulator emulator = Emulator.Find(request.Runner);
        if (request.Map is { } map)
        {
            new JsonTarget(map).Write(LinkMapJson.Of(LinkMap.Of(image)), JsonFormat.Default.LinkMapJson);
        }

        reporter.Json?.Write(
            new ReportJson
            {
                Machine = image.Machine,
                Entry = AddressText.Format(image.Entry),
                Warnings = reporter.Warnings,
            },
            JsonFormat.Default.ReportJson);
        reporter.ClearProgress();
        Start(image, emulator);
        return 0;
    }

    private LinkedImage Link()
    {
        if (request.Libraries is [string library, ..])
        {
            throw new CommandLineException($"--library: '{library}' is for programs of this machine; these objects are not");
        }

        TargetInputs.Prepare(inputs, reporter);
        string entry = ArmStart.Entry;
        string? called = null;
        bool hasStart = Defines(ArmStart.Entry);
        if (request.Entry is not ArmStart.Entry && (request.EntryIsChosen || !hasStart))
        {
            entry = hasStart ? OtherEntry : ArmStart.Entry;
            called = request.Entry;
            AddStart(entry);
        }

        reporter.Progress("linking");
        LinkedImage image = ImageWriting.Link(inputs, request.Image with { Entry = entry, EntryMustExist = true, CalledEntry = called });
        foreach (string warning in image.Warnings)
        {
            reporter.Warn(warning);
        }

        return image;
    }

    private void AddStart(string entry)
    {
        if (!Defines(request.Entry) && !HasLocal(request.Entry))
        {
            throw new LinkException(new LinkError(
                LinkErrorCode.Undefined,
                new LinkLocation("", Symbol: request.Entry),
                request.NoEntry(inputs.Objects.SelectMany(Names))));
        }

        if (Defines(LibraryStart))
        {
            reporter.Warn("the C library is not started: give its start files too (crt1.o, crti.o, crtn.o)");
        }

        inputs.Add(ArmStart.Create(entry, request.Entry));
    }

    private bool Defines(string name)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        return request.Image.Definitions.ContainsKey(name)
            || inputs.Objects.Any(elf => Defines(elf, bytes, elf.FirstGlobalSymbol, elf.SymbolCount))
            || inputs.Archives.Any(archive => archive.TryFind(bytes, out _));
    }

    private bool HasLocal(string name)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        return inputs.Objects.Any(elf => Defines(elf, bytes, 1, elf.FirstGlobalSymbol));
    }

    private static IEnumerable<string> Names(ElfObject elf) =>
        Enumerable.Range(elf.FirstGlobalSymbol, elf.SymbolCount - elf.FirstGlobalSymbol)
            .Where(symbol => elf.Symbol(symbol).IsDefined)
            .Select(elf.SymbolNameText);

    private static bool Defines(ElfObject elf, ReadOnlySpan<byte> name, int start, int end)
    {
        SymbolTable symbols = elf.Symbols;
        for (int i = start; i < end; i++)
        {
            SymbolRecord symbol = symbols[i];
            if (symbol.IsDefined && symbols.Name(symbol).SequenceEqual(name))
            {
                return true;
            }
        }

        return false;
    }

    private void Start(LinkedImage image, Emulator emulator)
    {
        try
        {
            using var file = new MemoryFile(Path.GetFileName(request.Arguments[0]));
            using (FileStream stream = File.OpenWrite(file.Path))
            {
                image.WriteExecutable(stream);
            }

            file.PassOn();
            reporter.Tell($"starting {emulator.Path} at {AddressText.Format(image.Entry)}");
            SignalDispositions.RestoreDefaults();
            HostedProgram.Become(emulator.Path, emulator.Command(file.Path, request.Arguments));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or Win32Exception)
        {
            throw new LinkException(
                exception, [new LinkError(LinkErrorCode.File, new LinkLocation(emulator.Path), exception.Message)]);
        }
    }
}
