namespace ElfLoader.Benchmarks;

/// <summary>Something that a measurement needs is missing or does not work.</summary>
internal sealed class MeasurementException(string message) : Exception(message);
