using ElfLoader.Elf;

namespace ElfLoader.Linking;

/// <content>Names with versions (<c>.symver</c>), as static linkers bind them.</content>
/// <remarks>
/// <c>foo@@V</c> defines two names: <c>foo</c> and itself. A reference to <c>foo@V</c> takes a definition of that name, or else
/// <c>foo@@V</c>. All else is as with ordinary names: <c>foo@V</c> is none of <c>foo</c>'s business.
/// </remarks>
internal sealed partial class SymbolResolution
{
    private Dictionary<int, List<(LinkObject File, int Symbol)>>? _versionReferences;

    /// <summary>Adds the global symbols of an object that has names with versions.</summary>
    private void AddVersionedGlobals(LinkObject file)
    {
        Note(file, ObjectParts.Versions);
        SymbolTable symbols = file.Elf.Symbols;
        for (int i = Math.Max(file.Elf.FirstGlobalSymbol, 1); i < symbols.Count; i++)
        {
            SymbolRecord record = symbols[i];
            if (record.Binding is SymbolBinding.Local)
            {
                continue;
            }

            ReadOnlySpan<byte> name = symbols.Name(record);
            VersionedName versioned = VersionedName.Of(name);
            int global = AddGlobal(file, i, record, versioned.IsDefault ? versioned.Name : name);
            file.SetGlobal(i, global);
            if (versioned is { HasVersion: true, IsDefault: false } && !record.IsDefined)
            {
                NoteReference(global, file, i);
            }

            // Room for a common symbol is taken for each name; assemblers do not give versions to such.
            if (versioned is { IsDefault: true, HasVersion: true } && record is { IsDefined: true, IsCommon: false }
                && Symbols[global].Definer == file.Ordinal)
            {
                _ = AddGlobal(file, i, record, name);
            }
        }
    }

    /// <summary>Binds a reference to a version to the definition that is of this version and the default, if there is one.</summary>
    private bool BindToDefaultVersion(int index)
    {
        VersionedName versioned = VersionedName.Of(Symbols.Name(index));
        for (int form = 0; versioned.TryGetDefault(form, out ReadOnlySpan<byte> name); form++)
        {
            if (TryBindTo(index, name))
            {
                return true;
            }
        }

        // What a unit must not take from the host it does not take from there with a version, either.
        return versioned.HasVersion && TryBindToSynthetic(index, versioned.Name);
    }

    /// <summary>Lets a name stand for what another one stands for.</summary>
    private bool TryBindTo(int index, ReadOnlySpan<byte> name)
    {
        ref LinkSymbol symbol = ref Symbols[index];
        ulong hash = NameHash.Of(name);
        int found = Symbols.Find(name);
        if (found >= 0 && Symbols[found].State is SymbolState.Weak or SymbolState.Strong)
        {
            Merge(index, found);
            return true;
        }

        if (_scope.HasOwn && _scope.FindOwn(hash, name) is { Exists: true } own)
        {
            Bind(ref symbol, own, isOwn: true);
            return true;
        }

        if (IsVisibleOutside(symbol) && _scope.FindLinked(hash, name) is { Exists: true } linked)
        {
            Bind(ref symbol, linked, isOwn: false);
            return true;
        }

        return false;
    }

    private void NoteReference(int global, LinkObject file, int symbol)
    {
        _versionReferences ??= [];
        if (!_versionReferences.TryGetValue(global, out List<(LinkObject File, int Symbol)>? references))
        {
            _versionReferences.Add(global, references = []);
        }

        references.Add((file, symbol));
    }

    /// <summary>Has all that refers to one name refer to another one; nobody has the first any more.</summary>
    private void Merge(int index, int into)
    {
        ref LinkSymbol symbol = ref Symbols[index];
        symbol.IsWanted = false;
        Symbols[into].Visibility = MoreConstraining(Symbols[into].Visibility, symbol.Visibility);
        if (_versionReferences?.Remove(index, out List<(LinkObject File, int Symbol)>? references) is true)
        {
            foreach ((LinkObject file, int reference) in references)
            {
                file.SetGlobal(reference, into);
            }
        }
    }
}
