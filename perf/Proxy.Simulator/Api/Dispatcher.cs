using Proxy.Simulator.Records;
using Proxy.Simulator.Scripting;
using Proxy.Simulator.Wire;

namespace Proxy.Simulator.Api;

/// <summary>The life of a request: record it, read its script, let an endpoint plan the answer, write it.</summary>
internal sealed class Dispatcher(SimulatorState state)
{
    private const string Prefix = "x-sim-";
    private readonly FastPath _fast = new(state);
    private readonly ControlEndpoints _control = new(state);
    private readonly bool _defaultsArePlain = FastPath.IsPlain(state.Options.Defaults);

    public async Task HandleAsync(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "/";
        string requestId = state.NextRequestId();
        if (path.StartsWith("/sim/", StringComparison.Ordinal))
        {
            await ControlAsync(context, path, requestId);
            return;
        }

        // 1. Record.
        RequestRecord? arrival = state.Requests.Add(context, requestId);

        // 2. A plain message needs nothing of what follows.
        bool understood = TryReadScript(context, out SimScript? scripted, out string error);
        bool admitted = !state.Options.RequireCredentials || HasCredentials(context);
        bool isMessage = path == "/v1/messages" && HttpMethods.IsPost(context.Request.Method);
        byte[]? body = null;
        if (scripted is null && understood && _defaultsArePlain && isMessage && admitted)
        {
            body = await _fast.AnswerAsync(context, requestId, arrival);
            if (body is null)
            {
                return;
            }
        }

        // 3. Read the body, unless the answer shall come first.
        SimScript script = scripted ?? state.Options.Defaults;
        if (body is null && script.Early == SimEarly.No)
        {
            body = await RequestBody.ReadAsync(context);
            if (arrival is not null)
            {
                arrival.BodySha256 = RequestBody.Hash(body);
                arrival.BodyLength = body.Length;
            }
        }

        // 4. Plan the answer.
        ResponsePlan plan = !understood ? Plans.Error(400, error, requestId)
            : IsProbe(context, path) ? new ResponsePlan { Kind = "probe" }
            : !admitted ? Plans.Error(401, "x-api-key header is required", requestId)
            : script.Status is int status and not 200 ? Plans.Error(status, Plans.MessageOf(status), requestId, script)
            : Route(context, path, body, script, requestId);
        plan.Fields.InsertRange(0, Plans.CommonFields(requestId, plan.Status, script));

        // 5. Enter it into the table of truth before its first byte can be seen, and write it.
        TruthRecord? record = state.Truth.Enabled && plan.Kind != "probe" ? Truth(plan, script, requestId) : null;
        if (record is not null)
        {
            state.Truth.Add(record);
        }

        await new ResponseWriter(context, script, state.Holds, state.Truth, record).SendAsync(plan);
    }

    private ResponsePlan Route(HttpContext context, string path, byte[]? body, SimScript script, string requestId)
    {
        bool get = HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);
        bool post = HttpMethods.IsPost(context.Request.Method);
        const string Batches = "/v1/messages/batches";
        ResponsePlan? plan = null;
        if (post && path == "/v1/messages")
        {
            RequestFacts? facts = body is null
                ? RequestFacts.None with { Stream = script.Early == SimEarly.Sse }
                : RequestFacts.Parse(body, script.Tool);
            plan = facts is null
                ? Plans.Error(400, "The request body is not valid JSON", requestId)
                : MessagesEndpoint.Answer(facts, script, requestId);
        }
        else if (post && (path is "/v1/chat/completions" or "/v1/complete") && body is not null)
        {
            RequestFacts? facts = RequestFacts.Parse(body, script.Tool);
            plan = facts is null ? Plans.Error(400, "The request body is not valid JSON", requestId)
                : path == "/v1/complete" ? CompletionsEndpoint.Complete(facts, script, requestId)
                : CompletionsEndpoint.Chat(body, facts, script, requestId);
        }
        else if (post && path == "/v1/messages/count_tokens")
        {
            plan = SideEndpoints.CountTokens(body?.Length ?? 0, script);
        }
        else if (post && path == Batches)
        {
            plan = SideEndpoints.CreateBatch(body ?? [], state, requestId)
                ?? Plans.Error(400, "requests: expected a list with custom_id in each", requestId);
        }
        else if (get && path.StartsWith(Batches + "/", StringComparison.Ordinal))
        {
            string id = path[(Batches.Length + 1)..];
            plan = id.EndsWith("/results", StringComparison.Ordinal)
                ? SideEndpoints.BatchResults(id[..^"/results".Length], state, script, requestId)
                : SideEndpoints.Batch(id, state);
        }
        else if (get && path == "/v1/models")
        {
            plan = SideEndpoints.Models();
        }
        else if (get && path.StartsWith("/v1/models/", StringComparison.Ordinal))
        {
            plan = SideEndpoints.Model(path["/v1/models/".Length..]);
        }

        return plan ?? Plans.Error(404, "Not found", requestId);
    }

    private async Task ControlAsync(HttpContext context, string path, string requestId)
    {
        bool understood = TryReadScript(context, out SimScript? scripted, out string error);
        SimScript script = (scripted ?? state.Options.Defaults).Clone();
        byte[] body = await RequestBody.ReadAsync(context);
        ResponsePlan plan = understood
            ? await _control.AnswerAsync(context, path, body, script, requestId)
            : Plans.Error(400, error, requestId);
        plan.Fields.Add(new("request-id", requestId));
        await new ResponseWriter(context, script, state.Holds, state.Truth, null).SendAsync(plan);
    }

    /// <summary>The script is null if the request has no x-sim field: then the defaults apply.</summary>
    private bool TryReadScript(HttpContext context, out SimScript? script, out string error)
    {
        script = null;
        error = "";
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in context.Request.Headers)
        {
            if (!name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            script ??= state.Options.Defaults.Clone();
            foreach (string? value in values)
            {
                if (!SimScriptParser.TryApply(script, name[Prefix.Length..].ToLowerInvariant(), value ?? "", out error))
                {
                    // What went wrong must arrive, whatever the fields before it asked for.
                    script = new SimScript();
                    return false;
                }
            }
        }

        return true;
    }

    private static TruthRecord Truth(ResponsePlan plan, SimScript script, string requestId)
    {
        TruthRecord record = new()
        {
            RequestId = requestId,
            Id = script.Id,
            Nonce = script.Nonce,
            Kind = plan.Kind,
            Model = plan.Model,
            Streamed = plan.Streamed,
            Status = plan.Status,
            ErrorType = plan.ErrorType,
            Final = plan.Frames.LastOrDefault(frame => frame.Usage is not null)?.Usage,
            FinalTextBytes = plan.Frames.Sum(frame => (long)frame.TextBytes),
        };
        return record;
    }

    private static bool HasCredentials(HttpContext context)
    {
        string bearer = context.Request.Headers.Authorization.ToString();
        return context.Request.Headers["x-api-key"].ToString().Length > 0
            || (bearer.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) && bearer.Length > "Bearer ".Length);
    }

    private static bool IsProbe(HttpContext context, string path) =>
        path == "/api/hello" || (path == "/" && HttpMethods.IsHead(context.Request.Method));
}
