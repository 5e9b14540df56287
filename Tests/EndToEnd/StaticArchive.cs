namespace ElfLoader.Tests.EndToEnd;

/// <summary>Paths of the static libraries of the machine.</summary>
internal static class StaticArchive
{
    /// <summary>Path of a library as the C compiler finds it, such as <c>libz.a</c>.</summary>
    public static string Find(string file) => Command.Check("gcc-12", [$"-print-file-name={file}"]).Trim();
}
