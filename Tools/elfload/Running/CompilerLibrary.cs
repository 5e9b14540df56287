namespace ElfLoader.Tools.Running;

/// <summary>Finds libgcc.a, which compilers' drivers link to without being asked.</summary>
internal static class CompilerLibrary
{
    private const string Name = "libgcc.a";
    private const string Machine = "x86_64-";

    /// <summary>Where distributions keep it, in folders by target and version; clang's driver looks here, too.</summary>
    private static readonly string[] Folders = ["/usr/lib/gcc", "/usr/lib64/gcc", "/usr/local/lib/gcc", "/usr/local/lib64/gcc"];

    /// <summary>The path of the newest one; null if there is none.</summary>
    internal static string? Find() => (
        from folder in Folders
        from target in FoldersIn(folder)
        where Path.GetFileName(target).StartsWith(Machine, StringComparison.Ordinal)
        from version in FoldersIn(target)
        let path = Path.Combine(version, Name)
        where File.Exists(path)
        orderby VersionOf(Path.GetFileName(version)) descending
        select path).FirstOrDefault();

    private static string[] FoldersIn(string folder)
    {
        try
        {
            return Directory.GetDirectories(folder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Of "12", "13.2.0" or "13-win32".</summary>
    private static Version VersionOf(string text)
    {
        string number = text.Split('-')[0];
        return Version.TryParse(number.Contains('.', StringComparison.Ordinal) ? number : number + ".0", out Version? version)
            ? version
            : new Version(0, 0);
    }
}
