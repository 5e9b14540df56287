using System.Diagnostics;
using System.Globalization;

namespace ElfLoader.Fuzz.Mutating;

/// <summary>Puts files through in children, one each, to see what becomes of the child: of mutants that kill or stop a worker.</summary>
internal sealed class Trial
{
    /// <summary>What a child whose file breaks another promise, or none, ends with.</summary>
    internal const int Finding = 3;

    /// <summary>What a child prints when it begins with the file: until then it starts, which may take long on a busy machine.</summary>
    internal const string Begins = "begins";

    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(2);

    private readonly string _program;
    private readonly string _root;
    private readonly string _folder;
    private readonly TimeSpan _patience;

    /// <summary>Prepares.</summary>
    /// <param name="program">The tool's assembly.</param>
    /// <param name="root">Folder of the run: the seeds are there.</param>
    /// <param name="folder">Where files are put for the children.</param>
    /// <param name="patience">After how long a child hangs.</param>
    internal Trial(string program, string root, string folder, TimeSpan patience)
    {
        _program = program;
        _root = root;
        _folder = folder;
        _patience = patience;
    }

    /// <summary>How a child ends that is given a file.</summary>
    /// <returns><c>crash</c>, <c>hang</c>, or null if it lives.</returns>
    internal string? End(byte[] file, long number)
    {
        string path = Path.Combine(_folder, "trial.bin");
        File.WriteAllBytes(path, file);
        var start = new ProcessStartInfo("dotnet",
            [_program, "trial", "--output", _root, "--file", path, "--number", number.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process child = Process.Start(start)!;
        _ = child.StandardError.ReadToEndAsync();
        Task<string?> first = child.StandardOutput.ReadLineAsync();
        if (!first.Wait(StartPatience) || first.Result is not Begins)
        {
            child.Kill(entireProcessTree: true);
            throw new InvalidOperationException($"no trial begins: {_program}");
        }

        if (child.WaitForExit(_patience))
        {
            return child.ExitCode is 0 or Finding ? null : "crash";
        }

        child.Kill(entireProcessTree: true);
        child.WaitForExit();
        return "hang";
    }
}
