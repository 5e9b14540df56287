using System.Runtime.InteropServices;

namespace ElfLoader.Memory;

/// <summary>A symbol that a loaded module defines for others.</summary>
/// <param name="Name">Which of the names that were looked for it has.</param>
/// <param name="Module">Address that the module's symbols are relative to, which tells modules apart.</param>
/// <param name="Address">Where it is.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Type"><c>STT_*</c>.</param>
/// <param name="Binding"><c>STB_*</c>.</param>
public readonly record struct ModuleSymbol(int Name, ulong Module, ulong Address, ulong Size, byte Type, byte Binding);

/// <summary>Whether a variable is the one that is wanted.</summary>
/// <param name="name">Its name in UTF-8.</param>
/// <param name="size">Its size in bytes.</param>
public delegate bool VariableTest(ReadOnlySpan<byte> name, ulong size);

/// <summary>
/// Looks names up in the dynamic symbol tables of all modules of the process at once, whatever scope they were opened in: the
/// program and each of its shared libraries.
/// </summary>
/// <remarks>
/// It costs some microseconds for the modules and some nanoseconds for each name in each of them, where the dynamic linker takes
/// a microsecond for a name that nobody defines. Not thread-safe.
/// </remarks>
public sealed unsafe partial class ModuleSymbols
{
    private byte[] _names = new byte[256];
    private readonly List<Wanted> _wanted = [];
    private int _used;

    private struct Wanted
    {
        internal int Start;
        internal int Length;
        internal uint GnuHash;
        internal uint Hash;
    }

    private struct Search
    {
        internal byte* Names;
        internal Wanted* Wanted;
        internal int Count;
        internal ModuleSymbol* Found;
        internal int Room;
        internal int FoundCount;
    }

    private struct Imports
    {
        internal byte* Text;
        internal int Room;
        internal int Used;
    }

    private struct NamedModule
    {
        internal ulong Base;
        internal ModuleTables Tables;
    }

    /// <summary>Adds a name to look for; it is copied.</summary>
    /// <returns>Its number.</returns>
    public int Add(ReadOnlySpan<byte> name)
    {
        if (name.Length > _names.Length - _used)
        {
            Array.Resize(ref _names, Math.Max(_names.Length * 2, _used + name.Length));
        }

        name.CopyTo(_names.AsSpan(_used));
        _wanted.Add(new Wanted
        {
            Start = _used,
            Length = name.Length,
            GnuHash = ModuleTables.GnuHashOf(name),
            Hash = ModuleTables.HashOf(name),
        });
        _used += name.Length;
        return _wanted.Count - 1;
    }

    /// <summary>Looks all names up.</summary>
    /// <returns>Their definitions, module after module in the order in which these were loaded.</returns>
    public IReadOnlyList<ModuleSymbol> Find()
    {
        Span<Wanted> wanted = CollectionsMarshal.AsSpan(_wanted);
        var found = new ModuleSymbol[Math.Max(8, wanted.Length * 2)];
        while (!wanted.IsEmpty)
        {
            fixed (byte* names = _names)
            fixed (Wanted* first = wanted)
            fixed (ModuleSymbol* room = found)
            {
                var search = new Search { Names = names, Wanted = first, Count = wanted.Length, Found = room, Room = found.Length };
                _ = IterateHeaders(&Visit, &search); // modules stay while it looks
                if (search.FoundCount <= found.Length)
                {
                    return found[..search.FoundCount];
                }

                found = new ModuleSymbol[search.FoundCount];
            }
        }

        return [];
    }

    /// <summary>Whether a module defines a variable, of strong binding, that passes a test.</summary>
    /// <param name="module">Of <see cref="ModuleSymbol.Module"/>; the caller sees to it that it stays loaded.</param>
    /// <param name="test">The test.</param>
    public static bool AnyVariable(ulong module, VariableTest test)
    {
        ArgumentNullException.ThrowIfNull(test);
        var named = new NamedModule { Base = module };
        return IterateHeaders(&VisitNamed, &named) is not 0 && named.Tables.AnyVariable(test);
    }

    /// <summary>The names that the modules of the process import: what each of them is bound to, others define.</summary>
    public static IReadOnlySet<string> ImportedNames()
    {
        byte[] text = new byte[1 << 16];
        while (true)
        {
            fixed (byte* room = text)
            {
                var imports = new Imports { Text = room, Room = text.Length };
                _ = IterateHeaders(&VisitImports, &imports);
                if (imports.Used <= text.Length)
                {
                    return System.Text.Encoding.UTF8.GetString(room, imports.Used)
                        .Split('\0', StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal);
                }

                text = new byte[imports.Used];
            }
        }
    }

    [UnmanagedCallersOnly]
    private static int VisitImports(DynamicLinker.ModuleInfo* module, nuint size, void* data)
    {
        var imports = (Imports*)data;
        if (ModuleTables.TryRead(module, out ModuleTables tables))
        {
            for (uint i = 1; i < tables.ImportCount; i++)
            {
                ReadOnlySpan<byte> name = tables.Import(i);
                if (name.Length < imports->Room - imports->Used)
                {
                    name.CopyTo(new Span<byte>(imports->Text + imports->Used, name.Length));
                    imports->Text[imports->Used + name.Length] = 0;
                }

                imports->Used += name.Length + 1;
            }
        }

        return 0;
    }

    [UnmanagedCallersOnly]
    private static int Visit(DynamicLinker.ModuleInfo* module, nuint size, void* data)
    {
        var search = (Search*)data;
        if (!ModuleTables.TryRead(module, out ModuleTables tables))
        {
            return 0;
        }

        for (int i = 0; i < search->Count; i++)
        {
            Wanted* wanted = search->Wanted + i;
            DynamicLinker.SymbolRecord* symbol = tables.Find(
                new ReadOnlySpan<byte>(search->Names + wanted->Start, wanted->Length), wanted->GnuHash, wanted->Hash);
            if (symbol is null)
            {
                continue;
            }

            if (search->FoundCount < search->Room)
            {
                search->Found[search->FoundCount] = new ModuleSymbol(
                    i,
                    module->Base,
                    module->Base + symbol->Value,
                    symbol->Size,
                    (byte)(symbol->Info & 0xf),
                    (byte)(symbol->Info >> 4));
            }

            search->FoundCount++;
        }

        return 0;
    }

    [UnmanagedCallersOnly]
    private static int VisitNamed(DynamicLinker.ModuleInfo* module, nuint size, void* data)
    {
        var named = (NamedModule*)data;
        return module->Base == named->Base && ModuleTables.TryRead(module, out named->Tables) ? 1 : 0;
    }

    [LibraryImport("libc.so.6", EntryPoint = "dl_iterate_phdr")]
    private static partial int IterateHeaders(delegate* unmanaged<DynamicLinker.ModuleInfo*, nuint, void*, int> visit, void* data);
}
