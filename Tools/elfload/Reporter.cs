using System.Diagnostics;
using ElfLoader.Tools.Json;

namespace ElfLoader.Tools;

/// <summary>Tells the user what happens, on standard error; and problems as JSON too, where that was asked for.</summary>
/// <remarks>
/// It writes to the stream itself: <see cref="Console"/>'s writers would set the terminal up and handle signals, which
/// belong to the loaded program.
/// </remarks>
internal sealed class Reporter : IDisposable
{
    private const string Red = "\e[1;31m";
    private const string Magenta = "\e[1;35m";
    private const string Plain = "\e[0m";
    private const string ClearLine = "\r\e[K";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(0.5);

    private readonly StreamWriter _error = new(Console.OpenStandardError()) { AutoFlush = true };
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<ErrorJson> _warnings = [];
    private bool _isProgressShown;

    /// <summary>Whether to tell more than is needed.</summary>
    internal bool IsVerbose { get; set; }

    /// <summary>Whether to tell only what failed.</summary>
    internal bool IsQuiet { get; set; }

    /// <summary>Whether to show progress even where nobody waits at a terminal.</summary>
    internal bool ShowsProgress { get; set; }

    /// <summary>Whether text may be coloured, as far as the user and the environment say (no-color.org).</summary>
    internal bool MayColor { get; set; } = Environment.GetEnvironmentVariable("NO_COLOR") is null or "";

    /// <summary>Where problems are written as JSON; null for nowhere.</summary>
    internal JsonTarget? Json { get; set; }

    /// <summary>The warnings given so far.</summary>
    internal IReadOnlyList<ErrorJson> Warnings => _warnings;

    /// <summary>Reports why it cannot go on.</summary>
    internal void Fail(string message) => Fail([new ErrorJson { Message = message }], [message]);

    /// <summary>Reports something that failed though the command went on: the message, and lines that show more.</summary>
    internal void TellFailure(IReadOnlyList<string> lines)
    {
        WriteLine("error", Red, lines[0]);
        foreach (string line in lines.Skip(1))
        {
            _error.WriteLine(TerminalText.Escape(line));
        }
    }

    /// <summary>Reports a defect of the tool itself.</summary>
    internal void Fail(Exception fault)
    {
        string message = $"internal fault, please report it: {fault.Message}";
        Fail([new ErrorJson { Code = "internal", Message = message }], [message, .. fault.ToString().Split('\n')]);
    }

    /// <summary>Reports why it cannot go on.</summary>
    internal void Fail(IReadOnlyList<LinkError> errors) =>
        Fail([.. errors.Select(ErrorJson.Of)], errors.Select(error => error.ToString()));

    /// <summary>Tells something that the user may not have wanted.</summary>
    internal void Warn(string message)
    {
        _warnings.Add(new ErrorJson { Message = message });
        if (!IsQuiet)
        {
            WriteLine("warning", Magenta, message);
        }
    }

    /// <summary>Tells something that only a curious user wants to know.</summary>
    internal void Tell(string message)
    {
        if (IsVerbose)
        {
            ClearProgress();
            _error.WriteLine($"elfload: {_clock.Elapsed.TotalMilliseconds,7:0.0} ms: {message}");
        }
    }

    /// <summary>Tells what is being done, where that takes so long that somebody at a terminal may wonder.</summary>
    internal void Progress(string stage)
    {
        if (ShowsProgress && Console.IsErrorRedirected)
        {
            _error.WriteLine($"elfload: {stage}");
        }
        else if (!Console.IsErrorRedirected && (ShowsProgress || (!IsQuiet && _clock.Elapsed > Patience)))
        {
            _error.Write($"{ClearLine}elfload: {stage}");
            _isProgressShown = true;
        }
    }

    /// <summary>Takes the last sign of progress away.</summary>
    internal void ClearProgress()
    {
        if (_isProgressShown)
        {
            _error.Write(ClearLine);
            _isProgressShown = false;
        }
    }

    /// <summary>Closes its stream.</summary>
    public void Dispose() => _error.Dispose();

    private void Fail(IReadOnlyList<ErrorJson> errors, IEnumerable<string> texts)
    {
        foreach (string text in texts)
        {
            WriteLine("error", Red, text);
        }

        try
        {
            Json?.Write(new ReportJson { Errors = errors, Warnings = _warnings }, JsonFormat.Default.ReportJson);
        }
        catch (CommandLineException exception)
        {
            WriteLine("error", Red, exception.Message);
        }
    }

    private void WriteLine(string kind, string color, string message)
    {
        ClearProgress();
        message = TerminalText.Escape(message);
        bool colored = MayColor && !Console.IsErrorRedirected;
        _error.WriteLine(colored ? $"elfload: {color}{kind}:{Plain} {message}" : $"elfload: {kind}: {message}");
    }
}
