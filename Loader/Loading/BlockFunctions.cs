using ElfLoader.Linking;

namespace ElfLoader.Loading;

/// <summary>A function of the host that hands blocks of memory across: the caller releases what it allocates, or the reverse.</summary>
/// <param name="Family">What allocates and releases the blocks.</param>
/// <param name="Transfer">Which way they go.</param>
internal readonly record struct BlockFunction(AllocationFamily Family, BlockTransfer Transfer);

/// <summary>
/// The functions of the C and the C++ library that hand blocks across: a closed list. Of most functions a caller never sees a
/// block (<c>fopen</c>, <c>qsort</c>, the output of <c>std::cout</c>): what they allocate, they release.
/// </summary>
internal static class BlockFunctions
{
    /// <summary>Functions of the C library, and of libstdc++ for C++'s run time, that return a block which is to be passed to free.</summary>
    private static readonly string[] Giving =
    [
        // strings: ISO C 7.26.2, POSIX, GNU
        "strdup", "__strdup", "strndup", "__strndup", "wcsdup",
        "asprintf", "vasprintf", "__asprintf", "__asprintf_chk", "__vasprintf_chk", "obstack_printf", "open_memstream", "open_wmemstream",

        // paths: where they are given no buffer
        "realpath", "__realpath_chk", "canonicalize_file_name", "get_current_dir_name", "getcwd", "__getcwd_chk", "tempnam",

        // lists
        "scandir", "scandir64", "scandirat", "scandirat64", "backtrace_symbols",
        "argz_create", "argz_create_sep",
    ];

    /// <summary>Functions that call realloc or free on a block of the caller's, and may allocate it.</summary>
    private static readonly string[] GivingAndTaking =
    [
        "getline", "getdelim", "__getdelim", // *lineptr
        "argz_add", "argz_add_sep", "argz_append", "argz_insert", "argz_replace", "argz_delete", "envz_add", "envz_merge", "envz_remove",
        "__cxa_demangle", // its buffer
    ];

    private static readonly Dictionary<ulong, BlockFunction> Named = MakeNamed();

    /// <summary>Whether a function of the host hands blocks across.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="function">What it does.</param>
    internal static bool TryFind(ReadOnlySpan<byte> name, out BlockFunction function)
    {
        if (Named.TryGetValue(NameHash.Of(name), out function))
        {
            return true;
        }

        if (name.StartsWith("_Z"u8) && IsOfStrings(name))
        {
            function = new BlockFunction(AllocationFamily.Single, BlockTransfer.Gives | BlockTransfer.Takes);
            return true;
        }

        return false;
    }

    /// <summary>
    /// Whether a function of libstdc++ allocates or releases the characters of a string, or the parts of a path, that the
    /// caller's own code releases or allocates: the classes are templates, of which some functions are in the library and the
    /// others in each object (Itanium C++ ABI, "Mangling").
    /// </summary>
    private static bool IsOfStrings(ReadOnlySpan<byte> name)
    {
        bool isConstant = name.StartsWith("_ZNK"u8);
        ReadOnlySpan<byte> of = name.StartsWith("_ZTV"u8) || name.StartsWith("_ZTT"u8) || isConstant ? name[4..]
            : name.StartsWith("_ZN"u8) ? name[3..]
            : [];
        ReadOnlySpan<byte> inner = of.StartsWith("St7__cxx11"u8) ? of["St7__cxx11"u8.Length..]
            : of.StartsWith("NSt7__cxx11"u8) ? of["NSt7__cxx11"u8.Length..] // of a table
            : of.StartsWith("St"u8) ? of[2..]
            : [];
        if (inner.StartsWith("12basic_string"u8) || of.StartsWith("Ss"u8) || of.StartsWith("Sb"u8))
        {
            return !isConstant || name.IndexOf("6substr"u8) >= 0; // what only looks at a string hands nothing across
        }

        return inner.StartsWith("15basic_stringbuf"u8) || inner.StartsWith("18basic_stringstream"u8)
            || inner.StartsWith("19basic_istringstream"u8) || inner.StartsWith("19basic_ostringstream"u8)
            || inner.StartsWith("10filesystem"u8)
            || name.IndexOf("B5cxx11"u8) >= 0 // returns a string
            || ((name.StartsWith("_ZSt7getline"u8) || name.StartsWith("_ZStrs"u8) || name.StartsWith("_ZStpl"u8))
                && (name.IndexOf("12basic_string"u8) >= 0 || name.IndexOf("RSbI"u8) >= 0 || name.IndexOf("ESs"u8) >= 0));
    }

    private static Dictionary<ulong, BlockFunction> MakeNamed()
    {
        Dictionary<ulong, BlockFunction> named = [];
        foreach (AllocationFamily family in AllocationFamily.All)
        {
            Add(named, family.Allocating, family, BlockTransfer.Gives);
            Add(named, family.Releasing, family, BlockTransfer.Takes);
        }

        Add(named, Giving, AllocationFamily.C, BlockTransfer.Gives);
        Add(named, GivingAndTaking, AllocationFamily.C, BlockTransfer.Gives | BlockTransfer.Takes);
        return named;
    }

    private static void Add(
        Dictionary<ulong, BlockFunction> named, string[] names, AllocationFamily family, BlockTransfer transfer)
    {
        foreach (string name in names)
        {
            ulong hash = NameHash.Of(System.Text.Encoding.ASCII.GetBytes(name));
            named[hash] = new BlockFunction(family, transfer | named.GetValueOrDefault(hash).Transfer);
        }
    }
}
