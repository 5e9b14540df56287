using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using ElfLoader.Tests.EndToEnd;

namespace ElfLoader.Tests.Tools;

/// <summary>A real browser without a window, driven through the Chrome DevTools Protocol.</summary>
internal sealed class Browser : IDisposable
{
    private const string Program = "chromium-headless-shell";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _profile = new();
    private readonly Process _process;
    private readonly ClientWebSocket _socket = new();
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonNode>> _answers = [];
    private int _last;

    public Browser()
    {
        var start = new ProcessStartInfo(Program,
            ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--window-size=1400,900",
                $"--user-data-dir={_profile.Path}", "about:blank"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        _process = Process.Start(start)!;
        _socket.ConnectAsync(Address(), _end.Token).Wait(Patience);
        _ = Task.Run(ReceiveAsync);
    }

    /// <summary>Opens a page and waits until it says that it is ready.</summary>
    public Page Open(string url)
    {
        string target = (string)Send("Target.createTarget", new JsonObject { ["url"] = "about:blank" })["targetId"]!;
        string session = (string)Send(
            "Target.attachToTarget", new JsonObject { ["targetId"] = target, ["flatten"] = true })["sessionId"]!;
        var page = new Page(this, session);
        page.Go(url);
        return page;
    }

    public void Dispose()
    {
        _end.Cancel();
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _socket.Dispose();
        _end.Dispose();
        _profile.Dispose();
    }

    /// <summary>Sends a command and waits for its result.</summary>
    internal JsonNode Send(string method, JsonObject? parameters = null, string? session = null)
    {
        int id = Interlocked.Increment(ref _last);
        var answer = new TaskCompletionSource<JsonNode>(TaskCreationOptions.RunContinuationsAsynchronously);
        _answers[id] = answer;
        var message = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters ?? [] };
        if (session is not null)
        {
            message["sessionId"] = session;
        }

        _socket.SendAsync(
            Encoding.UTF8.GetBytes(message.ToJsonString()), WebSocketMessageType.Text, true, _end.Token).Wait(Patience);
        return answer.Task.Wait(Patience)
            ? answer.Task.Result
            : throw new TimeoutException($"the browser does not answer {method}");
    }

    /// <summary>What the pages have told without being asked: problems, and what they loaded.</summary>
    internal ConcurrentQueue<(string Session, string Method, JsonNode Parameters)> Events { get; } = [];

    private Uri Address()
    {
        const string mark = "DevTools listening on ";
        while (_process.StandardError.ReadLine() is { } line)
        {
            if (line.StartsWith(mark, StringComparison.Ordinal))
            {
                _ = _process.StandardError.ReadToEndAsync();
                return new Uri(line[mark.Length..]);
            }
        }

        throw new InvalidOperationException($"{Program} does not start");
    }

    private async Task ReceiveAsync()
    {
        byte[] buffer = new byte[1 << 16];
        while (!_end.IsCancellationRequested)
        {
            using var message = new MemoryStream();
            WebSocketReceiveResult part;
            do
            {
                part = await _socket.ReceiveAsync(buffer, _end.Token);
                message.Write(buffer, 0, part.Count);
            }
            while (!part.EndOfMessage);

            JsonNode node = JsonNode.Parse(message.ToArray())!;
            if (node["id"] is { } id && _answers.TryRemove((int)id, out TaskCompletionSource<JsonNode>? answer))
            {
                if (node["error"] is { } error)
                {
                    answer.SetException(new InvalidOperationException(error.ToJsonString()));
                }
                else
                {
                    answer.SetResult(node["result"]!);
                }
            }
            else if (node["method"] is { } method)
            {
                Events.Enqueue(((string?)node["sessionId"] ?? "", (string)method!, node["params"]!));
            }
        }
    }

    /// <summary>A page that is open.</summary>
    internal sealed class Page(Browser browser, string session)
    {
        /// <summary>What went wrong in the page: exceptions, violations of its policy, what could not be loaded.</summary>
        public IEnumerable<string> Problems => Own("Runtime.exceptionThrown", "Log.entryAdded").Select(node => node.ToJsonString());

        /// <summary>What the page has asked for.</summary>
        public IEnumerable<string> Requests => Own("Network.requestWillBeSent").Select(node => (string)node["request"]!["url"]!);

        /// <summary>Goes to an address.</summary>
        public void Go(string url)
        {
            foreach (string domain in (string[])["Page", "Runtime", "Log", "Network"])
            {
                browser.Send($"{domain}.enable", null, session);
            }

            browser.Send("Page.navigate", new JsonObject { ["url"] = url }, session);
            WaitFor("document.body?.dataset.ready === 'yes'");
        }

        /// <summary>Evaluates an expression, whose value is text.</summary>
        public string Text(string expression) => (string?)Evaluate($"String({expression})") ?? "";

        /// <summary>Evaluates an expression, whose value is a list of texts.</summary>
        public string[] Texts(string expression) =>
            [.. ((JsonArray)Evaluate($"Array.from({expression}, String)")!).Select(node => (string)node!)];

        /// <summary>Waits until an expression is true.</summary>
        public void WaitFor(string expression)
        {
            for (var clock = Stopwatch.StartNew(); !(bool)Evaluate($"Boolean({expression})")!; Thread.Sleep(20))
            {
                Assert.That(clock.Elapsed, Is.LessThan(Patience), expression);
            }
        }

        /// <summary>Presses a key, as a keyboard does.</summary>
        public void Press(string key)
        {
            foreach (string type in (string[])["keyDown", "keyUp"])
            {
                var parameters = new JsonObject
                {
                    ["type"] = type,
                    ["key"] = key,
                    ["windowsVirtualKeyCode"] = key switch
                    {
                        "Enter" => 13,
                        "Escape" => 27,
                        { Length: 1 } => char.ToUpperInvariant(key[0]),
                        _ => 0,
                    },
                };
                if (type is "keyDown" && (key.Length is 1 || key is "Enter"))
                {
                    parameters["text"] = key is "Enter" ? "\r" : key;
                }

                browser.Send("Input.dispatchKeyEvent", parameters, session);
            }
        }

        /// <summary>Types a text.</summary>
        public void Type(string text)
        {
            foreach (char character in text)
            {
                Press(character.ToString());
            }
        }

        private JsonNode? Evaluate(string expression)
        {
            JsonNode answer = browser.Send(
                "Runtime.evaluate", new JsonObject { ["expression"] = expression, ["returnByValue"] = true }, session);
            return answer["exceptionDetails"] is { } problem
                ? throw new InvalidOperationException($"{expression}: {problem.ToJsonString()}")
                : answer["result"]!["value"];
        }

        private IEnumerable<JsonNode> Own(params string[] methods) =>
            from message in browser.Events
            where message.Session == session && methods.Contains(message.Method)
            select message.Parameters;
    }
}
