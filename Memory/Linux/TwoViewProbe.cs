using System.Diagnostics.CodeAnalysis;

namespace ElfLoader.Memory.Linux;

/// <summary>Finds out by trying whether this system lets code be mapped twice.</summary>
internal static class TwoViewProbe
{
    /// <summary>Maps a page twice, writes it through one view and reads it through the other.</summary>
    /// <param name="why">What was refused.</param>
    internal static bool Succeeds([NotNullWhen(false)] out MemoryException? why)
    {
        const byte Mark = 0xc3;
        try
        {
            using var pages = new ProbePages();
            NativeBytes.At(pages.Written, 1)[0] = Mark;
            why = NativeBytes.ReadOnlyAt(pages.Executed, 1)[0] is Mark ? null : new MemoryException("the views differ");
        }
        catch (MemoryException e)
        {
            why = e;
        }

        return why is null;
    }

    private sealed class ProbePages : IDisposable
    {
        private readonly TwoViewPages _pages;

        internal ProbePages()
        {
            Executed = AddressSpace.ReserveAnywhere(Layout.PageSize, Layout.PageSize);
            _pages = new TwoViewPages(Executed, Layout.PageSize, isCode: true);
            try
            {
                _pages.Commit(0, Layout.PageSize);
            }
            catch (MemoryException)
            {
                Dispose();
                throw;
            }
        }

        internal ulong Executed { get; }

        internal ulong Written => _pages.WriteAddress;

        public void Dispose()
        {
            _pages.Dispose();
            AddressSpace.Release(Executed, Layout.PageSize);
        }
    }
}
