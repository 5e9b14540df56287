using System.Globalization;
using ElfLoader.Memory;
using Microsoft.Win32.SafeHandles;

namespace ElfLoader.Tools.Arguments;

/// <summary>
/// Inputs that can be read only once, for a process that starts itself again: it leaves them to itself in memory files.
/// </summary>
internal static class KeptInputs
{
    /// <summary>Names the files, for each its place among the inputs and its descriptor: "0=7,2=8".</summary>
    private const string Variable = "ELFLOAD_READ_INPUTS";

    /// <summary>Keeps what was read.</summary>
    /// <param name="read">It.</param>
    /// <param name="files">The inputs of the command line.</param>
    /// <exception cref="System.ComponentModel.Win32Exception">There is no memory for it.</exception>
    internal static void Keep(IReadOnlyList<ReadOnceInput> read, IReadOnlyList<string> files)
    {
        List<string> kept = [];
        foreach (ReadOnceInput input in read)
        {
            int place = files.ToList().FindIndex(
                file => file == input.Path || (file is CommandInputs.StandardInput && input.Path is CommandInputs.StandardInputName));
#pragma warning disable CA2000 // it is for the process as it will be
            var file = new MemoryFile("input");
#pragma warning restore CA2000
            file.Write(input.Bytes.Span);
            file.PassOn();
            kept.Add(string.Create(CultureInfo.InvariantCulture, $"{place}={Path.GetFileName(file.Path)}"));
        }

        if (kept.Count > 0)
        {
            HostedProgram.SetVariable(Variable, string.Join(',', kept));
        }
    }

    /// <summary>Takes what this process has left to itself, by places among the inputs. The program sees nothing of it.</summary>
    internal static IReadOnlyDictionary<int, byte[]> Take()
    {
        Dictionary<int, byte[]> inputs = [];
        if (Environment.GetEnvironmentVariable(Variable) is not { } text)
        {
            return inputs;
        }

        HostedProgram.SetVariable(Variable, null);
        foreach (string[] pair in text.Split(',').Select(part => part.Split('=')))
        {
            using var handle = new SafeFileHandle(int.Parse(pair[1], CultureInfo.InvariantCulture), ownsHandle: true);
            byte[] bytes = new byte[RandomAccess.GetLength(handle)];
            _ = RandomAccess.Read(handle, bytes, 0);
            inputs.Add(int.Parse(pair[0], CultureInfo.InvariantCulture), bytes);
        }

        return inputs;
    }
}
