using ElfLoader.Elf;
using ElfLoader.Loading;
using ElfLoader.Redirection;

namespace ElfLoader;

/// <content>Links, made again where others were faster.</content>
public sealed partial class ObjectLibrary
{
    private const int MostAttempts = 100;

    private LoadedUnit Link(ReadOnlySpan<ElfObject> objects) => LinkWithQueue(objects)
        ?? throw new LinkException(
            LinkErrorCode.File, new LinkLocation(Name), "there is no object to load: archives only provide what objects lack");

    /// <summary>Links objects together with what is queued, and with the archive member that defines a name.</summary>
    /// <param name="objects">The objects.</param>
    /// <param name="wanted">The name; null for none.</param>
    /// <param name="called">The entry, where a program is linked: it is refused if it is no function.</param>
    private LoadedUnit? LinkWithQueue(ReadOnlySpan<ElfObject> objects, byte[]? wanted = null, string? called = null)
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        ElfObject[] queued = [];
        byte[][] required = [];
        if (_queue.Count > 0 || _required.Count > 0) // what another thread queues at this moment may as well come later
        {
            lock (_gate)
            {
                if (_queue.Count > 0 || objects.Length > 0 || wanted is not null)
                {
                    queued = [.. _queue];
                    _queue.Clear();
                    required = [.. _required];
                    _required.Clear();
                }
            }
        }

        if (queued.Length is 0 && objects.Length is 0 && wanted is null)
        {
            return null;
        }

        try
        {
            LoadedUnit? unit = LinkRepeatedly(
                queued.Length is 0 ? objects : [.. queued, .. objects],
                wanted is null && called is null && required.Length is 0
                    ? LinkRequest.Ordinary
                    : new LinkRequest(wanted) { Required = required, Called = called }).Unit;
            if (queued.Length > 0)
            {
                _names.ForgetObjects();
            }

            return unit;
        }
        catch
        {
            lock (_gate)
            {
                _queue.InsertRange(0, queued); // what was queued stays so
                _required.InsertRange(0, required);
            }

            throw;
        }
    }

    /// <summary>Links, and again where other threads have loaded or unloaded meanwhile what this link relied on.</summary>
    private (LoadedUnit? Unit, Replacement? Replacement) LinkRepeatedly(ReadOnlySpan<ElfObject> objects, LinkRequest request)
    {
        if (EpochGate.IsPublishing && !request.IsLazy)
        {
            throw new InvalidOperationException(
                $"Nothing can be loaded into library '{Name}' from a callback of a publication ({nameof(ReplaceOptions.Migrate)}).");
        }

        BeginLink();
        try
        {
            for (int attempt = 1; ; attempt++)
            {
                UnitLinker linker = Interlocked.Exchange(ref _idleLinker, null) ?? new UnitLinker(this, _process);
                try
                {
                    LoadedUnit? unit = linker.Link(objects, request);
                    Replacement? replacement = linker.Replacement;
                    if (linker.TryClear())
                    {
                        _idleLinker = linker;
                    }

                    return (unit, replacement);
                }
                catch (LinkException) when (attempt < MostAttempts && linker.WasOvertaken)
                {
                    Thread.Sleep(attempt < 10 ? 0 : 1);
                }
                catch (LinkException exception) when (linker.OwesAdvice)
                {
                    throw linker.Advised(exception);
                }
                catch (OutOfMemoryException exception)
                {
                    throw MemoryShortage.Of(
                        objects.Length > 0 ? objects[0].Name : Name, "link and load it, with what is linked together with it", exception);
                }
            }
        }
        finally
        {
            EndLink();
        }
    }
}
