using System.Globalization;

namespace ElfLoader.Memory;

/// <summary>How a mapping may be used.</summary>
[Flags]
public enum MappingAccess
{
    /// <summary>Reserved.</summary>
    None = 0,

    /// <summary>Readable.</summary>
    Read = 1,

    /// <summary>Writable.</summary>
    Write = 2,

    /// <summary>Executable.</summary>
    Execute = 4,

    /// <summary>Shared with whoever maps the same file; private if not set.</summary>
    Shared = 8,
}

/// <summary>One line of <c>/proc/PID/maps</c>.</summary>
/// <param name="Start">First address.</param>
/// <param name="End">Address after the last.</param>
/// <param name="Access">Permissions.</param>
/// <param name="Offset">Bytes into the file.</param>
/// <param name="Path">The file, a name in brackets (<c>[stack]</c>), or empty.</param>
public readonly record struct ProcessMapping(
    ulong Start, ulong End, MappingAccess Access, ulong Offset, string Path)
{
    /// <summary>Its addresses.</summary>
    public AddressRange Range => new(Start, End);

    /// <summary>Whether it is both writable and executable, which nothing here ever is.</summary>
    public bool IsWritableAndExecutable => Access.HasFlag(MappingAccess.Write | MappingAccess.Execute);
}

/// <summary>Reads the kernel's list of a process's mappings (Linux).</summary>
public static class ProcessMaps
{
    /// <summary>The mappings of this process, by ascending address: a snapshot, stale as soon as it is seen.</summary>
    /// <exception cref="MemoryException">The system does not tell.</exception>
    public static IReadOnlyList<ProcessMapping> Read()
    {
        try
        {
            return SystemFaults.Fails("open")
                ? throw new IOException("/proc/self/maps cannot be opened", System.Runtime.InteropServices.Marshal.GetLastPInvokeError())
                : Parse(File.ReadLines("/proc/self/maps"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new MemoryException($"The system does not tell what is mapped: {exception.Message}", exception)
            {
                Error = exception is IOException ? exception.HResult & 0xffff : 0, // .NET puts errno there
            };
        }
    }

    /// <summary>Reads lines of <c>/proc/PID/maps</c>.</summary>
    /// <exception cref="FormatException">A line is not of that form.</exception>
    public static IReadOnlyList<ProcessMapping> Parse(IEnumerable<string> lines)
    {
        var mappings = new List<ProcessMapping>();
        foreach (string line in lines)
        {
            mappings.Add(ParseLine(line));
        }

        return mappings;
    }

    // 7f5c2a000000-7f5c2a021000 rw-p 00000000 00:00 0                          [heap]
    private static ProcessMapping ParseLine(ReadOnlySpan<char> line)
    {
        ReadOnlySpan<char> rest = line;
        ReadOnlySpan<char> range = NextWord(ref rest);
        ReadOnlySpan<char> access = NextWord(ref rest);
        ReadOnlySpan<char> offset = NextWord(ref rest);
        _ = NextWord(ref rest); // device
        _ = NextWord(ref rest); // inode
        int dash = range.IndexOf('-');
        if (dash < 0 || access.Length != 4)
        {
            throw new FormatException($"Not a line of /proc/PID/maps: {line}");
        }

        return new ProcessMapping(
            Hexadecimal(range[..dash]),
            Hexadecimal(range[(dash + 1)..]),
            ParseAccess(access),
            Hexadecimal(offset),
            rest.TrimStart(' ').ToString());
    }

    private static ReadOnlySpan<char> NextWord(ref ReadOnlySpan<char> rest)
    {
        rest = rest.TrimStart(' ');
        int end = rest.IndexOf(' ');
        end = end < 0 ? rest.Length : end;
        ReadOnlySpan<char> word = rest[..end];
        rest = rest[end..];
        return word;
    }

    private static ulong Hexadecimal(ReadOnlySpan<char> digits) =>
        ulong.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static MappingAccess ParseAccess(ReadOnlySpan<char> letters) =>
        (letters[0] is 'r' ? MappingAccess.Read : 0)
        | (letters[1] is 'w' ? MappingAccess.Write : 0)
        | (letters[2] is 'x' ? MappingAccess.Execute : 0)
        | (letters[3] is 's' ? MappingAccess.Shared : 0);
}
