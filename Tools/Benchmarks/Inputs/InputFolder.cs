using System.Security.Cryptography;
using System.Text;

namespace ElfLoader.Benchmarks.Inputs;

/// <summary>Folders for what is generated or extracted once and used by later runs, too.</summary>
internal static class InputFolder
{
    // Each clone of the repository has its own, because it holds what was built from its sources.
    private static readonly string Root = Path.Combine(
        Path.GetTempPath(),
        $"elfloader-benchmarks-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Repository.Root)))[..8]}");

    /// <summary>A folder; it is created.</summary>
    public static string Of(string name) => Directory.CreateDirectory(Path.Combine(Root, name)).FullName;

    /// <summary>A folder that is filled once.</summary>
    public static string Filled(string name, Action<string> fill)
    {
        string folder = Path.Combine(Root, name);
        if (!Directory.Exists(folder))
        {
            string unfinished = Of($"{name}.unfinished");
            Directory.Delete(unfinished, recursive: true);
            fill(Directory.CreateDirectory(unfinished).FullName);
            Directory.Move(unfinished, folder);
        }

        return folder;
    }
}
