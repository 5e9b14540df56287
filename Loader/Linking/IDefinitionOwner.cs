namespace ElfLoader.Linking;

/// <summary>What holds definitions that later links can use.</summary>
internal interface IDefinitionOwner
{
    /// <summary>Its name, for messages.</summary>
    string Name { get; }
}
