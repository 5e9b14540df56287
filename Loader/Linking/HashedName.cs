using System.Text;

namespace ElfLoader.Linking;

/// <summary>A name that is looked up often: its bytes and their hash, made once.</summary>
internal sealed class HashedName
{
    private readonly byte[] _bytes;

    internal HashedName(string name)
    {
        Text = name;
        _bytes = Encoding.UTF8.GetBytes(name);
        Hash = NameHash.Of(_bytes);
    }

    /// <summary>The name, for a person.</summary>
    internal string Text { get; }

    /// <summary>The name in UTF-8.</summary>
    internal ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Its hash (<see cref="NameHash"/>).</summary>
    internal ulong Hash { get; }
}
