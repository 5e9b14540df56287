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

    private struct ExtentSearch
    {
        public ulong Address;
        public AddressRange Extent;
    }
}
