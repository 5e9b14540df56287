using System.Diagnostics;
using ElfLoader.Tools.Json;
using ElfLoader.Tools.Output;

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

    private readonly StreamWriter? _error = Open();
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

    /// <summary>How text is made fit for people.</summary>
    internal TerminalText Text { get; set; } = TerminalText.Demangling;

    /// <summary>Where problems are written as JSON; null for nowhere.</summary>
    internal JsonTarget? Json { get; set; }

    /// <summary>The warnings given so far.</summary>
    internal IReadOnlyList<ErrorJson> Warnings => _warnings;

    /// <summary>Whether something could not be told: standard error is closed, or cannot take more.</summary>
    internal bool HasLostMessages { get; private set; }

    /// <summary>Reports why it cannot go on.</summary>
    internal void Fail(string message) => Fail([new ErrorJson { Message = message }], [message]);

    /// <summary>Reports something that failed though the command went on: the message, and lines that show more.</summary>
    internal void TellFailure(IReadOnlyList<string> lines)
    {
        WriteLine("error", Red, lines[0]);
        foreach (string line in lines.Skip(1))
        {
            Put($"{TerminalText.Escape(line)}\n");
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
        Fail([.. errors.Select(ErrorJson.Of)], LinkErrorText.Lines(errors, Text.Demangles));

    /// <summary>Tells something that the user may not have wanted.</summary>
    internal void Warn(string message)
    {
        _warnings.Add(new ErrorJson { Message = message });
        if (!IsQuiet)
        {
            WriteLine("warning", Magenta, Text.Name(message));
        }
    }

    /// <summary>Tells something that only a curious user wants to know.</summary>
    internal void Tell(string message)
    {
        if (IsVerbose)
        {
            ClearProgress();
            Put($"elfload: {_clock.Elapsed.TotalMilliseconds,7:0.0} ms: {TerminalText.Escape(message)}\n");
        }
    }

    /// <summary>Tells what is being done, where that takes so long that somebody at a terminal may wonder.</summary>
    internal void Progress(string stage)
    {
        if (ShowsProgress && Console.IsErrorRedirected)
        {
            Put($"elfload: {TerminalText.Escape(stage)}\n");
        }
        else if (!Console.IsErrorRedirected && (ShowsProgress || (!IsQuiet && _clock.Elapsed > Patience)))
        {
            Put($"{ClearLine}elfload: {TerminalText.Escape(stage)}");
            _isProgressShown = true;
        }
    }

    /// <summary>Takes the last sign of progress away.</summary>
    internal void ClearProgress()
    {
        if (_isProgressShown)
        {
            Put(ClearLine);
            _isProgressShown = false;
        }
    }

    /// <summary>Closes its stream.</summary>
    public void Dispose()
    {
        try
        {
            _error?.Dispose();
        }
        catch (Exception exception) when (WritingFault.Is(exception))
        {
            // It has been noticed when it was written to.
        }
    }

    private static StreamWriter? Open()
    {
        try
        {
            return new StreamWriter(Console.OpenStandardError()) { AutoFlush = true };
        }
        catch (Exception exception) when (WritingFault.Is(exception))
        {
            return null;
        }
    }

    /// <summary>Writes text. That it cannot be written can be told to nobody, but by the status.</summary>
    private void Put(string text)
    {
        try
        {
            _error?.Write(text);
            HasLostMessages |= _error is null;
        }
        catch (Exception exception) when (WritingFault.Is(exception))
        {
            HasLostMessages = true;
        }
    }

    private void Fail(IReadOnlyList<ErrorJson> errors, IReadOnlyList<string> texts)
    {
        foreach (string text in texts)
        {
            WriteLine("error", Red, text);
        }

        try
        {
            Json?.Write(new ReportJson { Errors = errors, Warnings = _warnings }, JsonFormat.Default.ReportJson);
        }
        catch (ClosedOutputException)
        {
            // Whoever asked for it does not read it.
        }
        catch (LinkException exception)
        {
            // Where that is what has failed already, it has been told.
            if (!texts.Contains(exception.Message))
            {
                WriteLine("error", Red, exception.Message);
            }
        }
    }

    private void WriteLine(string kind, string color, string message)
    {
        ClearProgress();
        message = TerminalText.Escape(message);
        bool colored = MayColor && !Console.IsErrorRedirected;
        Put(colored ? $"elfload: {color}{kind}:{Plain} {message}\n" : $"elfload: {kind}: {message}\n");
    }
}
