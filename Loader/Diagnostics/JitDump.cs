using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using ElfLoader.Memory;

namespace ElfLoader.Diagnostics;

/// <summary>
/// A file of code and names in the order in which they came (Linux, "tools/perf/Documentation/jitdump-specification.txt"),
/// version 1.
/// </summary>
/// <remarks>Thread-safe. A record is one write.</remarks>
internal sealed class JitDump : IDisposable
{
    private const uint Magic = 0x4A695444; // "JiTD"
    private const uint Version = 1;
    private const int HeaderSize = 40;
    private const int PrefixSize = 16;
    private const int LoadSize = PrefixSize + 40;
    private const int UnwindingSize = PrefixSize + 24;
    private const uint JIT_CODE_LOAD = 0;
    private const uint JIT_CODE_CLOSE = 3;
    private const uint JIT_CODE_UNWINDING_INFO = 4;

    private readonly Lock _gate = new();
    private readonly AppendOnlyFile _file;
    private ulong _index;
    private bool _closed;

    /// <summary>Creates the file.</summary>
    /// <param name="path">Its path, which ends with <c>jit-PID.dump</c>.</param>
    /// <param name="machine"><c>e_machine</c> of the code.</param>
    /// <exception cref="System.ComponentModel.Win32Exception">The system refused, or there is such a file.</exception>
    internal JitDump(string path, ushort machine)
    {
        _file = new AppendOnlyFile(path, mustBeNew: true);
        Span<byte> header = stackalloc byte[HeaderSize];
        header.Clear(); // flags are 0: timestamps are of CLOCK_MONOTONIC
        BinaryPrimitives.WriteUInt32LittleEndian(header, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], HeaderSize);
        BinaryPrimitives.WriteUInt32LittleEndian(header[12..], machine);
        BinaryPrimitives.WriteInt32LittleEndian(header[20..], Environment.ProcessId);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], Now());
        if (!_file.TryWrite(header) || !_file.TryMapMarker())
        {
            _closed = true;
        }
    }

    /// <summary>Its path.</summary>
    internal string Path => _file.Path;

    /// <summary>Adds functions, each preceded by how to unwind it where that is known.</summary>
    /// <param name="functions">The functions, in memory.</param>
    /// <param name="unwinding">The unit's unwind tables.</param>
    internal void Add(IEnumerable<LoadedFunction> functions, UnwindIndex unwinding)
    {
        lock (_gate)
        {
            foreach (LoadedFunction function in functions)
            {
                if (_closed || function.Size > int.MaxValue / 2)
                {
                    return;
                }

                if (unwinding.Extract(function, out int tableSize) is { } tables)
                {
                    WriteUnwinding(tables, tables.Length - tableSize);
                }

                WriteLoad(function);
            }
        }
    }

    /// <summary>Writes the last record and closes the file.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (!_closed)
            {
                Span<byte> record = stackalloc byte[PrefixSize];
                WritePrefix(record, JIT_CODE_CLOSE);
                Write(record);
            }

            _closed = true;
            _file.Dispose();
        }
    }

    private void WriteUnwinding(byte[] tables, int indexSize)
    {
        byte[] record = new byte[UnwindingSize + ((tables.Length + 7) & ~7)];
        WritePrefix(record, JIT_CODE_UNWINDING_INFO);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(16), (ulong)tables.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(24), (ulong)indexSize);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(32), 0); // none of it is mapped behind the code
        tables.CopyTo(record, UnwindingSize);
        Write(record);
    }

    private void WriteLoad(in LoadedFunction function)
    {
        byte[] name = Encoding.UTF8.GetBytes(function.Name);
        int size = (int)function.Size;
        byte[] record = new byte[LoadSize + name.Length + 1 + size];
        WritePrefix(record, JIT_CODE_LOAD);
        Span<byte> body = record.AsSpan(PrefixSize);
        BinaryPrimitives.WriteInt32LittleEndian(body, Environment.ProcessId);
        BinaryPrimitives.WriteUInt32LittleEndian(body[4..], (uint)ProcessThreads.Current);
        BinaryPrimitives.WriteUInt64LittleEndian(body[8..], function.Address); // vma
        BinaryPrimitives.WriteUInt64LittleEndian(body[16..], function.Address); // code_addr
        BinaryPrimitives.WriteUInt64LittleEndian(body[24..], function.Size);
        BinaryPrimitives.WriteUInt64LittleEndian(body[32..], _index++);
        name.CopyTo(record, LoadSize);
        NativeBytes.ReadOnlyAt(function.Address, size).CopyTo(record.AsSpan(LoadSize + name.Length + 1));
        Write(record);
    }

    private static void WritePrefix(Span<byte> record, uint id)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(record, id);
        BinaryPrimitives.WriteInt32LittleEndian(record[4..], record.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(record[8..], Now());
    }

    /// <summary>Half a record would make the rest unreadable, so that a full disk ends the file.</summary>
    private void Write(ReadOnlySpan<byte> record) => _closed |= !_file.TryWrite(record);

    /// <summary>CLOCK_MONOTONIC in nanoseconds, as <c>perf record -k mono</c> has it.</summary>
    private static ulong Now() => (ulong)(Stopwatch.GetTimestamp() * (1_000_000_000 / Stopwatch.Frequency));
}
