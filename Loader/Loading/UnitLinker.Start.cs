using ElfLoader.Diagnostics;
using ElfLoader.DynamicLinking;
using ElfLoader.Linking;
using ElfLoader.Memory;

namespace ElfLoader.Loading;

/// <content>How a unit that lies in memory is brought to life, and taken back if that fails.</content>
internal sealed partial class UnitLinker
{
    private static readonly HashedName AtExit = new("__cxa_atexit");
    private static readonly HashedName PlainAtExit = new("atexit");

    /// <summary>From here on foreign code runs.</summary>
    private void Start(LoadedUnit unit)
    {
        StartingUnit? starting = null;
        try
        {
            bool callsUnit = CallsUnit;
            _publication.RelyOnOthers(unit, _resolution, refusesConflicts: callsUnit || _library.IsWatched);
            _state?.Join(unit);
            starting = callsUnit ? BeginStart(unit) : null;
            RunCode(unit);
            EndStart(starting);
            _publication.Publish(unit, _resolution, _scope, _state, starting);
            _entries?.Settle(unit, isPublished: true);
            _library.Contents.LastPool = unit.Resources.Pool;
        }
        catch (Exception exception)
        {
            EndStart(starting);
            _own += starting?.Changes ?? default;
            _library.Contents.Abandon(unit);
            _entries?.Settle(unit, isPublished: false);
            ThrowIfOfMemory(exception);
            throw;
        }
    }

    /// <summary>Lets all libraries whose changes count know what this thread is about to run.</summary>
    private StartingUnit BeginStart(LoadedUnit unit)
    {
        var starting = new StartingUnit(unit, _resolution, _request.Replace is not null);
        _library.Contents.BeginStart(starting);
        foreach (ObjectLibrary linked in _linked)
        {
            linked.Contents.BeginStart(starting);
        }

        return starting;
    }

    private void EndStart(StartingUnit? starting)
    {
        if (starting is null)
        {
            return;
        }

        _library.Contents.EndStart(starting);
        foreach (ObjectLibrary linked in _linked)
        {
            linked.Contents.EndStart(starting);
        }
    }

    /// <summary>Whether code of the unit runs before it is published.</summary>
    private bool CallsUnit
    {
        get
        {
            bool calls = !_resolution.ObjectsIfAny(ObjectParts.Fragments | ObjectParts.FunctionArrays).IsEmpty;
            foreach (ref readonly Stub stub in _stubs.All)
            {
                calls |= stub.IsIfunc;
            }

            return calls && _library.Options.RunCode;
        }
    }

    private void RunCode(LoadedUnit unit)
    {
        ref UnitResources resources = ref unit.Resources;
        _entries?.PrepareForInitializers(unit);
        resources.Diagnostics = UnitDiagnostics.Announce(unit, Rules, _resolution, _stubs, _layout);
        if (_bounds.UsesInterface)
        {
            unit.UsesInterface = true;
            _process.AddInterfaceUser();
        }

        resources.PlaceUnwind(_layout);
        LinkerInterface.Add(unit, _layout.Header.Segments);
        _library.Announce(unit);
        resources.ActivateTls(_layout);
        if (_library.Options.RunCode)
        {
            ResolveIfuncs(resources.Allocation!);
        }

        unit.RegistersExit = _library.Options.RunCode // also where no initializer runs: functions have static variables, too
            && (_resolution.Symbols.Find(AtExit) >= 0 || _resolution.Symbols.Find(PlainAtExit) >= 0);
        resources.RegisterUnwind(_library.Options.RunCode ? UnitUnwinder.Find(_resolution) : null);
        if (_publication.RunsInitializers)
        {
            InitializerLists lists = InitializerLists.Collect(_resolution.ObjectsIfAny(ObjectParts.FunctionArrays), _layout);
            unit.RegistersExit |= lists.Terminators.Count > 0;
            unit.ForeignDestructors?.BeginInitializers();
            resources.Initialize(lists, _layout, _library);
            unit.ForeignDestructors?.EndInitializers();
        }

        resources.Settle();
    }

    private void ResolveIfuncs(MemoryAllocation allocation)
    {
        foreach (ref readonly Stub stub in _stubs.All)
        {
            if (stub.IsIfunc)
            {
                allocation.StoreWord(MemoryZone.Relro, stub.SlotOffset, (ulong)NativeCall.Resolve(stub.Resolver));
            }
        }
    }
}
