using System.Runtime.InteropServices;

namespace ElfLoader.Tests.EndToEnd;

/// <summary>Lua from its static archive: runs scripts, recovers from errors by longjmp, calls a C# function.</summary>
[Category("EndToEnd")]
public sealed class LuaTests
{
    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint NewState();

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void OnState(nint state);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int LoadText(nint state, [MarshalAs(UnmanagedType.LPUTF8Str)] string script);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int ProtectedCall(nint state, int arguments, int results, int handler, nint context, nint next);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint ToText(nint state, int index, nint length);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void PushClosure(nint state, nint function, int captured);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void SetGlobal(nint state, [MarshalAs(UnmanagedType.LPUTF8Str)] string name);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate long ToInteger(nint state, int index, nint isNumber);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void PushInteger(nint state, long value);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int NativeFunction(nint state);

    [TestCase("local s = 0 for i = 1, 1000 do s = s + i * i end return s", "333833500")]
    [TestCase("return ('abc'):rep(3, '-'):upper()", "ABC-ABC-ABC")]
    [TestCase("return string.format('%.3f %s %d', math.pi, math.type(3), 7 // 2)", "3.142 integer 3")]
    [TestCase("local t = {5, 2, 9, 1} table.sort(t) return table.concat(t, ',')", "1,2,5,9")]
    [TestCase("local ok, e = pcall(error, {code = 42}) return tostring(ok) .. e.code", "false42")]
    [TestCase("local c = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) return c() + c() + c()", "6")]
    [TestCase("return host_add(40, 2)", "42")]
    public void RunsScripts(string script, string expected)
    {
        using var library = new ObjectLibrary("lua");
        library.AddSharedLibrary("libm.so.6");
        library.AddArchive(StaticArchive.Find("liblua5.4.a"));
        nint state = library.GetFunction<NewState>("luaL_newstate")();
        library.GetFunction<OnState>("luaL_openlibs")(state);
        ToInteger toInteger = library.GetFunction<ToInteger>("lua_tointegerx");
        PushInteger pushInteger = library.GetFunction<PushInteger>("lua_pushinteger");
        library.Define<NativeFunction>("host_add", calling =>
        {
            pushInteger(calling, toInteger(calling, 1, 0) + toInteger(calling, 2, 0));
            return 1;
        });
        library.GetFunction<PushClosure>("lua_pushcclosure")(state, library.GetExport("host_add"), 0);
        library.GetFunction<SetGlobal>("lua_setglobal")(state, "host_add");

        int loaded = library.GetFunction<LoadText>("luaL_loadstring")(state, script);
        int called = library.GetFunction<ProtectedCall>("lua_pcallk")(state, 0, 1, 0, 0, 0);
        string result = NativeMemory.Text(library.GetFunction<ToText>("lua_tolstring")(state, -1, 0));
        library.GetFunction<OnState>("lua_close")(state);

        Assert.That((loaded, called, result), Is.EqualTo((0, 0, expected)));
    }
}
