using System.Globalization;
using System.Text.RegularExpressions;

namespace ElfLoader.Tools.Running;

/// <summary>The setting of glibc, read when a process starts, that makes room for initial-exec thread-local storage.</summary>
internal static partial class StaticTlsTunable
{
    /// <summary>The environment variable that holds all such settings, separated by colons.</summary>
    internal const string Variable = "GLIBC_TUNABLES";

    private const string Name = "glibc.rtld.optional_static_tls=";

    /// <summary>The value of the variable with which a load that failed would succeed.</summary>
    /// <returns>Null if the load failed for another reason, or the setting is there and has not helped.</returns>
    internal static string? NeededBy(LinkException exception)
    {
        foreach (LinkError error in exception.Errors)
        {
            if (error.Code is LinkErrorCode.LimitExceeded && Suggestion().Match(error.Message) is { Success: true } match)
            {
                string[] current = (Environment.GetEnvironmentVariable(Variable) ?? "")
                    .Split(':', StringSplitOptions.RemoveEmptyEntries);
                return Array.Exists(current, setting => IsEnough(setting, match.Groups[1].Value))
                    ? null
                    : string.Join(
                        ':', [.. current.Where(setting => !setting.StartsWith(Name, StringComparison.Ordinal)), match.Value]);
            }
        }

        return null;
    }

    private static bool IsEnough(string setting, string needed) =>
        setting.StartsWith(Name, StringComparison.Ordinal)
        && ulong.TryParse(setting.AsSpan(Name.Length), NumberStyles.None, CultureInfo.InvariantCulture, out ulong has)
        && has >= ulong.Parse(needed, NumberStyles.None, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"glibc\.rtld\.optional_static_tls=([0-9]{1,18})")]
    private static partial Regex Suggestion();
}
