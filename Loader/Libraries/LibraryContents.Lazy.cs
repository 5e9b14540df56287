using System.Text;
using ElfLoader.Linking;
using ElfLoader.Memory;
using ElfLoader.Redirection;

namespace ElfLoader.Libraries;

/// <content>Functions whose code comes when they are called.</content>
internal sealed partial class LibraryContents
{
    /// <summary>Adds lazy functions.</summary>
    /// <exception cref="LinkException">There is a definition of one of the names; nothing has changed.</exception>
    internal void DefineLazy(ObjectLibrary library, LazyDefinition lazy)
    {
        CallResolution.Install();
        List<CallEntry> entries = [];
        lock (_gate)
        {
            RefuseIfClosed();
            foreach (byte[] name in lazy.NameBytes)
            {
                if (_definitions.Find(NameHash.Of(name), name) is { Exists: true, Entry: not { Target: 0 } } other)
                {
                    throw new LinkException(
                        LinkErrorCode.Duplicate,
                        new LinkLocation(library.Name, Symbol: Encoding.UTF8.GetString(name)),
                        $"it is defined already by {other.Provider}");
                }
            }

            ClaimEntries(library, lazy, entries);

            lazy.Attach(entries); // before anybody can call it: the functions may have been lazy already
            foreach (CallEntry entry in entries)
            {
                entry.Lazy = lazy;
                library.Entries.Settle(entry, isPublished: true);
                byte[] name = Encoding.UTF8.GetBytes(entry.Name);
                _definitions.Set(NameHash.Of(name), name, LazyDefinition.DefinitionOf(entry));
            }

            Count(new ContentsChanges(1, 0));
        }
    }

    /// <summary>Makes the entries of lazy functions, all of them or none.</summary>
    private void ClaimEntries(ObjectLibrary library, LazyDefinition lazy, List<CallEntry> entries)
    {
        try
        {
            foreach (byte[] name in lazy.NameBytes)
            {
                entries.Add(library.Entries.Claim(NameHash.Of(name), name, LastPool, out _));
            }
        }
        catch (Exception exception)
        {
            entries.ForEach(entry => library.Entries.Settle(entry, isPublished: false));
            if (exception is not MemoryException)
            {
                throw;
            }

            throw new LinkException(
                exception, [new LinkError(LinkErrorCode.LimitExceeded, new LinkLocation(library.Name), exception.Message)]);
        }
    }

    /// <summary>Takes lazy functions back that have no code.</summary>
    internal void ForgetLazy()
    {
        lock (_gate)
        {
            foreach ((string text, Definition definition) in _definitions.All().ToArray())
            {
                if (definition is { Unit: null, Entry: { } entry })
                {
                    byte[] name = Encoding.UTF8.GetBytes(text);
                    entry.Lazy = null;
                    _definitions.Remove(NameHash.Of(name), name);
                }
            }
        }
    }
}
