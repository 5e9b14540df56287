using ElfLoader.Memory;

namespace ElfLoader;

/// <summary>
/// Files that the members of a thin archive name: each is in memory once, however often it is named, and what is named again and
/// again is refused before it costs many times what it is.
/// </summary>
/// <remarks>Safe for use by many threads.</remarks>
/// <param name="read">Reads a file.</param>
internal sealed class MemberFiles(Func<string, byte[]> read)
{
    private const long AlwaysRepeated = 1 << 20; // bytes

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

            _repeated += bytes.Length;
            return _repeated <= AlwaysRepeated + _distinct
                ? bytes
                : throw new LinkException(
                    LinkErrorCode.LimitExceeded,
                    new LinkLocation(path),
                    $"a thin archive names files of {CountText.Of(_distinct, "byte")} so often that they would be {_distinct + _repeated}");
        }
    }
}
