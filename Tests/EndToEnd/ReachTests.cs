using System.Runtime.InteropServices;
using ElfLoader.Tests.Support;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>
/// References with a limited range between objects that were loaded one by one, and the forms that go through the GOT
/// when the target is near, far, or below 4 GiB.
/// </summary>
[Category("EndToEnd")]
public sealed class ReachTests
{
    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Number();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint Address();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Words(
        [MarshalAs(UnmanagedType.LPUTF8Str)] string text, [Out] byte[] result, nuint capacity);

    [Test]
    public void ObjectsLoadedOneByOneStayWithinReachOfOneAnother()
    {
        using var library = new ObjectLibrary("near");
        library.Load(Fixtures.Object("distant"));
        ObjectLibrary[] others = [.. Enumerable.Range(0, 8).Select(i => new ObjectLibrary($"other {i}"))];
        foreach (ObjectLibrary other in others)
        {
            other.Load(Fixtures.Object("distant")); // 64 MiB each
        }

        others[3].Dispose();
        library.Load(Fixtures.Object("near"));

        Assert.That(library.GetFunction<Number>("read_distant")(), Is.EqualTo(4712));
        Assert.That(library.GetFunction<Number>("call_distant")(), Is.EqualTo(4711));
        Array.ForEach(others, other => other.Dispose());
    }

    [TestCase("call_through_got")]
    [TestCase("jump_through_got")]
    [TestCase("direct_call")]
    public void CallsReachAFunctionThatLiesBelow2GiB(string caller)
    {
        using var low = new ObjectLibrary("low");
        low.Load(Fixtures.Object("low"));
        using var calling = new ObjectLibrary("calling");
        calling.AddLibrary(low);
        calling.Load(Fixtures.Object("calls_low"));

        Assert.That(low.GetExport("low_function"), Is.InRange((nint)1, (nint)int.MaxValue));
        Assert.That(calling.GetFunction<Number>(caller)(), Is.EqualTo(4713));
    }

    [TestCase("call_through_got")]
    [TestCase("jump_through_got")]
    [TestCase("direct_call")]
    public void CallsReachAFunctionOfTheSameBatch(string caller)
    {
        using var library = new ObjectLibrary("batch");
        library.Load(Fixtures.Object("low"), Fixtures.Object("calls_low"));

        Assert.That(library.GetFunction<Number>(caller)(), Is.EqualTo(4713));
    }

    [TestCase("call_through_got")]
    [TestCase("jump_through_got")]
    [TestCase("direct_call")]
    public void CallsReachAManagedFunctionWhereverItIs(string caller)
    {
        using var library = new ObjectLibrary("managed");
        library.Define<Number>("low_function", () => 4715);
        library.Load(Fixtures.Object("calls_low"));

        Assert.That(library.GetFunction<Number>(caller)(), Is.EqualTo(4715));
    }

    [Test]
    public void AddressThroughTheGotIsTheCanonicalOne()
    {
        using var library = new ObjectLibrary("canonical");
        library.Load(Fixtures.Object("low"), Fixtures.Object("calls_low"));

        nint address = library.GetFunction<Address>("address_through_got")();

        Assert.That(address, Is.EqualTo(library.GetExport("low_function")));
    }

    [Test]
    public void IndirectFunctionHasOneAddress()
    {
        using var library = new ObjectLibrary("indirect");
        library.Load(Fixtures.Object("chosen"));

        nint inCode = library.GetFunction<Address>("chosen_in_code")();
        byte[] inData = NativeMemory.Bytes(library.GetExport("chosen_in_data"), 8);

        Assert.That(inCode, Is.EqualTo(library.GetExport("chosen_function")));
        Assert.That((nint)BitConverter.ToInt64(inData), Is.EqualTo(inCode));
        Assert.That(library.GetFunction<Number>("chosen_call")(), Is.EqualTo(2 * 4714));
    }

    [Test]
    public void StandardLibraryComesFromTheHostOrFromItsArchive([Values] bool fromArchive)
    {
        using var library = new ObjectLibrary("words");
        if (fromArchive)
        {
            library.AddArchive(StaticArchive.Find("libstdc++.a"));
        }

        library.Load(Fixtures.Object("words"));
        Words count = library.GetFunction<Words>("count_words");
        byte[] result = new byte[100];

        int length = count("b a b c a b", result, (nuint)result.Length);
        int tooLong = count("one two three", result, 5); // throws and catches inside

        Assert.That(System.Text.Encoding.ASCII.GetString(result, 0, length), Is.EqualTo("a=2 b=3 c=1 "));
        Assert.That(tooLong, Is.EqualTo(-1));
    }
}
