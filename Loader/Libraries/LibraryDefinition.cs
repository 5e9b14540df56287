using ElfLoader.Linking;
using ElfLoader.Redirection;

namespace ElfLoader.Libraries;

/// <summary>What a definition is to a library in this process, where units hold definitions and entries lead to functions.</summary>
internal static class LibraryDefinition
{
    extension(in Definition definition)
    {
        /// <summary>The unit that holds it; null for what the host or the caller provides.</summary>
        internal LoadedUnit? Unit => (LoadedUnit?)definition.Owner;

        /// <summary>
        /// The unit whose own definition gave way to this one, and that the library has the name from; mostly null.
        /// </summary>
        internal LoadedUnit? SharedBy => (LoadedUnit?)definition.SharingOwner;

        /// <summary>The unit that the library has the name from.</summary>
        internal LoadedUnit? Holder => definition.SharedBy ?? definition.Unit;

        /// <summary>The entry that its address is the address of, where it is a function that can be redirected.</summary>
        internal CallEntry? Entry => (CallEntry?)definition.Redirection;
    }
}
