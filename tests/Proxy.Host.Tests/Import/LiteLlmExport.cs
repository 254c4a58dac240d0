namespace Proxy.Host.Tests.Import;

/// <summary>A small LiteLLM installation, as CSV exports of its tables and as SQL. Made up.</summary>
internal static class LiteLlmExport
{
    public const string AliceHash = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    public const string BobHash = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    public const string ClearKey = "sk-stored-in-clear-0123456789";

    private const string Keys = """
        token,key_name,key_alias,spend,expires,models,aliases,config,user_id,team_id,max_parallel_requests,metadata,blocked,tpm_limit,rpm_limit,max_budget,budget_duration,budget_reset_at,model_max_budget,budget_id,created_at
        aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,sk-...AAAA,alice,12.5,,"{claude-sonnet-5,""claude-haiku-*""}",{},{},u1,t1,4,"{""cost_center"": ""42"", ""model_rpm_limit"": {""claude-opus-5"": 3}, ""tags"": [""dev""]}",,200000,60,50,30d,2099-01-01 00:00:00,"{""claude-opus-5"": {""budget_limit"": 10, ""time_period"": ""1d""}}",,2026-01-02 03:04:05
        bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb,sk-...BBBB,bob,3,2027-01-01T00:00:00,{},"{""gpt"": ""claude""}",{},,,,{},t,,,,,,{},b1,
        sk-stored-in-clear-0123456789,sk-...6789,"odd ""name"", quoted",0,,{},{},{},,,,{},f,,,,,,{},,
        cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc,sk-...CCCC,broken,0,,{},{},{},,,,{},f,,many,,,,{},,
        """;

    private const string Teams = """
        team_id,team_alias,members_with_roles,metadata,max_budget,spend,models,tpm_limit,rpm_limit,budget_duration,budget_reset_at,blocked
        t1,core,"[{""role"": ""admin"", ""user_id"": ""u1""}]",{},500,100,{},,,30d,2099-01-01 00:00:00,f
        """;

    private const string Users = """
        user_id,user_email,user_role,max_budget,spend,models,budget_duration
        u1,a@b.c,internal_user,5,1,{},1d
        """;

    private const string Budgets = """
        budget_id,max_budget,soft_budget,tpm_limit,rpm_limit,budget_duration,model_max_budget
        b1,20,15,,7,7d,
        b2,9,,,,,
        """;

    private const string Memberships = """
        user_id,team_id,spend,budget_id
        u1,t1,0,b2
        """;

    public static readonly IReadOnlyDictionary<string, string> Tables = new Dictionary<string, string>
    {
        ["LiteLLM_VerificationToken"] = Keys,
        ["LiteLLM_TeamTable"] = Teams,
        ["LiteLLM_UserTable"] = Users,
        ["LiteLLM_BudgetTable"] = Budgets,
        ["LiteLLM_TeamMembership"] = Memberships,
    };

    /// <summary>LiteLLM's own types where they matter (schema.prisma); the broken row has no place in typed columns.</summary>
    public const string Sql = """
        CREATE TABLE "LiteLLM_BudgetTable" (budget_id text PRIMARY KEY, max_budget double precision, soft_budget double precision, tpm_limit bigint, rpm_limit bigint, budget_duration text, model_max_budget jsonb);
        CREATE TABLE "LiteLLM_TeamTable" (team_id text PRIMARY KEY, team_alias text, members_with_roles jsonb DEFAULT '{}', metadata jsonb DEFAULT '{}', max_budget double precision, spend double precision DEFAULT 0,
            models text[], tpm_limit bigint, rpm_limit bigint, budget_duration text, budget_reset_at timestamp(3), blocked boolean DEFAULT false);
        CREATE TABLE "LiteLLM_UserTable" (user_id text PRIMARY KEY, user_email text, user_role text, max_budget double precision, spend double precision DEFAULT 0, models text[], budget_duration text);
        CREATE TABLE "LiteLLM_TeamMembership" (user_id text, team_id text, spend double precision DEFAULT 0, budget_id text);
        CREATE TABLE "LiteLLM_VerificationToken" (token text PRIMARY KEY, key_name text, key_alias text, spend double precision DEFAULT 0, expires timestamp(3), models text[], aliases jsonb DEFAULT '{}',
            config jsonb DEFAULT '{}', user_id text, team_id text, max_parallel_requests integer, metadata jsonb DEFAULT '{}', blocked boolean, tpm_limit bigint, rpm_limit bigint, max_budget double precision,
            budget_duration text, budget_reset_at timestamp(3), model_max_budget jsonb DEFAULT '{}', budget_id text, created_at timestamp(3));
        INSERT INTO "LiteLLM_BudgetTable" VALUES ('b1', 20, 15, NULL, 7, '7d', NULL), ('b2', 9, NULL, NULL, NULL, NULL, NULL);
        INSERT INTO "LiteLLM_TeamTable" VALUES ('t1', 'core', '[{"role": "admin", "user_id": "u1"}]', '{}', 500, 100, '{}', NULL, NULL, '30d', '2099-01-01', false);
        INSERT INTO "LiteLLM_UserTable" VALUES ('u1', 'a@b.c', 'internal_user', 5, 1, '{}', '1d');
        INSERT INTO "LiteLLM_TeamMembership" VALUES ('u1', 't1', 0, 'b2');
        INSERT INTO "LiteLLM_VerificationToken" VALUES
            ('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'sk-...AAAA', 'alice', 12.5, NULL, '{claude-sonnet-5,claude-haiku-*}', '{}', '{}', 'u1', 't1', 4,
             '{"cost_center": "42", "model_rpm_limit": {"claude-opus-5": 3}, "tags": ["dev"]}', NULL, 200000, 60, 50, '30d', '2099-01-01', '{"claude-opus-5": {"budget_limit": 10, "time_period": "1d"}}', NULL, '2026-01-02 03:04:05'),
            ('bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'sk-...BBBB', 'bob', 3, '2027-01-01', '{}', '{"gpt": "claude"}', '{}', NULL, NULL, NULL, '{}', true, NULL, NULL, NULL, NULL, NULL, '{}', 'b1', NULL),
            ('sk-stored-in-clear-0123456789', 'sk-...6789', 'odd "name", quoted', 0, NULL, '{}', '{}', '{}', NULL, NULL, NULL, '{}', false, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL);
        """;
}
