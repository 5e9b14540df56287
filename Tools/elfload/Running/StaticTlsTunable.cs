using System.Text.RegularExpressions;
using ElfLoader.Memory;

namespace ElfLoader.Tools.Running;

/// <summary>
/// The setting of glibc that makes room for thread-local storage at a fixed distance from the thread pointer. It is read
/// when a process starts, so a program that needs more room is started a second time.
/// </summary>
internal static partial class StaticTlsTunable
{
    /// <summary>The environment variable that holds all settings of this kind, separated by colons.</summary>
    private const string Variable = "GLIBC_TUNABLES";

    /// <summary>Holds, in a process that was started again, what the user had set.</summary>
    private const string UsersVariable = "ELFLOAD_GLIBC_TUNABLES";

    private const string Name = "glibc.rtld.optional_static_tls=";

    private static bool _isSecondStart;

    /// <summary>Gives a process that was started again the environment that the user gave it.</summary>
    internal static void Hide()
    {
        if (Environment.GetEnvironmentVariable(UsersVariable) is not { } users)
        {
            return;
        }

        _isSecondStart = true;
        // Setting it makes .NET keep a copy, in which the loader still reads how much room there is.
        Environment.SetEnvironmentVariable(Variable, Environment.GetEnvironmentVariable(Variable));
        HostedProgram.SetVariable(Variable, users.Length > 0 ? users : null);
        HostedProgram.SetVariable(UsersVariable, null);
    }

    /// <summary>The setting with which a load that failed would succeed.</summary>
    /// <returns>Null if the load failed for another reason, or the setting was made and has not helped.</returns>
    internal static string? NeededBy(LinkException exception) => _isSecondStart
        ? null
        : exception.Errors
            .Where(error => error.Code is LinkErrorCode.LimitExceeded)
            .Select(error => Suggestion().Match(error.Message))
            .FirstOrDefault(match => match.Success)?.Value;

    /// <summary>Starts the process again with a setting.</summary>
    /// <exception cref="IOException">The system refused.</exception>
    internal static void Restart(string setting)
    {
        string users = Environment.GetEnvironmentVariable(Variable) ?? "";
        IEnumerable<string> others = users.Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Where(other => !other.StartsWith(Name, StringComparison.Ordinal));
        HostedProgram.SetVariable(Variable, string.Join(':', [.. others, setting]));
        HostedProgram.SetVariable(UsersVariable, users);
        HostedProgram.Restart();
    }

    [GeneratedRegex(@"glibc\.rtld\.optional_static_tls=[0-9]+")]
    private static partial Regex Suggestion();
}
