using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>
/// Sections of which one copy is kept, by their name: <c>.gnu.linkonce.KIND.NAME</c>, what compilers made before there were
/// groups, and still is in old objects (i386's <c>__x86.get_pc_thunk.bx</c>).
/// </summary>
/// <remarks>
/// As GNU ld has it (bfd/elflink.c, <c>_bfd_elf_section_already_linked</c>): the first section of a name is kept; a group of
/// one section, whose signature is NAME, stands for such a section if it defines the same symbols, and the other way round;
/// constants (KIND r) go with their functions (KIND t).
/// </remarks>
internal sealed class LinkOnceSections
{
    private readonly Dictionary<ulong, List<(LinkObject File, int Section)>> _byName = [];
    private readonly Dictionary<ulong, List<(LinkObject File, int Section)>> _byKey = [];
    private readonly Dictionary<LinkObject, SectionSymbols> _symbols = [];
    private readonly List<(ulong Hash, LinkObject File, int Section)> _kept = [];

    /// <summary>What their names begin with.</summary>
    internal static ReadOnlySpan<byte> Prefix => ".gnu.linkonce."u8;

    /// <summary>The kinds that functions and variables have.</summary>
    private static ReadOnlySpan<byte> Kinds => "tdrbs"u8;

    /// <summary>The first section of each name, and the hash of the name.</summary>
    internal IReadOnlyList<(ulong Hash, LinkObject File, int Section)> Kept => _kept;

    /// <summary>Discards what other objects, and what is loaded, have already.</summary>
    internal void Decide(LinkObject file, ILinkScope scope, GroupSignatures? groups)
    {
        for (int i = 1; i < file.Sections.Length; i++)
        {
            if (!file.Elf.SectionNameStartsWith(i, Prefix) || file.Sections[i].Fate is SectionFate.Discarded)
            {
                continue;
            }

            ReadOnlySpan<byte> name = file.Elf.SectionName(i);
            ulong hash = NameHash.Of(name);
            if (IsIn(_byName, hash, name) || scope.HasGroup(hash, name))
            {
                file.Sections[i].Fate = SectionFate.Discarded;
                continue;
            }

            ReadOnlySpan<byte> key = KeyOf(name);
            ulong keyHash = NameHash.Of(key);
            if (IsOfGroup(file, i, key, keyHash, groups)
                || (scope.HasGroup(keyHash, key) && IsLoaded(file, i, scope))
                || (IsOfKind(name, (byte)'r') && HasFunctionElsewhere(file, key, keyHash)))
            {
                file.Sections[i].Fate = SectionFate.Discarded;
            }
            else
            {
                _kept.Add((hash, file, i));
            }

            Add(_byName, hash, file, i);
            Add(_byKey, keyHash, file, i);
        }
    }

    /// <summary>Whether a section of another object, or one that is loaded, stands for a group.</summary>
    internal bool Covers(LinkObject file, SectionGroup group, ReadOnlySpan<byte> signature, ulong hash)
    {
        if (_byKey.TryGetValue(hash, out List<(LinkObject File, int Section)>? others) && OnlyMember(file, group) is > 0 and int member)
        {
            foreach ((LinkObject other, int section) in others)
            {
                if (KeyOf(other.Elf.SectionName(section)).SequenceEqual(signature) && DefineTheSame(file, member, other, section))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Whether a section that is loaded stands for a group.</summary>
    internal bool IsLoaded(LinkObject file, SectionGroup group, ReadOnlySpan<byte> signature, ILinkScope scope)
    {
        if (OnlyMember(file, group) is not (> 0 and int member))
        {
            return false;
        }

        byte[] name = [.. Prefix, 0, (byte)'.', .. signature];
        foreach (byte kind in Kinds)
        {
            name[Prefix.Length] = kind;
            if (scope.HasGroup(NameHash.Of(name), name) && IsLoaded(file, member, scope))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>NAME of a section; its whole name where that has no KIND.</summary>
    private static ReadOnlySpan<byte> KeyOf(ReadOnlySpan<byte> name)
    {
        int dot = name[Prefix.Length..].IndexOf((byte)'.');
        return dot < 0 ? name : name[(Prefix.Length + dot + 1)..];
    }

    private static bool IsOfKind(ReadOnlySpan<byte> name, byte kind) =>
        name.Length > Prefix.Length + 1 && name[Prefix.Length] == kind && name[Prefix.Length + 1] is (byte)'.';

    /// <summary>The member of a group of one section, beside the relocations that belong to it; -1 if there are others.</summary>
    private static int OnlyMember(LinkObject file, SectionGroup group)
    {
        int only = -1;
        foreach (int member in file.Elf.Members(group))
        {
            if (file.Elf.Sections[member].Type
                is not (ElfConstants.SHT_REL or ElfConstants.SHT_RELA or ElfConstants.SHT_CREL or ElfConstants.SHT_CREL_LLVM))
            {
                if (only > 0)
                {
                    return -1;
                }

                only = member;
            }
        }

        return only;
    }

    private static bool IsIn(
        Dictionary<ulong, List<(LinkObject File, int Section)>> sections, ulong hash, ReadOnlySpan<byte> name)
    {
        if (sections.TryGetValue(hash, out List<(LinkObject File, int Section)>? same))
        {
            foreach ((LinkObject file, int section) in same)
            {
                if (file.Elf.SectionName(section).SequenceEqual(name))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static void Add(
        Dictionary<ulong, List<(LinkObject File, int Section)>> sections, ulong hash, LinkObject file, int section)
    {
        if (!sections.TryGetValue(hash, out List<(LinkObject File, int Section)>? same))
        {
            sections.Add(hash, same = []);
        }

        same.Add((file, section));
    }

    private bool IsOfGroup(LinkObject file, int section, ReadOnlySpan<byte> key, ulong hash, GroupSignatures? groups)
    {
        if (groups is null || !groups.TryFind(hash, key, out LinkObject? other, out int symbol))
        {
            return false;
        }

        foreach (SectionGroup group in other.Elf.Groups)
        {
            if (group.SignatureSymbol == symbol)
            {
                return OnlyMember(other, group) is > 0 and int member && DefineTheSame(file, section, other, member);
            }
        }

        return false;
    }

    private bool HasFunctionElsewhere(LinkObject file, ReadOnlySpan<byte> key, ulong hash)
    {
        if (_byKey.TryGetValue(hash, out List<(LinkObject File, int Section)>? others))
        {
            foreach ((LinkObject other, int section) in others)
            {
                ReadOnlySpan<byte> name = other.Elf.SectionName(section);
                if (other != file && IsOfKind(name, (byte)'t') && KeyOf(name).SequenceEqual(key))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Whether two sections define symbols of the same names and kinds, and any at all.</summary>
    private bool DefineTheSame(LinkObject left, int leftSection, LinkObject right, int rightSection)
    {
        ReadOnlySpan<int> leftSymbols = SymbolsOf(left)[leftSection];
        ReadOnlySpan<int> rightSymbols = SymbolsOf(right)[rightSection];
        if (leftSymbols.IsEmpty || leftSymbols.Length != rightSymbols.Length)
        {
            return false;
        }

        for (int i = 0; i < leftSymbols.Length; i++) // in the order of their names
        {
            SymbolRecord one = left.Elf.Symbol(leftSymbols[i]);
            SymbolRecord other = right.Elf.Symbol(rightSymbols[i]);
            if (one.Info != other.Info || one.Other != other.Other
                || !left.Elf.SymbolName(leftSymbols[i]).SequenceEqual(right.Elf.SymbolName(rightSymbols[i])))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether the library has all that a section defines, and that is any.</summary>
    private bool IsLoaded(LinkObject file, int section, ILinkScope scope)
    {
        ReadOnlySpan<int> symbols = SymbolsOf(file)[section];
        foreach (int symbol in symbols)
        {
            ReadOnlySpan<byte> name = file.Elf.SymbolName(symbol);
            if (!scope.HasOwn || !scope.FindOwn(NameHash.Of(name), name).Exists)
            {
                return false;
            }
        }

        return !symbols.IsEmpty;
    }

    private SectionSymbols SymbolsOf(LinkObject file)
    {
        if (!_symbols.TryGetValue(file, out SectionSymbols? symbols))
        {
            _symbols.Add(file, symbols = new SectionSymbols(file.Elf));
        }

        return symbols;
    }
}
