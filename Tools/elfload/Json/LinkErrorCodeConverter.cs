using System.Text.Json;
using System.Text.Json.Serialization;

namespace ElfLoader.Tools.Json;

/// <summary>Writes the code of an error as <see cref="ErrorJson.Code"/> has it.</summary>
internal sealed class LinkErrorCodeConverter() : JsonStringEnumConverter<LinkErrorCode>(JsonNamingPolicy.KebabCaseLower);

/// <summary>Writes what links are for: <c>process</c>, <c>image</c>, <c>process, image</c>, <c>none</c>.</summary>
internal sealed class LinkTargetsConverter() : JsonStringEnumConverter<LinkTargets>(JsonNamingPolicy.KebabCaseLower);
