using System.Text.Json.Serialization;

namespace ElfLoader.Tools.Json;

/// <summary>How everything is written as JSON; generated when building, so that nothing is inspected at run time.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(LinkErrorCodeConverter), typeof(LinkTargetsConverter)],
    WriteIndented = true)]
[JsonSerializable(typeof(ReportJson))]
[JsonSerializable(typeof(LinkMapJson))]
[JsonSerializable(typeof(InspectionJson))]
[JsonSerializable(typeof(VerificationJson))]
[JsonSerializable(typeof(PatchJson))]
internal sealed partial class JsonFormat : JsonSerializerContext;
