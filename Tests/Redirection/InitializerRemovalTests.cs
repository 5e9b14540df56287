using ElfLoader.Memory;
using ElfLoader.Tests.Linking;

namespace ElfLoader.Tests.Redirection;

/// <summary>
/// Links that fail when their initializers have run. They are made again where other threads were the cause, and not where the
/// initializers themselves have changed the library, or those that it links to.
/// </summary>
public sealed class InitializerRemovalTests
{
    private const string Source = """
        void callback(void); extern int total;
        __attribute__((constructor)) static void start(void) { ++total; callback(); }
        int f(void) { return 2; }
        """;

    private static ObjectLibraryOptions Redirectable { get; } = new() { Redirectable = true };

    private delegate void Callback();

    [TestCase("unload")]
    [TestCase("load and unload")]
    [TestCase("dispose")]
    [TestCase("link to another")]
    [TestCase("unload in an initializer of a third")]
    public void WhatInitializersDoToLinkedLibrariesIsNoReasonToRunThemAgain(string what)
    {
        using var linked = new ObjectLibrary("linked");
        LoadedUnit gone = linked.Load(LinkTest.Variable("gone", 1), "gone.o");
        using var third = new ObjectLibrary("third");
        third.AddLibrary(linked);
        third.Define("unload", (Callback)gone.Unload);
        using ObjectLibrary library = Library(linked);
        using var other = new ObjectLibrary("other");
        other.Load(LinkTest.Variable("away", 1), "away.o").Unload();
        Exception? failure = null;
        int calls = 0;
        library.Define("callback", (Callback)(() =>
        {
            if (++calls > 1)
            {
                return;
            }

            failure = Record(() =>
            {
                switch (what)
                {
                    case "unload":
                        gone.Unload();
                        break;
                    case "load and unload":
                        linked.Load(LinkTest.Variable("more", 1), "more.o").Unload();
                        break;
                    case "dispose":
                        linked.Dispose();
                        break;
                    case "link to another":
                        library.AddLibrary(other);
                        break;
                    default:
                        third.Load(
                            Compiled.C("void unload(void); __attribute__((constructor)) static void start(void) { unload(); }"),
                            "third.o");
                        break;
                }

                library.Load(LinkTest.Returning("f", 4), "nested.o"); // so that the replacement fails
            });
        }));

        LinkException refusal = Assert.Throws<LinkException>(() => library.Replace(Compiled.C(Source), "first.o"))!;

        Assert.That(failure, Is.Null);
        Assert.That(refusal.Message, Does.Contain("first.o"));
        Assert.That((calls, library.Word("total")), Is.EqualTo((1, 1UL)));
        Assert.That(NativeCall.Call(library.Address("f")), Is.EqualTo(4UL));
    }

    /// <summary>The same where it is another thread's doing: then the second attempt finds the other definition, and replaces it.</summary>
    [Test]
    public void WhatAnotherThreadDoesToLinkedLibrariesIsOne()
    {
        using var linked = new ObjectLibrary("linked");
        LoadedUnit gone = linked.Load(LinkTest.Variable("gone", 1), "gone.o");
        using ObjectLibrary library = Library(linked);
        Exception? failure = null;
        int calls = 0;
        library.Define("callback", (Callback)(() =>
        {
            if (++calls is 1)
            {
                var thread = new Thread(() => failure = Record(() =>
                {
                    gone.Unload();
                    library.Load(LinkTest.Returning("f", 4), "nested.o");
                }));
                thread.Start();
                thread.Join();
            }
        }));

        library.Replace(Compiled.C(Source), "first.o");

        Assert.That(failure, Is.Null);
        Assert.That((calls, library.Word("total")), Is.EqualTo((2, 2UL)));
        Assert.That(NativeCall.Call(library.Address("f")), Is.EqualTo(2UL));
    }

    /// <summary>A library that another thread links to meanwhile may have what was missing.</summary>
    [Test]
    public void LibraryThatIsLinkedToMeanwhileIsSearched()
    {
        using var other = new ObjectLibrary("other");
        other.Load(LinkTest.Variable("missing", 6), "other.o");
        using var library = new ObjectLibrary("library");
        library.Resolving += (_, name) =>
        {
            if (name is "missing" && library.Units.Count is 0)
            {
                library.AddLibrary(other);
            }

            return 0;
        };

        library.Load(LinkTest.Pointer("p", "missing"), "user.o");

        Assert.That(library.Word("p"), Is.EqualTo(other.Address("missing")));
    }

    private static ObjectLibrary Library(ObjectLibrary linked)
    {
        var library = new ObjectLibrary("starts", Redirectable);
        library.Load(Compiled.C("int total[2];"), "total.o");
        library.AddLibrary(linked);
        return library;
    }

    private static Exception? Record(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (Exception exception)
        {
            return exception;
        }
    }
}
