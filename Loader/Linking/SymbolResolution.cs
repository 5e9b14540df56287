using System.Numerics;
using System.Runtime.InteropServices;
using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <summary>
/// Decides, for each name, which definition prevails, as a static linker does (gABI, "Symbol Table"): strong over
/// common over weak, the first of equals, COMDAT groups once.
/// </summary>
internal sealed partial class SymbolResolution
{
    private readonly ILinkScope _scope;
    private readonly LinkErrors _errors;
    private SharedArray<SectionPlace> _sections;
    private SharedArray<BoundSymbol> _bound;
    private readonly List<LinkObject> _objects = [];
    private readonly List<Definition> _outside = new(capacity: 1); // a small object has few
    private List<SyntheticSymbol>? _synthetic;
    private int _expectedGroups;
    private SharedArray<int> _globals;
    private GroupSignatures? _groups;
    private LinkOnceSections? _linkOnce;

    /// <param name="scope">What the objects are linked into.</param>
    /// <param name="errors">Where errors are noted.</param>
    internal SymbolResolution(ILinkScope scope, LinkErrors errors)
    {
        _scope = scope;
        _errors = errors;
        Symbols = new LinkSymbols(_objects);
    }

    /// <summary>Takes the objects of a link.</summary>
    /// <param name="inputs">The objects.</param>
    /// <param name="mostBoundAtOnce">If they have more symbols than that together, these are bound when they are needed.</param>
    /// <exception cref="LinkException">One of them cannot be part of the link.</exception>
    internal void Begin(ReadOnlySpan<ElfObject> inputs, int mostBoundAtOnce = int.MaxValue)
    {
        int names = 0;
        int sections = 0;
        int symbols = 0;
        int groups = 0;
        foreach (ElfObject elf in inputs)
        {
            Check(elf);
            names += elf.SymbolCount - elf.FirstGlobalSymbol;
            sections += elf.Sections.Length;
            symbols += Math.Max(elf.SymbolCount, 1);
            groups += elf.Groups.Length;
        }

        BindsLate = symbols > mostBoundAtOnce;
        (Parts, MostSymbols, MostLoadedSections, HasVagueVariables, HasVagueThreadLocals) = (ObjectParts.None, 0, 0, false, false);
        _sections.Expect(sections);
        _bound.Expect(symbols);
        _globals.Expect(names);
        _expectedGroups = inputs.Length is 1 ? groups : groups / 3;
        _ = _objects.EnsureCapacity(inputs.Length);
        Symbols.Begin(names, isOne: inputs.Length is 1);
        const int ahead = 3; // objects: while these are added, memory has the time to answer
        for (int i = 0; i < inputs.Length; i++)
        {
            if (inputs.Length - i > ahead)
            {
                inputs[i + ahead].Prefetch();
            }

            Add(inputs[i]);
        }
    }

    /// <summary>Forgets all of a link, so that there can be another one.</summary>
    internal void Clear()
    {
        _objects.Clear();
        _outside.Clear();
        (_synthetic, _groups, _linkOnce, _versionReferences, _shared) = (null, null, null, null, null);
    }

    /// <summary>Whether the objects' symbols are bound when they are needed.</summary>
    internal bool BindsLate { get; private set; }

    /// <summary>The names.</summary>
    internal LinkSymbols Symbols { get; }

    /// <summary>The objects given and those pulled from archives, in the order of linking.</summary>
    internal List<LinkObject> Objects => _objects;

    /// <summary>The same, until one is added.</summary>
    internal ReadOnlySpan<LinkObject> ObjectSpan => CollectionsMarshal.AsSpan(_objects);

    /// <summary>What of the extraordinary any of the objects has.</summary>
    internal ObjectParts Parts { get; private set; }

    /// <summary>Symbols of the object that has most.</summary>
    internal int MostSymbols { get; private set; }

    /// <summary>Sections that may be loaded of the object that has most.</summary>
    internal int MostLoadedSections { get; private set; }

    /// <summary>The objects if any of them has something out of the ordinary, not all of them; none if no object has.</summary>
    internal ReadOnlySpan<LinkObject> ObjectsIfAny(ObjectParts parts) => (Parts & parts) == 0 ? [] : ObjectSpan;

    /// <summary>Notes that an object has a part.</summary>
    internal void Note(LinkObject file, ObjectParts part)
    {
        file.Parts |= part;
        Parts |= part;
    }

    /// <summary>The signatures of the groups that are kept.</summary>
    internal ReadOnlySpan<(ulong Hash, int Object, int Symbol)> Groups => _groups is null ? [] : _groups.All;

    /// <summary>The sections that are kept of those of which one copy is, by name.</summary>
    internal IReadOnlyList<(ulong Hash, LinkObject File, int Section)> LinkOnce => _linkOnce?.Kept ?? [];

    /// <summary>What an <see cref="LinkSymbol.Outside"/> refers to.</summary>
    internal Definition Outside(in LinkSymbol symbol) => _outside[symbol.Outside - 1];

    /// <summary>Finds the next common symbol that needs room; those that ask for the impossible are reported.</summary>
    /// <param name="index">Where to go on from, 0 at first; then one more than the symbol's index.</param>
    /// <param name="errors">Where to report.</param>
    /// <param name="alignment">Its alignment.</param>
    internal bool TryNextCommon(ref int index, LinkErrors errors, out ulong alignment)
    {
        for (; index < Symbols.Count; index++)
        {
            if (Symbols[index].State is not SymbolState.Common)
            {
                continue;
            }

            alignment = Math.Max(Symbols[index].Alignment, 1);
            if (BitOperations.IsPow2(alignment))
            {
                index++;
                return true;
            }

            errors.Add(
                LinkErrorCode.Malformed,
                new LinkLocation(_objects[Symbols[index].Definer].Elf.Name, Symbol: Symbols.Text(index)),
                $"common symbol '{Symbols.Text(index)}' asks for an alignment of {alignment}, which is no power of two");
        }

        alignment = 0;
        return false;
    }

    /// <summary>Whether a name is bound to something outside that is known to be code, so that a stub may stand for it.</summary>
    internal bool IsOutsideFunction(int index)
    {
        ref LinkSymbol symbol = ref Symbols[index];
        if (symbol.State is not SymbolState.External || (symbol.Traits & SymbolTraits.Tls) != 0)
        {
            return false;
        }

        if ((symbol.Traits & SymbolTraits.Function) == 0 && _scope.IsFunction(Symbols.Name(index), Outside(symbol)))
        {
            symbol.Traits = (symbol.Traits & ~SymbolTraits.Data) | SymbolTraits.Function;
        }

        return (symbol.Traits & SymbolTraits.Function) != 0;
    }

    /// <inheritdoc cref="ILinkScope.HiddenScope"/>
    internal string HiddenScope => _scope.HiddenScope;

    /// <inheritdoc cref="ILinkScope.IsKnown"/>
    internal bool IsKnownOutside(ReadOnlySpan<byte> name) => _scope.IsKnown(name);

    /// <inheritdoc cref="ILinkScope.Names"/>
    internal IEnumerable<(string Name, string? HiddenIn)> NamesOutside() => _scope.Names();

    /// <summary>Who provides what a name is bound to.</summary>
    internal string DescribeOutside(int index) => _scope.Describe(Outside(Symbols[index]));

    /// <summary>What a <see cref="LinkSymbol.Synthetic"/> refers to.</summary>
    internal SyntheticSymbol Synthetic(in LinkSymbol symbol) => _synthetic![symbol.Synthetic - 1];

    /// <summary>Pulls the archive members that define names which nothing need refer to.</summary>
    internal void Require(IReadOnlyList<byte[]> names)
    {
        for (int i = 0; i < names.Count; i++)
        {
            Require(names[i]);
        }
    }

    /// <summary>Pulls the archive member that defines a name which nothing refers to: the entry of a program.</summary>
    internal void Require(ReadOnlySpan<byte> name)
    {
        int index = Symbols.Find(name);
        if ((index < 0 || Symbols[index].State is SymbolState.Undefined) && _scope.FindInArchives(name) is { } member)
        {
            Pull(member);
        }
    }

    /// <summary>Searches for what the objects lack, pulling archive members until nothing more is wanted.</summary>
    internal void Resolve()
    {
        bool grown;
        do
        {
            grown = false;
            for (int i = 0; i < Symbols.Count; i++)
            {
                if (Symbols[i] is { State: SymbolState.Undefined, IsWanted: true } && !BindToLinked(i)
                    && _scope.FindInArchives(Symbols.Name(i)) is { } member)
                {
                    Pull(member);
                    grown = true;
                }
            }
        }
        while (grown);

        for (int i = 0; i < Symbols.Count; i++)
        {
            if (Symbols[i].State is SymbolState.Undefined && !BindToLinked(i) && !BindToGrown(i))
            {
                BindOutside(i);
            }
        }
    }

    private bool BindToLinked(int index)
    {
        ref LinkSymbol symbol = ref Symbols[index];
        ReadOnlySpan<byte> name = Symbols.Name(index);
        if (symbol.Synthetic is not 0)
        {
            return true;
        }

        if (IsVisibleOutside(symbol) && _scope.FindLinked(symbol.Hash, name) is { Exists: true } definition)
        {
            Bind(ref symbol, definition, isOwn: false);
            return true;
        }

        return TryBindToSynthetic(index, name) || ((Parts & ObjectParts.Versions) != 0 && BindToDefaultVersion(index));
    }

    private bool TryBindToSynthetic(int index, ReadOnlySpan<byte> name)
    {
        if (_scope.FindSynthetic(name, _objects) is { } synthetic)
        {
            (_synthetic ??= []).Add(synthetic);
            Symbols[index].Synthetic = _synthetic.Count;
            return true;
        }

        return false;
    }

    private void BindOutside(int index)
    {
        ref LinkSymbol symbol = ref Symbols[index];
        if (IsVisibleOutside(symbol)
            && _scope.FindOutside(Symbols.Name(index), symbol.Type) is { Exists: true } definition)
        {
            Bind(ref symbol, definition, isOwn: false);
        }
    }

    /// <summary>A hidden or internal reference must be satisfied within the library.</summary>
    private static bool IsVisibleOutside(in LinkSymbol symbol) =>
        symbol.Visibility is SymbolVisibility.Default or SymbolVisibility.Protected;

    private void Bind(ref LinkSymbol symbol, in Definition definition, bool isOwn)
    {
        _outside.Add(definition);
        symbol.State = SymbolState.External;
        symbol.Outside = _outside.Count;
        symbol.IsOwn = isOwn;
        symbol.Size = definition.Size;
        symbol.Type = definition.Type;
    }

    private void Pull(ElfObject member)
    {
        Check(member);
        Add(member);
    }

    /// <summary>
    /// Says that archives have members that are of no use to a linker: their index may not tell what these define.
    /// </summary>
    internal void ReportIntermediateCode()
    {
        if (_scope.FindInArchives(IntermediateCode.SlimSymbol) is { HasIntermediateCodeOnly: true } member)
        {
            _errors.Add(UnsupportedConstruct.IntermediateCode.At(new LinkLocation(member.Name)));
        }
    }

    private void Check(ElfObject elf)
    {
        _scope.Check(elf);
        if (elf.HasIntermediateCodeOnly)
        {
            throw new LinkException(UnsupportedConstruct.IntermediateCode.At(new LinkLocation(elf.Name)));
        }
    }

    private void Add(ElfObject elf)
    {
        var file = new LinkObject(elf, _objects.Count, ref _sections, ref _bound, ref _globals, BindsLate);
        _objects.Add(file);
        SectionSelection.Decide(file, _errors, _scope.Target);
        Note(file, file.Parts);
        MostSymbols = Math.Max(MostSymbols, file.SymbolCount);
        MostLoadedSections = Math.Max(MostLoadedSections, file.LoadedSections.Length);
        DiscardGroups(file);
        if ((file.Parts & ObjectParts.LinkOnce) != 0)
        {
            (_linkOnce ??= new LinkOnceSections()).Decide(file, _scope, _groups);
        }

        if (elf.MayHaveVersions)
        {
            AddVersionedGlobals(file);
            return;
        }

        SymbolTable symbols = elf.Symbols;
        for (int i = Math.Max(elf.FirstGlobalSymbol, 1); i < symbols.Count; i++)
        {
            SymbolRecord record = symbols[i];
            if (record.Binding is not SymbolBinding.Local)
            {
                file.SetGlobal(i, AddGlobal(file, i, record, symbols.Name(record)));
            }
        }
    }

    private void DiscardGroups(LinkObject file)
    {
        foreach (SectionGroup group in file.Elf.Groups)
        {
            if (!group.IsComdat)
            {
                continue;
            }

            ReadOnlySpan<byte> signature = GroupSignatures.Signature(file.Elf, group.SignatureSymbol);
            ulong hash = NameHash.Of(signature);
            _groups ??= new GroupSignatures(_objects, _expectedGroups);
            if (!_scope.HasGroup(hash, signature) && _groups.Add(hash, file.Ordinal, group.SignatureSymbol, signature)
                && !IsLinkOnce(file, group, signature, hash))
            {
                continue;
            }

            foreach (int section in file.Elf.Members(group))
            {
                file.Sections[section].Fate = SectionFate.Discarded; // debugging information, too: an image has it
            }
        }
    }

    /// <summary>Whether a section that is no group stands for one.</summary>
    private bool IsLinkOnce(LinkObject file, SectionGroup group, ReadOnlySpan<byte> signature, ulong hash) =>
        (_linkOnce is not null && _linkOnce.Covers(file, group, signature, hash))
        || (_scope.HasLinkOnce && (_linkOnce ??= new LinkOnceSections()).IsLoaded(file, group, signature, _scope));

    private int AddGlobal(LinkObject file, int index, in SymbolRecord record, ReadOnlySpan<byte> name)
    {
        int before = Symbols.Count;
        int id = Symbols.Intern(file, record.NameOffset, name);
        ref LinkSymbol symbol = ref Symbols[id];
        if (id == before && _scope.HasOwn
            && _scope.FindOwn(symbol.Hash, name) is { Exists: true } own)
        {
            BindToOwn(id, own);
        }

        symbol.Visibility = MoreConstraining(symbol.Visibility, record.Visibility);
        bool isDiscarded = record.Place is SymbolPlace.Section
            && file.Sections[record.Section].Fate is SectionFate.Discarded;
        NoteCopy(ref symbol, record);
        if (record.Place is SymbolPlace.Undefined || isDiscarded)
        {
            symbol.IsWanted |= record.Binding is not SymbolBinding.Weak || isDiscarded;
            if (symbol.Type is SymbolType.NoType)
            {
                symbol.Type = record.Type;
            }

            return id;
        }

        Define(ref symbol, file, index, record);
        return id;
    }
}
