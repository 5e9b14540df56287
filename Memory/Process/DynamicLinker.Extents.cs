using System.Runtime.InteropServices;

namespace ElfLoader.Memory;

/// <content>Where libraries lie.</content>
public static unsafe partial class DynamicLinker
{
    /// <summary>The addresses of the library that holds an address, from its first byte to its last; empty if none does.</summary>
    /// <remarks>The gaps between its segments belong to it.</remarks>
    public static AddressRange ExtentOf(ulong address)
    {
        var search = new ExtentSearch { Address = address };
        return IterateHeaders(&VisitExtent, &search) is not 0 ? search.Extent : default;
    }

    /// <summary>The addresses of an open library, from its first byte to its last; empty if they can't be told.</summary>
    /// <param name="library">A handle of <see cref="Open"/>.</param>
    public static AddressRange ExtentOfLibrary(ulong library)
    {
        const int linkMap = 2; // RTLD_DI_LINKMAP
        LinkMapHead* map = null;
        return GetInformation((nint)library, linkMap, &map) is 0 && map is not null ? ExtentOf((ulong)map->Dynamic) : default;
    }

    [LibraryImport("libc.so.6", EntryPoint = "dlinfo")]
    private static partial int GetInformation(nint library, int request, void* result);

    [UnmanagedCallersOnly]
    private static int VisitExtent(ModuleInfo* module, nuint size, void* data)
    {
        const uint load = 1; // PT_LOAD
        var search = (ExtentSearch*)data;
        AddressRange extent = default;
        for (int i = 0; i < module->HeaderCount; i++)
        {
            ProgramHeader* header = module->Headers + i;
            if (header->Type is load)
            {
                ulong start = Layout.AlignDown(module->Base + header->Address, Layout.PageSize);
                extent = extent.Join(new AddressRange(start, module->Base + header->Address + header->MemorySize));
            }
        }

        search->Extent = extent;
        return extent.Contains(search->Address) ? 1 : 0;
    }

#pragma warning disable CS0649 // The C library fills it.
    private struct LinkMapHead // struct link_map
    {
        public nint Base;
        public nint Name;
        public nint Dynamic;
    }
#pragma warning restore CS0649

    private struct ExtentSearch
    {
        public ulong Address;
        public AddressRange Extent;
    }
}
