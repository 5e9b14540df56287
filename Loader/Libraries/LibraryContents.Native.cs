using System.Text;
using ElfLoader.DynamicLinking;
using ElfLoader.Linking;

namespace ElfLoader.Libraries;

/// <content>What native code knows of a library.</content>
internal sealed partial class LibraryContents
{
    /// <summary>Makes what it holds known to native code, and from then on what comes and goes.</summary>
    internal void MakeKnown(LibraryNames names)
    {
        lock (_gate)
        {
            _definitions.Native = names.Table;
            foreach ((string name, Definition definition) in _definitions.All())
            {
                names.Table.Set(Encoding.UTF8.GetBytes(name), definition);
            }

            foreach (LoadedUnit unit in (IEnumerable<LoadedUnit>)[.. _units.From(0), .. _retired.From(0), .. _superseded.From(0)])
            {
                LinkerInterface.Complete(unit);
            }
        }
    }

    /// <summary>Hides all names from native code, and the units if that does not look any more.</summary>
    internal void Hide(bool hidesUnits)
    {
        lock (_gate)
        {
            _definitions.Native?.Clear();
            _definitions.Native = null;
            IEnumerable<LoadedUnit> hidden = hidesUnits ? [.. _units.From(0), .. _retired.From(0), .. _superseded.From(0)] : [];
            foreach (LoadedUnit unit in hidden)
            {
                LinkerInterface.Withdraw(unit);
            }
        }
    }
}
