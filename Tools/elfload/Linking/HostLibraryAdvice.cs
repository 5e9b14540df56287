using System.Runtime.InteropServices;

namespace ElfLoader.Tools.Linking;

/// <summary>
/// Tells whoever links for addresses and misses what every program has, <c>printf</c>, why it is not there: <c>run</c> takes such names
/// from the process, images take nothing from the host.
/// </summary>
internal static class HostLibraryAdvice
{
    /// <summary>What a compiler's driver links to without being asked, and the archive for static links.</summary>
    private static readonly (string Library, string Archive)[] Libraries =
        [("libc.so.6", "libc.a"), ("libm.so.6", "libm.a"), ("libstdc++.so.6", "libstdc++.a"), ("libgcc_s.so.1", "libgcc_eh.a")];

    /// <summary>The same failure, with the advice behind the first name that this machine's libraries have; itself if there is none.</summary>
    internal static LinkException AddTo(LinkException exception)
    {
        LinkError[] errors = [.. exception.Errors];
        for (int i = 0; i < errors.Length; i++)
        {
            if (errors[i] is { Code: LinkErrorCode.Undefined, Where.Symbol: { } symbol } && errors[i].Message.EndsWith($"'{symbol}'", StringComparison.Ordinal)
                && ArchiveOf(symbol) is { } archive)
            {
                errors[i] = errors[i] with
                {
                    Message = $"{errors[i].Message}, which this machine's libraries have, but nothing is taken from there: "
                        + $"give the target's library as an archive ({archive}), or an address (--define, --allow-undefined)",
                };
                return new LinkException(exception, errors);
            }
        }

        return exception;
    }

    private static string? ArchiveOf(string symbol)
    {
        foreach ((string library, string archive) in Libraries)
        {
            if (NativeLibrary.TryLoad(library, out nint handle) && NativeLibrary.TryGetExport(handle, symbol, out _))
            {
                return archive;
            }
        }

        return null;
    }
}
