using ElfLoader.Diagnostics;
using ElfLoader.DynamicLinking;
using ElfLoader.Linking;
using ElfLoader.Memory;
using ElfLoader.Runtime;

namespace ElfLoader.Loading;

/// <summary>What a unit holds in the process, and how it is given back. It is a part of the unit: nobody copies it.</summary>
internal struct UnitResources
{
    private ulong _ehFrame; // 0 if there is none
    private bool _started;
    private Rarities? _rarities;

    /// <summary>Its memory.</summary>
    internal MemoryAllocation? Allocation { get; set; }

    /// <summary>Its registrations.</summary>
    internal UnitLifetime Lifetime { get; set; }

    /// <summary>What debuggers were told of it; null if nothing.</summary>
    internal UnitDiagnostics? Diagnostics
    {
        readonly get => _rarities?.Diagnostics;
        set
        {
            if (value is not null || _rarities is not null)
            {
                Rare.Diagnostics = value;
            }
        }
    }

    /// <summary>What native code knows of it; null if nothing.</summary>
    internal UnitListing? Listing
    {
        readonly get => _rarities?.Listing;
        set
        {
            if (value is not null || _rarities is not null)
            {
                Rare.Listing = value;
            }
        }
    }

    /// <summary>Address of its unwind tables; 0 if it has none, or they have been taken back.</summary>
    internal readonly ulong UnwindTable => _ehFrame;

    /// <summary>Its module of thread-local storage; null if it has none.</summary>
    internal readonly TlsModule? Tls => _rarities?.Tls;

    /// <summary>Whether an unwinder knows its tables.</summary>
    internal bool IsUnwindRegistered { get; private set; }

    /// <summary>The pool that its memory is from.</summary>
    internal MemoryPool? Pool => Allocation?.Pool;

    /// <summary>Reserves thread-local storage, which fixes what offsets its symbols have.</summary>
    /// <exception cref="LinkException">There is no room.</exception>
    internal void ReserveTls(TlsTemplate template, bool needsStatic, LinkLocation where)
    {
        if (template.Size > 0)
        {
            TlsModule module = NativeProcess.Host.Tls.Reserve(template.Size, template.Alignment, needsStatic, where);
            Rare.Tls = module;
            template.Base = module.TpOffset is { } offset ? (ulong)offset : 0;
        }
    }

    /// <summary>What others need to reach a thread-local variable of this unit.</summary>
    /// <param name="value">The symbol's value in terms of the template.</param>
    internal TlsReference? TlsReferenceTo(ulong value)
    {
        if (Tls is null)
        {
            return null;
        }

        ulong offset = value - (Tls.TpOffset is { } start ? (ulong)start : 0);
        return new TlsReference(Tls.Id, offset, Tls.TpOffset is { } tp ? tp + (long)offset : null);
    }

    /// <summary>Gives all threads their initial values: the image is final.</summary>
    internal void ActivateTls(UnitLayout layout)
    {
        _started = true;
        if (Tls is not null)
        {
            ulong image = layout.Blocks[(int)MemoryZone.Relro].Address + layout.Tls.ImageOffset;
            NativeProcess.Host.Tls.Activate(Tls, image, layout.Tls.ImageSize);
        }
    }

    /// <summary>Gives initial values to threads that were being created while others got theirs.</summary>
    internal void Settle()
    {
        if (Tls?.TpOffset is not null)
        {
            NativeProcess.Host.Tls.Settle();
        }
    }

    /// <summary>Notes where the unwind tables are: whoever hears of the unit hears of them, too.</summary>
    internal void PlaceUnwind(UnitLayout layout)
    {
        if (layout.UnwindSize > 0 && layout.UnwindStart < layout.UnwindOffset + layout.UnwindSize)
        {
            _ehFrame = layout.Blocks[(int)MemoryZone.ReadOnly].Address + layout.UnwindStart;
        }
    }

    /// <summary>Makes exceptions find their way through the unit.</summary>
    /// <param name="unwinder">The unwinder that it has, and that is to be told of all tables; mostly null.</param>
    internal void RegisterUnwind(LoadedUnwinder? unwinder)
    {
        if (unwinder is not null)
        {
            NativeProcess.Host.Unwind.Add(unwinder);
            Rare.Unwinder = unwinder;
        }

        if (_ehFrame is not 0)
        {
            _ = NativeProcess.Host.Unwind.Register(_ehFrame, Allocation!.Address(MemoryZone.Code));
            IsUnwindRegistered = true;
        }
    }

    /// <summary>Runs the initializers; what they register, and the terminators, belongs to the unit.</summary>
    /// <param name="lists">The functions.</param>
    /// <param name="layout">Where the unit's parts are.</param>
    /// <param name="library">What has their arguments, which are only made where there is an initializer.</param>
    internal void Initialize(InitializerLists lists, UnitLayout layout, ObjectLibrary library)
    {
        if (lists.Terminators.Count > 0)
        {
            byte[] array = new byte[UnitFinalizer.TerminatorArraySize(lists.Terminators.Count)];
            UnitFinalizer.WriteTerminatorArray(array, [.. lists.Terminators]);
            Allocation!.Write(MemoryZone.Relro, layout.TerminatorsOffset, array);
            NativeProcess.Host.Finalizer.RegisterTerminators(
                Lifetime, layout.Blocks[(int)MemoryZone.Relro].Address + layout.TerminatorsOffset);
        }

        foreach (ulong function in lists.Initializers)
        {
            NativeArguments arguments = library.Arguments;
            NativeCall.Initializer(function, arguments.Count, arguments.Vector, arguments.Environment);
        }
    }

    /// <summary>Runs what the unit has registered to be run at its end.</summary>
    internal void RunDestructors()
    {
        if (_started)
        {
            _started = false;
            if (HostRuntime.IsMade) // it is not to fail here, where it could not be made
            {
                NativeProcess.Host.Finalizer.Run(Lifetime);
            }

            if (!IsOwed)
            {
                WithdrawUnwinder(); // it may call other units, which end with this one
            }
        }
    }

    /// <summary>Whether a thread owes it a destructor of a thread-local variable.</summary>
    internal readonly bool IsOwed =>
        Allocation is not null && Lifetime.Address is not 0 && Lifetime.PendingThreadDestructors > 0;

    /// <summary>Gives the code back; data stays. No thread owes it a destructor.</summary>
    internal void FreeCode()
    {
        WithdrawCode();
        if (Listing?.TryWithdrawCode(Allocation!.Range(MemoryZone.Code)) is not false)
        {
            Allocation?.FreeCode(); // else it goes with the rest
        }
    }

    /// <summary>
    /// Whether everything can be given back: no thread owes a destructor of a thread-local variable, and none is looking at what
    /// the unit has told of itself. From here on, nobody finds it any more.
    /// </summary>
    internal bool CanFree()
    {
        if (IsOwed || Listing?.TryWithdraw() is false)
        {
            return false;
        }

        Listing = null;
        return true;
    }

    /// <summary>Gives everything back; nothing of the unit has run, or all of it has ended.</summary>
    internal void Discard()
    {
        WithdrawCode();
        if (Tls is { } tls)
        {
            NativeProcess.Host.Tls.Release(tls);
            Rare.Tls = null;
        }

        Allocation?.Free();
        Allocation = null;
    }

    private void WithdrawUnwinder()
    {
        if (_rarities?.Unwinder is { } unwinder)
        {
            NativeProcess.Host.Unwind.Remove(unwinder);
            Rare.Unwinder = null;
        }
    }

    private void WithdrawCode()
    {
        WithdrawUnwinder();
        Diagnostics?.Withdraw();
        Diagnostics = null;
        if (IsUnwindRegistered)
        {
            NativeProcess.Host.Unwind.Deregister(new UnwindRegistration(_ehFrame, Allocation!.Address(MemoryZone.Code)));
            IsUnwindRegistered = false;
        }

        _ehFrame = 0;
    }

    private Rarities Rare =>
        _rarities ?? Interlocked.CompareExchange(ref _rarities, new Rarities(), null) ?? _rarities;

    /// <summary>What few units have.</summary>
    private sealed class Rarities
    {
        internal TlsModule? Tls { get; set; }

        internal UnitDiagnostics? Diagnostics { get; set; }

        internal UnitListing? Listing { get; set; }

        /// <summary>The unwinder that the unit has, and that is told of tables.</summary>
        internal LoadedUnwinder? Unwinder { get; set; }
    }
}
