using ElfLoader.Memory;

namespace ElfLoader;

/// <summary>
/// Files that the members of a thin archive, or linker scripts, name: each is in memory once, however often it is named, and what is
/// named again and again is refused before it costs many times what it is.
/// </summary>
/// <remarks>Safe for use by many threads.</remarks>
/// <param name="read">Reads a file.</param>
/// <param name="who">Who names them, for messages.</param>
internal sealed class MemberFiles(Func<string, byte[]> read, string who = "a thin archive names files")
{
    private const long AlwaysRepeated = 1 << 20; // bytes
    private const int LeastCost = 64; // bytes: the smallest file has to be told apart, too

    private readonly Lock _lock = new();
    private readonly Dictionary<string, byte[]> _files = [];
    private long _distinct;
    private long _repeated;

    /// <summary>Reads a file, unless it has been read.</summary>
    /// <exception cref="LinkException">The same files are named too often.</exception>
    internal byte[] Read(string path)
    {
        string key = RealPath.Of(path) ?? path;
        lock (_lock)
        {
            if (!_files.TryGetValue(key, out byte[]? bytes))
            {
                bytes = read(path);
                _files.Add(key, bytes);
                _distinct += bytes.Length;
                return bytes;
            }

            _repeated += Math.Max(bytes.Length, LeastCost);
            return _repeated <= AlwaysRepeated + _distinct
                ? bytes
                : throw new LinkException(
                    LinkErrorCode.LimitExceeded,
                    new LinkLocation(path),
                    $"{who} of {CountText.Of(_distinct, "byte")} so often that they would be {_distinct + _repeated}");
        }
    }
}
