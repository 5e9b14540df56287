using System.Globalization;
using System.Runtime.InteropServices;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>SQLite from its static archive, asked from C#; the <c>sqlite3</c> program answers the same questions.</summary>
[Category("EndToEnd")]
public sealed class SqliteTests
{
    private const int Rows = 100_000;
    private const int RowReady = 100;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string file, out nint database);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Execute(
        nint database, [MarshalAs(UnmanagedType.LPUTF8Str)] string sql, nint callback, nint argument, nint error);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int Prepare(
        nint database, [MarshalAs(UnmanagedType.LPUTF8Str)] string sql, int length, out nint statement, nint tail);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int BindInteger(nint statement, int index, long value);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int BindText(
        nint statement, int index, [MarshalAs(UnmanagedType.LPUTF8Str)] string text, int length, nint destructor);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int OnHandle(nint handle);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint ColumnText(nint statement, int column);

    [TestCase("SELECT count(*), sum(number), max(length(name)) FROM things")]
    [TestCase("SELECT number % 7 AS rest, count(*), total(number) FROM things GROUP BY rest ORDER BY rest")]
    [TestCase("SELECT name FROM things WHERE name LIKE '%999' ORDER BY number DESC LIMIT 20")]
    [TestCase("SELECT printf('%.6f', avg(sqrt(number))), round(sum(sin(number)), 6) FROM things")]
    [TestCase("PRAGMA integrity_check")]
    public void AnswersAsTheSqliteProgram(string query)
    {
        using var folder = new TemporaryFolder();
        using ObjectLibrary library = LoadSqlite();
        string file = folder.File("things.db");
        Check(library.GetFunction<Open>("sqlite3_open")(file, out nint database));
        Fill(library, database);

        List<string> rows = Query(library, database, query);
        Check(library.GetFunction<OnHandle>("sqlite3_close")(database));

        string[] expected = Command.Check("sqlite3", [file, query]).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(rows, Is.EqualTo(expected));
    }

    private static ObjectLibrary LoadSqlite()
    {
        var library = new ObjectLibrary("sqlite");
        library.AddSharedLibrary("libm.so.6");
        library.AddArchive(StaticArchive.Find("libsqlite3.a"));
        return library;
    }

    private static void Fill(ObjectLibrary library, nint database)
    {
        Execute execute = library.GetFunction<Execute>("sqlite3_exec");
        BindInteger bindInteger = library.GetFunction<BindInteger>("sqlite3_bind_int64");
        BindText bindText = library.GetFunction<BindText>("sqlite3_bind_text");
        OnHandle step = library.GetFunction<OnHandle>("sqlite3_step");
        OnHandle reset = library.GetFunction<OnHandle>("sqlite3_reset");
        const nint Transient = -1; // SQLite makes a copy of the text

        Check(execute(database, "CREATE TABLE things (number INTEGER, name TEXT); BEGIN", 0, 0, 0));
        Check(library.GetFunction<Prepare>("sqlite3_prepare_v2")(
            database, "INSERT INTO things VALUES (?, ?)", -1, out nint statement, 0));
        for (int i = 0; i < Rows; i++)
        {
            Check(bindInteger(statement, 1, i));
            Check(bindText(statement, 2, string.Create(CultureInfo.InvariantCulture, $"thing {i}"), -1, Transient));
            Assert.That(step(statement), Is.EqualTo(101), "done");
            Check(reset(statement));
        }

        Check(library.GetFunction<OnHandle>("sqlite3_finalize")(statement));
        Check(execute(database, "COMMIT", 0, 0, 0));
    }

    private static List<string> Query(ObjectLibrary library, nint database, string query)
    {
        OnHandle step = library.GetFunction<OnHandle>("sqlite3_step");
        OnHandle columns = library.GetFunction<OnHandle>("sqlite3_column_count");
        ColumnText text = library.GetFunction<ColumnText>("sqlite3_column_text");
        Check(library.GetFunction<Prepare>("sqlite3_prepare_v2")(database, query, -1, out nint statement, 0));
        List<string> rows = [];
        while (step(statement) is RowReady)
        {
            rows.Add(string.Join(
                '|', Enumerable.Range(0, columns(statement)).Select(i => NativeMemory.Text(text(statement, i)))));
        }

        Check(library.GetFunction<OnHandle>("sqlite3_finalize")(statement));
        return rows;
    }

    private static void Check(int status) => Assert.That(status, Is.Zero);
}
