using System.Collections.Concurrent;
using ElfLoader.Memory;

namespace ElfLoader.Tests.Memory;

/// <summary>Looks at the mappings of this process as long as the tests of this namespace run.</summary>
[SetUpFixture]
public sealed class MappingWatch
{
    private readonly ConcurrentDictionary<string, int> _offences = new();
    private readonly CancellationTokenSource _stop = new();
    private Thread? _thread;
    private int _looks;

    [OneTimeSetUp]
    public void Start()
    {
        if (OperatingSystem.IsLinux())
        {
            _thread = new Thread(Watch) { IsBackground = true, Name = "mapping watch" };
            _thread.Start();
        }
    }

    [OneTimeTearDown]
    public void NoMappingWasEverWritableAndExecutable()
    {
        _stop.Cancel();
        _thread?.Join();
        _stop.Dispose();
        Assert.Multiple(() =>
        {
            Assert.That(_offences, Is.Empty);
            Assert.That(_thread is null || _looks > 0);
        });
    }

    private void Watch()
    {
        do
        {
            foreach (ProcessMapping mapping in ProcessMaps.Read().Where(mapping => mapping.IsWritableAndExecutable))
            {
                _ = _offences.AddOrUpdate($"{mapping.Range} {mapping.Path}", 1, (_, count) => count + 1);
            }

            _looks++;
        }
        while (!_stop.Token.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(2)));
    }
}
