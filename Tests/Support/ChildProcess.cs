using System.Diagnostics;
using System.Reflection;
using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Support;

/// <summary>Runs static methods of the tests in processes of their own: what may die or hang.</summary>
internal static class ChildProcess
{
    private const string Variable = "ELFLOADER_TEST_CHILD";

    /// <summary>Runs a method to its end, and the process to its exit.</summary>
    /// <param name="method">A static method without parameters; what it writes is the output.</param>
    /// <param name="seconds">When it is killed.</param>
    /// <param name="environment">Variables that it has besides.</param>
    public static CommandResult Run(Action method, int seconds = 60, params (string Name, string Value)[] environment)
    {
        Assert.That(method.Method.IsStatic, "a method of its own is needed");
        string tests = typeof(ChildProcess).Assembly.Location;
        string[] arguments =
        [
            "exec", "--runtimeconfig", Path.ChangeExtension(tests, ".runtimeconfig.json"),
            "--depsfile", Path.ChangeExtension(tests, ".deps.json"), tests,
        ];
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_STARTUP_HOOKS"] = tests;
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        start.Environment[Variable] = $"{method.Method.DeclaringType!.FullName}!{method.Method.Name}";
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        bool hasEnded = process.WaitForExit(TimeSpan.FromSeconds(seconds));
        if (!hasEnded)
        {
            process.Kill(entireProcessTree: true);
        }

        return new CommandResult(
            hasEnded ? process.ExitCode : -1, output.Result, hasEnded ? error.Result : $"It did not end in {seconds} s.\n{error.Result}");
    }

    /// <summary>Runs a method that must succeed; gives its output.</summary>
    public static string Check(Action method, int seconds = 60)
    {
        CommandResult result = Run(method, seconds);
        Assert.That(result.Status, Is.Zero, $"{result.Output}{result.Error}");
        return result.Output;
    }

    /// <summary>The child's side.</summary>
    internal static void RunIfAsked()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { } name)
        {
            return;
        }

        string[] parts = name.Split('!');
        MethodInfo method = typeof(ChildProcess).Assembly.GetType(parts[0], throwOnError: true)!
            .GetMethod(parts[1], BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)!;
        try
        {
            method.CreateDelegate<Action>()();
            Environment.Exit(0);
        }
        catch (Exception exception)
        {
            Console.Error.WriteLine(exception);
            Environment.Exit(1);
        }
    }
}
