using System.Diagnostics;
using System.Runtime.CompilerServices;
using ElfLoader.Memory;
using ElfLoader.Runtime;

namespace ElfLoader.Tests.Runtime;

public sealed class ShimCodeTests
{
    [Test]
    public void BytesAreWhatTheAssemblerMakesOfTheSource()
    {
        string source = Path.Combine(Path.GetDirectoryName(ThisFile())!, "../../Loader/Runtime/Shim.s");
        string directory = Directory.CreateTempSubdirectory().FullName;
        try
        {
            string built = Path.Combine(directory, "shim.o");
            string raw = Path.Combine(directory, "shim.bin");
            if (!Run("as", "--64", source, "-o", built) || !Run("objcopy", "-O", "binary", "-j", ".text", built, raw))
            {
                Assert.Ignore("No assembler here.");
            }

            byte[] ours = [.. ShimCode.Functions.SelectMany(function => function.Code)];
            Assert.That(Convert.ToHexString(ours), Is.EqualTo(Convert.ToHexString(File.ReadAllBytes(raw))));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Test]
    public void FunctionsFillWholeUnits() =>
        Assert.That(ShimCode.Functions.Select(function => function.Code.Length % 16), Is.All.Zero);

    [Test]
    public void NoPartOfTheShimIsWritableAndExecutable()
    {
        _ = HostRuntime.Instance;

        string[] mappings = [.. File.ReadLines("/proc/self/maps").Where(line => line.Contains("elfloader-shim"))];

        Assert.That(mappings, Is.Not.Empty);
        Assert.That(mappings.Select(line => line.Split(' ')[1]), Has.None.Contains("wx"));
    }

    [Test]
    public void DebuggersFindTheirSymbols()
    {
        Shim shim = HostRuntime.Instance.Shim;
        ulong library = DynamicLinker.Open(shim.Path, out string error);

        Assert.That(library, Is.Not.Zero, error);
        ulong descriptor = DynamicLinker.Find(library, "__jit_debug_descriptor"u8);
        Assert.That(descriptor, Is.EqualTo(shim.Start + ShimLayout.JitDescriptor));
        Assert.That(NativeBytes.LoadWord(descriptor), Is.EqualTo(1), "version");
        ulong register = DynamicLinker.Find(library, "__jit_debug_register_code"u8);
        Assert.That(DynamicLinker.TryDescribe(register, out HostAddress found), Is.True);
        Assert.That(found.SymbolType, Is.EqualTo(2), "STT_FUNC");
        _ = NativeCall.Call(register);
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(program, arguments);
            process.WaitForExit();
            return process.ExitCode is 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
