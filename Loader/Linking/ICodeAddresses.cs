namespace ElfLoader.Linking;

/// <summary>
/// The functions of a link that are called through entries: their symbols have the entries' addresses, but for sections that
/// describe the code itself.
/// </summary>
internal interface ICodeAddresses
{
    /// <summary>Lets the symbols of an object have the addresses of entries, or of the code behind them.</summary>
    /// <param name="file">The object.</param>
    /// <param name="bodies">Whether they have the code's.</param>
    void Show(LinkObject file, bool bodies);
}
