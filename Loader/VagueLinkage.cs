namespace ElfLoader;

/// <summary>
/// What becomes of variables that every object which uses them brings a copy of, where the process has one already: inline
/// variables, static variables of inline functions, static members of templates.
/// </summary>
public enum VagueLinkage
{
    /// <summary>
    /// There is one: objects use that of the libraries that theirs is linked to, of the host, or of a shared library, if it has
    /// the same size.
    /// </summary>
    Shared,

    /// <summary>Each library has its own. <see cref="LoadedUnit.Warnings"/> tells which are there twice.</summary>
    Private,
}
