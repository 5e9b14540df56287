using ElfLoader.Memory;
using ElfLoader.Tools.Arguments;
using ElfLoader.Tools.Json;

namespace ElfLoader.Tools.Running;

/// <summary>Loads a program into this process and becomes it.</summary>
internal sealed class ProgramRun(RunRequest request, Reporter reporter)
{
    /// <summary>What a compiler's driver links to without being asked, for C++ too.</summary>
    private static readonly string[] DefaultLibraries = ["libstdc++.so.6", "libm.so.6", "libgcc_s.so.1", "libc.so.6"];

    /// <summary>Does not return where the program is started: it ends the process.</summary>
    /// <exception cref="LinkException">It cannot be loaded.</exception>
    internal int Run()
    {
        ObjectLibrary library = Prepare();
        SignalDispositions.RestoreDefaults(); // from here on, the program's initializers run
        Link(library);
        ulong entry = FindEntry(library);
        reporter.Tell($"calling {request.Entry} at {AddressText.Format(entry)}");
        reporter.Json?.Write(
            new ReportJson { Entry = AddressText.Format(entry), Warnings = reporter.Warnings },
            JsonFormat.Default.ReportJson);
        reporter.ClearProgress();

        var arguments = new NativeArguments(request.Arguments);
        HostedProgram.Start(entry, arguments);
        return 0;
    }

    private ObjectLibrary Prepare()
    {
        var library = new ObjectLibrary("program", new ObjectLibraryOptions
        {
            UseHostProcess = request.UsesHost,
            AllowUndefined = request.AllowUndefined,
            UndefinedAddress = request.UndefinedAddress,
            Arguments = request.Arguments,
        });
        foreach (SymbolDefinition definition in request.Definitions)
        {
            if (definition.IsThumb is not null)
            {
                throw new CommandLineException(
                    $"--define: '{definition.Name}' names an instruction set, which only ARM programs have");
            }

            library.DefineAbsolute(definition.Name, definition.Address);
        }

        foreach (string file in request.Inputs)
        {
            reporter.Progress($"reading {file}");
            library.Add(file);
            reporter.Tell($"read {file}");
        }

        foreach (string file in request.Libraries)
        {
            library.AddSharedLibrary(file);
        }

        if (request.UsesHost)
        {
            AddDefaultLibraries(library);
        }

        return library;
    }

    private static void AddDefaultLibraries(ObjectLibrary library)
    {
        foreach (string name in DefaultLibraries)
        {
            try
            {
                library.AddSharedLibrary(name);
            }
            catch (LinkException)
            {
                // Not installed: what needs it will be reported as undefined.
            }
        }
    }

    private void Link(ObjectLibrary library)
    {
        reporter.Progress("linking");
        try
        {
            LoadedUnit? unit = library.Link();
            if (unit is null)
            {
                throw new LinkException(new LinkError(
                    LinkErrorCode.File, new LinkLocation(request.Inputs[0]), "there is no object among the inputs"));
            }

            reporter.Tell($"loaded {unit.Name}");
        }
        catch (LinkException exception) when (StaticTlsTunable.NeededBy(exception) is { } tunables)
        {
            reporter.Tell($"starting again with {StaticTlsTunable.Variable}={tunables}");
            HostedProgram.Restart(StaticTlsTunable.Variable, tunables);
        }
    }

    private ulong FindEntry(ObjectLibrary library) => library.TryGetExport(request.Entry, out nint address)
        ? (ulong)address
        : throw new LinkException(new LinkError(
            LinkErrorCode.Undefined,
            new LinkLocation(request.Inputs[0], Symbol: request.Entry),
            $"no input defines the entry '{request.Entry}'"));
}
