using System.Runtime.InteropServices;
using System.Text;

namespace ElfLoader.Memory;

/// <summary>
/// argc, argv, envp and the auxiliary vector, as C's <c>main</c> and initializers find them: one behind the other, in the
/// order of the System V ABI's "Process Initialization".
/// </summary>
/// <remarks>
/// The strings of argv are copies, those of envp the process's own. The auxiliary vector is the process's: it describes the
/// program that the system started. Native code may keep pointers into it: dispose it when that code is gone.
/// </remarks>
public sealed partial class NativeArguments : IDisposable
{
    private const int LastAuxiliaryType = 63; // the kernel's AT_* end below

    private static readonly MadeOnce<nint[]> AuxiliaryVector = new(ReadAuxiliaryVector);

    private static readonly MadeOnce<HostVariable> EnvironmentVariable =
        new(static () => new HostVariable(DynamicLinker.Find(DynamicLinker.Process, "environ"u8)));

    private NativeBlock? _block;

    /// <summary>Copies the strings as UTF-8, and takes the environment as it is.</summary>
    public NativeArguments(IReadOnlyList<string> arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        Count = arguments.Count;
        byte[][] texts = [.. arguments.Select(static argument => Encoding.UTF8.GetBytes(argument + "\0"))];
        nint[] variables = ReadEnvironment();
        nint[] auxiliary = AuxiliaryVector.Value;

        // argc first, and argv behind it as on the stack; the strings of argv at the end, without gaps.
        int words = 1 + Count + 1 + variables.Length + 1 + auxiliary.Length;
        _block = new NativeBlock(checked((words * nint.Size) + texts.Sum(text => text.Length)));
        Span<nint> vector = MemoryMarshal.Cast<byte, nint>(_block.Bytes[..(words * nint.Size)]);
        vector[0] = Count;
        int end = words * nint.Size;
        for (int i = 0; i < Count; i++)
        {
            vector[1 + i] = (nint)_block.Address + end;
            texts[i].CopyTo(_block.Bytes[end..]);
            end += texts[i].Length;
        }

        variables.CopyTo(vector[(Count + 2)..]);
        auxiliary.CopyTo(vector[^auxiliary.Length..]);
    }

    /// <summary>argc.</summary>
    public int Count { get; }

    /// <summary>argv: an array of pointers that ends with a null pointer; envp and the auxiliary vector follow.</summary>
    public nint Vector
    {
        get
        {
            ObjectDisposedException.ThrowIf(_block is null, this);
            return (nint)_block.Address + nint.Size;
        }
    }

    /// <summary>
    /// envp, an array of pointers that ends with a null pointer: the one behind argv as long as it has what the process's
    /// environment has, later that environment itself, as it is now.
    /// </summary>
    public nint Environment
    {
        get
        {
            nint own = Vector + ((Count + 1) * nint.Size);
            nint current = CurrentEnvironment;
            return current == own || HasSameVariables(own, current) ? own : current;
        }
    }

    /// <summary>Makes this the process's environment, which it is to a program that the system starts with it.</summary>
    /// <remarks>It must not be disposed from then on.</remarks>
    internal void BecomeEnvironment()
    {
        if (EnvironmentVariable.Value.Address is var variable and not 0)
        {
            NativeBytes.StoreWord(variable, (ulong)Environment);
        }
    }

    /// <summary>Frees the copies.</summary>
    public void Dispose()
    {
        _block?.Dispose();
        _block = null;
    }

    /// <summary>The process's environment as it is now; 0 if it has none.</summary>
    private static nint CurrentEnvironment => EnvironmentVariable.Value.Address is var variable and not 0 ? WordAt((nint)variable, 0) : 0;

    private static nint[] ReadEnvironment()
    {
        List<nint> variables = [];
        nint environment = CurrentEnvironment;
        while (environment is not 0 && WordAt(environment, variables.Count) is var variable and not 0)
        {
            variables.Add(variable);
        }

        return [.. variables];
    }

    /// <summary>Compares strings by address: the environment's are not freed, and may be changed where they are.</summary>
    private static bool HasSameVariables(nint one, nint other)
    {
        int i = 0;
        while (other is not 0 && WordAt(one, i) == WordAt(other, i))
        {
            if (WordAt(one, i++) is 0)
            {
                return true;
            }
        }

        return other is 0 && WordAt(one, 0) is 0;
    }

    private static nint WordAt(nint vector, int index) => (nint)NativeBytes.LoadWord((ulong)(vector + (index * nint.Size)));

    /// <summary>Types and values, AT_NULL last, as the system gave them.</summary>
    private static nint[] ReadAuxiliaryVector()
    {
        try
        {
            return MemoryMarshal.Cast<byte, nint>(File.ReadAllBytes("/proc/self/auxv")).ToArray();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return AskForAuxiliaryVector(); // of a process that must not be looked at, the file is the superuser's
        }
    }

    /// <summary>What the C library has of it, which differs in what it has found out itself about the processor.</summary>
    private static nint[] AskForAuxiliaryVector()
    {
        const int noEntry = 2; // ENOENT
        List<nint> vector = [];
        for (nint type = 1; type <= LastAuxiliaryType; type++)
        {
            nint value = AuxiliaryValue(type);
            if (value is not 0 || Marshal.GetLastPInvokeError() is not noEntry)
            {
                vector.AddRange([type, value]);
            }
        }

        return [.. vector, 0, 0];
    }

    /// <summary>A variable of the C library.</summary>
    /// <param name="Address">Where it is; 0 if there is none.</param>
    private sealed record HostVariable(ulong Address);

    [LibraryImport("libc.so.6", EntryPoint = "getauxval", SetLastError = true)]
    private static partial nint AuxiliaryValue(nint type);
}
