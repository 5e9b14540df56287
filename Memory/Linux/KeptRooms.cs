namespace ElfLoader.Memory.Linux;

/// <summary>
/// Free address space near to shared libraries, reserved as soon as they are open. The host's runtime keeps mapping things of its
/// own, and would else take what is left within reach of a library before any code is loaded that needs it.
/// </summary>
/// <remarks>All members may be called from any thread.</remarks>
internal sealed class KeptRooms
{
    // Enough for a shared pool; address space only.
    private const ulong Most = 32 << 20;

    // One page for each zone: less than this serves no load.
    private static readonly ulong Least = MemoryRequest.Zones * Layout.PageSize;

    private readonly Lock _lock = new();
    private readonly List<Room> _rooms = [];

    /// <summary>Keeps room that a 32-bit displacement spans from any byte of to any byte of a range.</summary>
    /// <returns>What gives it back when it is disposed, unless something lies in it still; null if there is no room.</returns>
    internal IDisposable? Keep(AddressRange near)
    {
        lock (_lock)
        {
            Room[] rooms = [.. _rooms.Where(room => room.Range.Reaches(near))];
            if (rooms.Length is 0)
            {
                rooms = [.. Reserve(near).Select(range => new Room(range))];
                _rooms.AddRange(rooms);
            }

            foreach (Room room in rooms)
            {
                room.Users++;
            }

            return rooms.Length is 0 ? null : new Lease(this, rooms);
        }
    }

    /// <summary>Takes address space of the room that is kept.</summary>
    /// <param name="near">What it must be near to.</param>
    /// <param name="layout">How much.</param>
    /// <param name="start">Its first address.</param>
    internal bool TryTake(AddressRange near, in Layout layout, out ulong start)
    {
        lock (_lock)
        {
            foreach (Room room in _rooms)
            {
                if (near.Size is not 0 && room.Range.Reaches(near)
                    && layout.Size <= room.Range.Size && room.Free.TryTake(layout.Size, layout.Alignment, out ulong offset))
                {
                    start = room.Range.Start + offset;
                    return true;
                }
            }
        }

        start = 0;
        return false;
    }

    /// <summary>Takes back what <see cref="TryTake"/> gave, and unmaps what is in it.</summary>
    internal void Give(ulong start, ulong size)
    {
        lock (_lock)
        {
            // What can't be replaced stays taken, since another thread could map something where it was.
            if (AddressSpace.Empty(start, size))
            {
                Room room = _rooms.Find(room => room.Range.Contains(start))!;
                room.Free.Give(start - room.Range.Start, size);
                ReleaseIfUnused(room);
            }
        }
    }

    private static List<AddressRange> Reserve(AddressRange near)
    {
        try
        {
            return AddressSpace.ReserveNear(near, Most, Least);
        }
        catch (MemoryException)
        {
            return []; // a load that needs it will say why
        }
    }

    private void Release(Room[] rooms)
    {
        lock (_lock)
        {
            foreach (Room room in rooms)
            {
                room.Users--;
                ReleaseIfUnused(room);
            }
        }
    }

    private void ReleaseIfUnused(Room room)
    {
        if (room.Users is 0 && room.Free.Taken is 0)
        {
            _ = _rooms.Remove(room);
            AddressSpace.Release(room.Range.Start, room.Range.Size);
        }
    }

    private sealed class Room(AddressRange range)
    {
        internal AddressRange Range { get; } = range;

        internal FreeSpace Free { get; } = new(range.Start, range.Size, Layout.PageSize);

        internal int Users { get; set; }
    }

    private sealed class Lease(KeptRooms owner, Room[] rooms) : IDisposable
    {
        private Room[]? _rooms = rooms;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _rooms, null) is { } rooms)
            {
                owner.Release(rooms);
            }
        }
    }
}
