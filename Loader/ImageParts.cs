namespace ElfLoader;

/// <summary>An input section in an image.</summary>
/// <param name="Object">Name of the object it comes from.</param>
/// <param name="Section">Its name in the object.</param>
/// <param name="Index">Its index in the object.</param>
/// <param name="Address">Address of its first byte; for thread-local storage, in the template.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Flags">Letters of its flags, as readelf prints them: <c>AX</c>.</param>
public sealed record ImageSection(string Object, string Section, int Index, ulong Address, ulong Size, string Flags);

/// <summary>A symbol in an image.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Object">Name of the object that defines it; null where the linker or the caller does.</param>
/// <param name="Section">Name of the input section that it lies in; null for a number.</param>
/// <param name="Address">
/// Its address as other code sees it: that of its stub, if a resolver picks the function at run time; the Thumb bit is
/// not part of it.
/// </param>
/// <param name="Size">Its size in bytes, 0 if unknown.</param>
/// <param name="Binding">local, global, weak or unique.</param>
/// <param name="Type">notype, object, func, tls, ifunc, common, section or file.</param>
public sealed record ImageSymbol(
    string Name, string? Object, string? Section, ulong Address, ulong Size, string Binding, string Type)
{
    /// <summary>Whether it is a function in Thumb code.</summary>
    public bool IsThumb { get; init; }
}

/// <summary>A piece of code that the linker made, through which others reach a symbol.</summary>
/// <param name="Symbol">The symbol.</param>
/// <param name="Object">Name of the object that asked for it first, or whose local symbol it is.</param>
/// <param name="Kind">The kind, such as <c>plt</c>.</param>
/// <param name="Address">Its address.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Target">Where it leads; the resolver's address, where that picks the function at run time.</param>
public sealed record ImageStub(string Symbol, string Object, string Kind, ulong Address, int Size, ulong Target);

/// <summary>A slot of an object's global offset table.</summary>
/// <param name="Symbol">The symbol; empty where the slot is for all thread-local symbols of the module.</param>
/// <param name="Object">Name of the object whose table it is in.</param>
/// <param name="Kind">What it holds: address, tpoff, tlsgd, tlsld or tlsdesc.</param>
/// <param name="Address">Its address.</param>
/// <param name="Value">Its first word.</param>
public sealed record ImageGotSlot(string Symbol, string Object, string Kind, ulong Address, ulong Value);

/// <summary>An object's global offset table.</summary>
/// <param name="Object">Name of the object.</param>
/// <param name="Address">GOT: what relocations of the object count its slots from.</param>
public sealed record ImageGotTable(string Object, ulong Address);

/// <summary>An input section that is in the image's file, but not in the program's memory: debugging information.</summary>
/// <param name="Object">Name of the object it comes from.</param>
/// <param name="Section">Its name in the object.</param>
/// <param name="Index">Its index in the object.</param>
/// <param name="Bytes">Its bytes, relocated.</param>
public sealed record ImageFileSection(string Object, string Section, int Index, ReadOnlyMemory<byte> Bytes);

/// <summary>A part of the image that is mapped into memory (PT_LOAD).</summary>
/// <param name="Address">Its address.</param>
/// <param name="Size">Bytes in memory.</param>
/// <param name="FileOffset">Where its bytes start in the file.</param>
/// <param name="FileSize">Bytes in the file; the rest is zero.</param>
/// <param name="Flags">Letters of what may be done with it: <c>R</c>, <c>RX</c>, <c>RW</c>.</param>
public sealed record ImageSegment(ulong Address, ulong Size, ulong FileOffset, ulong FileSize, string Flags);
