using System.Text;
using ElfLoader.DynamicLinking;
using ElfLoader.Elf;
using ElfLoader.Libraries;
using ElfLoader.Linking;
using ElfLoader.Loading;
using ElfLoader.Memory;
using ElfLoader.Redirection;

namespace ElfLoader;

/// <content>What a library defines, and what callers define for it.</content>
public sealed partial class ObjectLibrary
{
    /// <summary>Defines a symbol as a function at an address.</summary>
    /// <exception cref="LinkException">The library has a definition of that name.</exception>
    public void Define(string name, nint address) => Define(name, address, SymbolType.Function);

    /// <summary>Defines a symbol as a variable at an address.</summary>
    /// <exception cref="LinkException">The library has a definition of that name.</exception>
    public void DefineData(string name, nint address) => Define(name, address, SymbolType.Object);

    /// <summary>Defines a symbol as a number, which is not known to be the address of code or of data.</summary>
    /// <param name="name">The symbol.</param>
    /// <param name="value">Its value.</param>
    /// <param name="definer">What messages call who defines it; null: the library.</param>
    /// <exception cref="LinkException">The library has a definition of that name.</exception>
    public void DefineAbsolute(string name, ulong value, string? definer = null) =>
        Define(name, new Definition { Address = value, IsAbsolute = true, Provider = definer ?? $"{Name}.Define" });

    /// <summary>Defines a symbol as a C# function; the library keeps the delegate alive.</summary>
    /// <exception cref="LinkException">The library has a definition of that name.</exception>
    public void Define<TDelegate>(string name, TDelegate function)
        where TDelegate : Delegate
    {
        ArgumentNullException.ThrowIfNull(function);
        Define(name, NativeFunction.PointerTo(function), SymbolType.Function);
        lock (_gate)
        {
            _delegates.Add(function);
        }
    }

    /// <summary>The address of a symbol. Of a thread-local variable, this thread's copy.</summary>
    /// <remarks>
    /// What is queued is linked first; what only an archive defines is loaded from there. What another thread is loading at
    /// the moment is not there before it has been initialized; the initializers themselves find what their unit defines.
    /// For a name that is missing, the library's names are searched for near ones, to tell what may have been meant: where there
    /// are many, that takes long. <see cref="TryGetExport"/> does not search.
    /// </remarks>
    /// <exception cref="EntryPointNotFoundException">The library has no definition of that name, or a hidden one.</exception>
    /// <exception cref="LinkException">What is queued cannot be linked.</exception>
    public nint GetExport(string name) => TryGetExport(name, out nint address)
        ? address
        : throw NoExport(name);

    /// <summary>The address of a symbol. Of a thread-local variable, this thread's copy.</summary>
    /// <remarks>
    /// What is queued is linked first; what only an archive defines is loaded from there. What another thread is loading at
    /// the moment is not there before it has been initialized; the initializers themselves find what their unit defines.
    /// Unlike <see cref="GetExport"/>, it does not search for near names: use it for names that may well be missing.
    /// </remarks>
    /// <returns>Whether the library defines it and does not hide it.</returns>
    /// <exception cref="LinkException">What is queued cannot be linked.</exception>
    public bool TryGetExport(string name, out nint address)
    {
        Definition definition = FindExport(name);
        address = definition is { Exists: true, IsHidden: false } ? NativeProcess.AddressOf(definition) : 0;
        return definition is { Exists: true, IsHidden: false };
    }

    /// <summary>A symbol as a delegate.</summary>
    /// <remarks>
    /// Nothing keeps the code for the delegate's sake. It must not be called once the unit has been unloaded, or the library
    /// disposed: whatever is at the address by then is run. In a redirectable library, the process ends with a message as long as
    /// the function's place has not been given back.
    /// For a name that is missing, the library's names are searched for near ones, as by <see cref="GetExport"/>.
    /// </remarks>
    /// <exception cref="EntryPointNotFoundException">
    /// The library has no definition of that name, or a hidden one, or one that is data and no function, or is at address 0.
    /// </exception>
    /// <exception cref="LinkException">What is queued cannot be linked.</exception>
    public TDelegate GetFunction<TDelegate>(string name)
        where TDelegate : Delegate
    {
        Definition definition = FindExport(name);
        return definition is { Exists: true, IsHidden: false }
            ? LibraryEntry.Objection(definition) is { } objection
                ? throw new EntryPointNotFoundException($"'{name}' of library '{Name}' is no function: it {objection}")
                : NativeProcess.AddressOf(definition) is not 0 and nint address
                    ? NativeFunction.At<TDelegate>(address)
                    : throw new EntryPointNotFoundException($"'{name}' of library '{Name}' is at address 0, where no function can be")
            : throw NoExport(name);
    }

    private EntryPointNotFoundException NoExport(string name) => new(
        $"library '{Name}' does not define '{name}'" + (Contents.AdviceOn(name) is { } advice ? $"; {advice}" : ""));

    private Definition FindExport(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        _ = Link();
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        Definition definition = Contents.FindForCaller(bytes);
        for (int attempt = 0; attempt < MostAttempts && !definition.Exists && _archives.Length > 0; attempt++)
        {
            ContentsChanges before = Changes;
            _ = LinkWithQueue([], bytes);
            definition = Contents.FindForCaller(bytes); // of this link or, if there was nothing to link, of another thread's
            if (Changes == before)
            {
                break;
            }
        }

        return definition;
    }

    /// <summary>Whether the host has a name; asks nobody else.</summary>
    internal bool IsInHost(ReadOnlySpan<byte> name) => _host.Find(name, isThreadLocal: false).Exists;

    internal Definition FindOutside(ReadOnlySpan<byte> name, SymbolType type)
    {
        if (_host.Find(name, type is SymbolType.Tls) is { Exists: true } definition)
        {
            return LinkerInterface.Has(name) ? OwnInterface(name) : definition;
        }

        if (Resolving is { } resolving)
        {
            foreach (ResolvingSymbol handler in Delegate.EnumerateInvocationList(resolving))
            {
                nint address = handler(this, Encoding.UTF8.GetString(name));
                if (address is not 0)
                {
                    return new Definition
                    {
                        Address = (ulong)address,
                        Type = SymbolType.Function,
                        Source = SymbolSource.Callback,
                        Provider = "the Resolving event",
                    };
                }
            }
        }

        return default;
    }

    private void Define(string name, nint address, SymbolType type) =>
        Define(name, new Definition { Address = (ulong)address, Type = type, Provider = $"{Name}.Define" });

    private void Define(string name, in Definition definition)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Contents.Define(Name, name, definition with { Source = SymbolSource.Caller });
    }
}
