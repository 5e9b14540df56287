using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace ElfLoader.Memory;

/// <summary>What the host's dynamic linker tells about an address.</summary>
/// <param name="Library">Path of the library that holds it.</param>
/// <param name="LibraryStart">Address at which that library is loaded.</param>
/// <param name="Symbol">The nearest exported symbol at or below the address, if there is one.</param>
/// <param name="SymbolAddress">Address of that symbol; 0 without one.</param>
/// <param name="SymbolType"><c>STT_*</c> of that symbol.</param>
/// <param name="SymbolSize">Its size in bytes.</param>
public readonly record struct HostAddress(
    string Library, ulong LibraryStart, string? Symbol, ulong SymbolAddress, byte SymbolType, ulong SymbolSize);

/// <summary>
/// The host's dynamic linker: libraries, symbols and where they came from. All members may be called from any thread.
/// </summary>
public static unsafe partial class DynamicLinker
{
    private const int Now = 2; // RTLD_NOW; without RTLD_GLOBAL the library is searched only through its handle
    private const int SymbolEntry = 1; // RTLD_DL_SYMENT
    private const int LongestOnStack = 512; // bytes of a name and a version, with their zeros

    /// <summary>The handle that searches the program and everything loaded with it (<c>RTLD_DEFAULT</c>).</summary>
    public const ulong Process = 0;

    /// <summary>Opens a shared library, or finds the one that is open.</summary>
    /// <param name="path">A path, or a name for the system's search.</param>
    /// <param name="error">The dynamic linker's words, where it could not.</param>
    /// <param name="prepare">
    /// Called right before a library is mapped that is not open yet; its result is disposed right after. Nothing is compiled or
    /// bound in between, for which the runtime would map memory.
    /// </param>
    /// <returns>A handle; 0 where the library could not be opened.</returns>
    public static ulong Open(string path, out string error, Func<IDisposable>? prepare = null)
    {
        if (SystemFaults.Fails("dlopen"))
        {
            error = $"{path}: cannot open shared object file: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}";
            return 0;
        }

        // Binding a function to be called looks it up with the dynamic linker, which then forgets its last error. So the one
        // that tells the error is called before, and nothing else between the two that could have to be bound.
        const int onlyIfOpen = 4; // RTLD_NOLOAD
        fixed (byte* name = Encoding.UTF8.GetBytes(path + "\0"))
        {
            nint handle = prepare is null ? 0 : OpenLibrary(name, Now | onlyIfOpen);
            _ = LastError();
            nint words = 0;
            if (handle is 0)
            {
                using IDisposable? prepared = prepare?.Invoke();
                handle = OpenLibrary(name, Now);
                words = handle is 0 ? LastError() : 0;
            }

            error = handle is not 0 ? "" : Marshal.PtrToStringUTF8(words) ?? "unknown error";
            return (ulong)handle;
        }
    }

    /// <summary>Makes a library that is open already stay so.</summary>
    /// <param name="path">Its path, as <see cref="TryDescribe"/> gives it.</param>
    /// <returns>A handle; 0 for the program itself, and for what is not open.</returns>
    public static ulong Keep(string path)
    {
        const int onlyIfOpen = 4; // RTLD_NOLOAD
        return path.Length is 0 ? 0 : OpenLibrary(path, Now | onlyIfOpen);
    }

    /// <summary>The handle of the program itself, which searches what <see cref="Process"/> does: <c>dlopen(NULL)</c>.</summary>
    public static ulong OpenProgram() => (ulong)OpenLibrary((byte*)null, Now);

    /// <summary>Closes a library opened by <see cref="Open"/>.</summary>
    public static void Close(ulong library) => _ = CloseLibrary((nint)library);

    /// <summary>Looks a symbol up; makes no string and, for usual names, no allocation.</summary>
    /// <param name="library">A handle of <see cref="Open"/>, or <see cref="Process"/>.</param>
    /// <param name="name">The name in UTF-8, without NUL.</param>
    /// <param name="version">The version that is wanted (<c>dlvsym</c>); empty for the default.</param>
    /// <returns>
    /// Its address (an IFUNC is resolved; of a thread-local symbol, the calling thread's instance), or 0.
    /// </returns>
    public static ulong Find(ulong library, ReadOnlySpan<byte> name, ReadOnlySpan<byte> version = default)
    {
        if (name.Contains((byte)0) || version.Contains((byte)0))
        {
            return 0; // C would look for what is before it.
        }

        int length = name.Length + version.Length + 2; // with the zeros
        byte[]? rented = length > LongestOnStack ? ArrayPool<byte>.Shared.Rent(length) : null;
        Span<byte> text = rented ?? stackalloc byte[LongestOnStack];
        name.CopyTo(text);
        text[name.Length] = 0;
        version.CopyTo(text[(name.Length + 1)..]);
        text[length - 1] = 0;
        ulong address;
        fixed (byte* start = text)
        {
            address = (ulong)(version.IsEmpty
                ? FindSymbol((nint)library, start)
                : FindVersion((nint)library, start, start + name.Length + 1));
        }

        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return address;
    }

    /// <summary>Tells which library, and which of its exported symbols, an address lies in.</summary>
    /// <returns>False for an address that is in no library, such as that of a thread-local variable.</returns>
    public static bool TryDescribe(ulong address, out HostAddress found)
    {
        AddressInfo info;
        SymbolRecord* symbol = null;
        if (FindAddress((nint)address, &info, &symbol, SymbolEntry) is 0)
        {
            found = default;
            return false;
        }

        bool known = info.SymbolName is not 0 && symbol is not null;
        found = new HostAddress(
            Marshal.PtrToStringUTF8(info.FileName) ?? "",
            (ulong)info.Start,
            known ? Marshal.PtrToStringUTF8(info.SymbolName) : null,
            known ? (ulong)info.SymbolAddress : 0,
            known ? (byte)(symbol->Info & 0xf) : (byte)0,
            known ? symbol->Size : 0);
        return true;
    }

    /// <summary>Finds the module whose thread-local block, in the calling thread, holds an address.</summary>
    /// <param name="address">Address of a thread-local variable, as the calling thread sees it.</param>
    /// <param name="module">Module number, as the host's <c>__tls_get_addr</c> takes it.</param>
    /// <param name="start">Address of the block.</param>
    public static bool TryFindThreadBlock(ulong address, out ulong module, out ulong start)
    {
        var search = new BlockSearch { Address = address };
        bool found = IterateHeaders(&Visit, &search) is not 0;
        (module, start) = (search.Module, search.Start);
        return found;
    }

    /// <summary>Calls nothing native after <c>dlopen</c>, as marshalling the string would.</summary>
    private static ulong OpenLibrary(string path, int flags)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes(path + "\0"))
        {
            return (ulong)OpenLibrary(name, flags);
        }
    }

    [UnmanagedCallersOnly]
    private static int Visit(ModuleInfo* module, nuint size, void* data)
    {
        const uint ThreadLocal = 7; // PT_TLS
        var search = (BlockSearch*)data;
        if (size < (nuint)sizeof(ModuleInfo) || module->ThreadBlock is 0)
        {
            return 0;
        }

        for (int i = 0; i < module->HeaderCount; i++)
        {
            ProgramHeader* header = module->Headers + i;
            if (header->Type is ThreadLocal && search->Address - module->ThreadBlock < header->MemorySize)
            {
                search->Module = module->ThreadModule;
                search->Start = module->ThreadBlock;
                return 1;
            }
        }

        return 0;
    }

    [LibraryImport("libc.so.6", EntryPoint = "dlopen")]
    private static partial nint OpenLibrary(byte* path, int flags);

    [LibraryImport("libc.so.6", EntryPoint = "dlclose")]
    private static partial int CloseLibrary(nint library);

    [LibraryImport("libc.so.6", EntryPoint = "dlerror")]
    private static partial nint LastError();

    [LibraryImport("libc.so.6", EntryPoint = "dlsym")]
    private static partial nint FindSymbol(nint library, byte* name);

    [LibraryImport("libc.so.6", EntryPoint = "dlvsym")]
    private static partial nint FindVersion(nint library, byte* name, byte* version);

    [LibraryImport("libc.so.6", EntryPoint = "dladdr1")]
    private static partial int FindAddress(nint address, AddressInfo* info, SymbolRecord** symbol, int flags);

    [LibraryImport("libc.so.6", EntryPoint = "dl_iterate_phdr")]
    private static partial int IterateHeaders(delegate* unmanaged<ModuleInfo*, nuint, void*, int> visit, void* data);

#pragma warning disable CS0649 // The C library fills these.
    private struct AddressInfo // Dl_info
    {
        public nint FileName;
        public nint Start;
        public nint SymbolName;
        public nint SymbolAddress;
    }

    internal struct SymbolRecord // Elf64_Sym
    {
        public uint Name;
        public byte Info;
        public byte Other;
        public ushort Section;
        public ulong Value;
        public ulong Size;
    }

    internal struct ProgramHeader // Elf64_Phdr
    {
        public uint Type;
        public uint Flags;
        public ulong Offset;
        public ulong Address;
        public ulong PhysicalAddress;
        public ulong FileSize;
        public ulong MemorySize;
        public ulong Alignment;
    }

    internal struct ModuleInfo // dl_phdr_info
    {
        public ulong Base;
        public nint Name;
        public ProgramHeader* Headers;
        public ushort HeaderCount;
        public ulong Added;
        public ulong Removed;
        public ulong ThreadModule;
        public ulong ThreadBlock;
    }
#pragma warning restore CS0649

    private struct BlockSearch
    {
        public ulong Address;
        public ulong Module;
        public ulong Start;
    }
}
