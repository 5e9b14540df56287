using System.Text;
using ElfLoader.Memory;
using ElfLoader.Tools.Arguments;
using ElfLoader.Tools.Json;

namespace ElfLoader.Tools.Running;

/// <summary>Loads a program into this process and becomes it.</summary>
/// <param name="request">What to run, and how.</param>
/// <param name="inputs">Its inputs, read.</param>
/// <param name="reporter">What tells people.</param>
internal sealed class ProgramRun(RunRequest request, InputFiles inputs, Reporter reporter)
{
    private bool _hasCompilerLibrary;

    /// <summary>Does not return where the program is started: it ends the process.</summary>
    /// <exception cref="LinkException">It cannot be loaded.</exception>
    internal int Run()
    {
        StaticTlsTunable.Hide();
        ObjectLibrary library = Prepare();
        ulong start = ProgramStart.Load();
        ProgramThreads threads = HostedProgram.Prepare(library.Arguments);
        SignalDispositions.RestoreDefaults(); // from here on, the program's initializers run
        ulong entry = Link(library);
        if (request.Runner is not null)
        {
            reporter.Warn("--runner is not used: the objects are for this machine");
        }

        if (request.Map is { } map)
        {
            new JsonTarget(map).Write(LinkMapJson.Of(LinkMap.Of(library.Units, entry)), JsonFormat.Default.LinkMapJson);
        }

        reporter.Json?.Write(
            new ReportJson { Entry = AddressText.Format(entry), Warnings = reporter.Warnings },
            JsonFormat.Default.ReportJson);
        reporter.Tell($"calling {request.Entry} at {AddressText.Format(entry)}");
        reporter.ClearProgress();

        HostedProgram.Start(start, entry, library.Arguments, threads);
        return 0;
    }

    private ObjectLibrary Prepare()
    {
        var library = new ObjectLibrary("program", new ObjectLibraryOptions
        {
            ReadLimits = request.Limits,
            UseHostProcess = request.UsesHost,
            AllowUndefined = request.Image.AllowUndefined,
            UndefinedAddress = request.Image.UndefinedAddress,
            Arguments = request.Arguments,
        });
        foreach ((string name, DefinedSymbol definition) in request.Image.Definitions)
        {
            if (definition.Thumb is not null)
            {
                throw new CommandLineException(
                    $"--define: '{name}' names an instruction set, which only ARM programs have");
            }

            library.DefineAbsolute(name, definition.Address, SymbolDefinition.Option);
        }

        foreach (string name in request.Image.RequiredSymbols)
        {
            library.Require(name);
        }

        AddInputs(library);
        reporter.Tell($"read {string.Join(", ", request.Inputs)}");
        foreach (string file in request.Libraries)
        {
            AddLibrary(library, file);
        }

        if (request.UsesHost)
        {
            AddDefaultLibraries(library);
        }

        return library;
    }

    private void AddInputs(ObjectLibrary library)
    {
        try
        {
            library.Add(inputs);
        }
        catch (LinkException exception) when (SharedLibraryAdvice.ForInput(exception, inputs.Objects) is { } advised)
        {
            throw advised;
        }
    }

    private void AddLibrary(ObjectLibrary library, string file)
    {
        try
        {
            library.AddSharedLibrary(file);
        }
        catch (LinkException exception) when (SharedLibraryAdvice.ForOption(exception, file, inputs.Objects) is { } advised)
        {
            throw advised;
        }
    }

    private static void AddDefaultLibraries(ObjectLibrary library)
    {
        foreach (string name in HostImports.DefaultLibraries)
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

    /// <summary>
    /// Adds the compiler's library where it has what a link lacked. Its symbols are hidden in what they are linked to, so the
    /// host has not got them; but few programs need it, and all would have to read it.
    /// </summary>
    private bool TryAddCompilerLibrary(ObjectLibrary library, LinkException exception)
    {
        if (!request.UsesHost || _hasCompilerLibrary || CompilerLibrary.Find() is not { } path)
        {
            return false;
        }

        var archive = new InputFiles();
        archive.Add(path);
        _hasCompilerLibrary = exception.Errors.Any(error => error is { Code: LinkErrorCode.Undefined, Where.Symbol: { } symbol }
            && archive.Archives.Any(candidate => candidate.TryFind(Encoding.UTF8.GetBytes(symbol), out _)));
        if (_hasCompilerLibrary)
        {
            reporter.Tell($"searching {path}, too");
            library.Add(archive);
        }

        return _hasCompilerLibrary;
    }

    /// <summary>Gives the entry's address.</summary>
    private ulong Link(ObjectLibrary library)
    {
        reporter.Progress("linking");
        try
        {
            if (library.LinkProgram(request.Entry, out nint entry) is { } unit)
            {
                reporter.Tell($"loaded {unit.Name}");
                foreach (string warning in unit.Warnings)
                {
                    reporter.Warn(warning);
                }
            }

            return entry is not 0
                ? (ulong)entry
                : throw new LinkException(new LinkError(
                    LinkErrorCode.Undefined,
                    new LinkLocation("", Symbol: request.Entry),
                    request.NoEntry(LinkMap.Of(library.Units).Symbols.Select(symbol => symbol.Name))));
        }
        catch (LinkException exception) when (TryAddCompilerLibrary(library, exception))
        {
            return Link(library);
        }
        catch (LinkException exception) when (StaticTlsTunable.NeededBy(exception) is { } setting)
        {
            reporter.Tell($"starting again with {setting}");
            KeptInputs.Keep(inputs.ReadOnce, request.Inputs);
            StaticTlsTunable.Restart(setting);
            throw;
        }
    }
}
