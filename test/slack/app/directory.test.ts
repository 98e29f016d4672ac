import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type SandboxSlack, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { type SharedGroups, sealGroups } from "../../../src/access/shared-lists.ts";
import { type GroupsPlace, slackDirectory } from "../../../src/slack/app/directory.ts";
import { checkApprovers } from "../../../src/slack/app/people-called.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { keys, otherKeys } from "../../builders/keys.ts";
import { at } from "../../builders/times.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aClient } from "../../sandbox/slack/a-client.ts";

type Groups = Omit<SharedGroups, "seal">;

let slack: SandboxSlack;
let calls: string[];
let seconds: number;

beforeEach(async () => {
  calls = [];
  seconds = 0;
  slack = await startSandboxSlack({ rateLimits: false, onCall: ({ call }) => void calls.push(call) });
  slack.addUsergroup("S0PLATFORM", ["U0APPROVER", "U0APPROVER2"]);
});

afterEach(() => slack.stop());

const directory = () => slackDirectory(aClient(slack), () => at(seconds));

describe("a person is of", () => {
  test("the user groups and the e-mail domain that are named, and of no other", async () => {
    const memberships = await directory().membershipsOf("U0APPROVER", ["S0PLATFORM", "@example.com", "@example.org"]);

    expect(memberships).toEqual(["@example.com", "S0PLATFORM"]);
  });

  test("nothing, where nothing is named, and Slack is not even asked", async () => {
    expect(await directory().membershipsOf("U0APPROVER", [])).toEqual([]);
    expect(calls).toEqual([]);
  });

  test("no domain, once their account is deactivated", async () => {
    slack.deactivate("U0APPROVER");

    expect(await directory().membershipsOf("U0APPROVER", ["S0PLATFORM", "@example.com"])).toEqual([]);
  });

  test("no domain, where Slack knows no one of that id", async () => {
    expect(await directory().membershipsOf("U0NOBODY", ["@example.com"])).toEqual([]);
  });
});

describe("an account", () => {
  const told = { id: "U0APPROVER", deleted: false, is_bot: false };

  test.each<[string, (team: string) => object, string]>([
    ["of this workspace is active", (team) => ({ ...told, team_id: team }), "active"],
    ["of a guest is a guest's", (team) => ({ ...told, team_id: team, is_restricted: true }), "guest"],
    [
      "of a guest of one channel is a guest's",
      (team) => ({ ...told, team_id: team, is_ultra_restricted: true }),
      "guest",
    ],
    [
      "of its organization, who is in this workspace too, is active",
      (team) => ({ ...told, team_id: "T0HOME", enterprise_user: { teams: ["T0HOME", team] } }),
      "active",
    ],
    [
      "of another workspace is not ours, by a shared channel either",
      () => ({ ...told, team_id: "T0OTHERS" }),
      "of-another-workspace",
    ],
    ["of a stranger is not ours", (team) => ({ ...told, team_id: team, is_stranger: true }), "of-another-workspace"],
    ["that is deactivated is so", (team) => ({ ...told, team_id: team, deleted: true }), "deactivated"],
    [
      "of another workspace of the organization is not ours, if the app is in one workspace",
      () => ({ ...told, team_id: "T0HOME", enterprise_user: { enterprise_id: "E0ORG", teams: ["T0HOME"] } }),
      "of-another-workspace",
    ],
    ["of a bot is nobody's", (team) => ({ ...told, team_id: team, is_bot: true }), "bot"],
  ])("%s", async (_name, user, account) => {
    const { team_id: team = "" } = await aClient(slack).auth.test();
    const body = JSON.stringify({ ok: true, user: user(team) });
    slack.faults.plan("slack.users.info", { type: "answer", status: 200, body });

    expect(await directory().accountOf("U0APPROVER")).toBe(account);
  });

  test.each<[string, object, string]>([
    ["any of its workspaces is active", { enterprise_user: { enterprise_id: "E0ORG", teams: ["T0HOME"] } }, "active"],
    ["another organization is not ours", { enterprise_user: { enterprise_id: "E0OTHER" } }, "of-another-workspace"],
    ["no organization is not ours", {}, "of-another-workspace"],
  ])("of %s, where the app is installed for an organization", async (_name, user, account) => {
    const wide = { ok: true, team_id: "E0ORG", enterprise_id: "E0ORG", is_enterprise_install: true };
    const info = { ok: true, user: { ...told, team_id: "T0HOME", ...user } };
    slack.faults.plan("slack.auth.test", { type: "answer", status: 200, body: JSON.stringify(wide) });
    slack.faults.plan("slack.users.info", { type: "answer", status: 200, body: JSON.stringify(info) });

    expect(await directory().accountOf("U0APPROVER")).toBe(account);
  });

  test("that Slack does not know is no one's", async () => {
    expect(await directory().accountOf("U0NOBODY")).toBe("unknown");
  });
});

test.each<[string, object, string | null]>([
  ["that Slack has confirmed counts", { is_email_confirmed: true }, "Bob@example.com"],
  ["that Slack has not confirmed does not", { is_email_confirmed: false }, null],
  ["of which Slack does not say so does not", {}, null],
  ["of a guest does not", { is_email_confirmed: true, is_restricted: true }, null],
  ["of a deactivated account does not", { is_email_confirmed: true, deleted: true }, null],
  ["that the app may not read does not", { is_email_confirmed: true, profile: {} }, null],
])("an email address %s", async (_name, change, email) => {
  const { team_id } = await aClient(slack).auth.test();
  const user = { id: "U0APPROVER", team_id, profile: { email: "Bob@example.com" }, ...change };
  const body = JSON.stringify({ ok: true, user });
  slack.faults.plan("slack.users.info", { type: "answer", status: 200, body });

  const asked = directory();

  expect(await asked.emailOf("U0APPROVER")).toBe(email);
  expect(await asked.membershipsOf("U0APPROVER", ["@example.com"])).toEqual(email === null ? [] : ["@example.com"]);
});

describe("an answer of Slack", () => {
  test("counts for half a minute, and then Slack is asked again", async () => {
    const asked = directory();
    await asked.membershipsOf("U0ONCALL", ["S0PLATFORM"]);
    slack.addUsergroup("S0PLATFORM", ["U0ONCALL"]);

    const before = await asked.membershipsOf("U0ONCALL", ["S0PLATFORM"]);
    seconds = 31;
    const after = await asked.membershipsOf("U0ONCALL", ["S0PLATFORM"]);

    expect(before).toEqual([]);
    expect(after).toEqual(["S0PLATFORM"]);
  });

  test("is asked for once by many at once", async () => {
    const asked = directory();

    await Promise.all(
      ["U0APPROVER", "U0ONCALL", "U0ENGINEER"].map((user) => asked.membershipsOf(user, ["S0PLATFORM"])),
    );

    expect(calls).toHaveLength(1);
  });

  test("that is unknown is not guessed, and not kept", async () => {
    const asked = directory();

    const remedy = "Remove it from eks-access.yml.";
    await expect(asked.membershipsOf("U0ONCALL", ["S0GONE"])).rejects.toMatchObject({ code: "slack-refused", remedy });
    slack.addUsergroup("S0GONE", ["U0ONCALL"]);
    expect(await asked.membershipsOf("U0ONCALL", ["S0GONE"])).toEqual(["S0GONE"]);
  });
});

describe("a user group", () => {
  const answer = (users: readonly string[]) => {
    const body = JSON.stringify({ ok: true, usergroups: [{ id: "S0PLATFORM", users }] });
    slack.faults.plan("slack.usergroups.list", { type: "answer", status: 200, body });
  };

  test("is read with all others in one call", async () => {
    slack.addUsergroup("S0OTHERS", ["U0ONCALL"]);
    const asked = directory();

    expect(await asked.membersOf("S0PLATFORM")).toEqual(["U0APPROVER", "U0APPROVER2"]);
    expect(await asked.membersOf("S0OTHERS")).toEqual(["U0ONCALL"]);
    expect(calls).toEqual(["slack.usergroups.list"]);
  });

  test.each<[string, object]>([
    ["Slack takes no more of these calls now", { ok: false, error: "ratelimited" }],
    ["all of them are too many for one answer", { ok: true, usergroups: Array(30_000).fill("S0") }],
  ])("is asked for alone where %s", async (_why, told) => {
    slack.faults.plan("slack.usergroups.list", { type: "answer", status: 200, body: JSON.stringify(told) });

    expect(await directory().membersOf("S0PLATFORM")).toEqual(["U0APPROVER", "U0APPROVER2"]);
  });

  test("is not empty where an answer of Slack does not say who is in it: a looser rule of the policy could decide", async () => {
    const body = JSON.stringify({ ok: true });
    for (const call of ["slack.usergroups.list", "slack.usergroups.users.list"])
      slack.faults.plan(call, { type: "answer", status: 200, body });

    const asked = directory().membershipsOf("U0APPROVER", ["S0PLATFORM"]);

    await expect(asked).rejects.toMatchObject({ code: "slack-unreachable" });
  });

  test("of more people than a policy can mean is refused", async () => {
    answer(Array.from({ length: 10_001 }, (_, index) => `U0${index}`));

    await expect(directory().membersOf("S0PLATFORM")).rejects.toMatchObject({ code: "answer-too-large" });
  });
});

describe("a level without enough approvers who are still there", () => {
  const look = async (change: Parameters<typeof aCluster>[0] = {}) => checkApprovers(directory(), [aCluster(change)]);
  const namesIn = (levels: readonly { level: { name: string } }[]) => levels.map(({ level }) => level.name);

  test("is found, whether people, a user group or none that there is approve", async () => {
    slack.deactivate("U0APPROVER");
    slack.deactivate("U0APPROVER2");

    const byName = await look();
    const byGroup = await look({ approvers: ["S0PLATFORM"] });
    const byNone = await look({ approvers: ["S0GONE"] });

    expect(namesIn(byName.tooFew)).toEqual(["viewer", "admin"]);
    expect(byName.tooFew[0]).toMatchObject({ needed: 1, active: [], inactive: ["U0APPROVER", "U0APPROVER2"] });
    expect(byGroup.tooFew[0]).toMatchObject({ active: [], inactive: ["S0PLATFORM"] });
    expect(byNone.tooFew[0]).toMatchObject({ active: [], inactive: ["S0GONE"] });
  });

  test("is not inactive while one of them is active, and Slack is asked about no more than needed", async () => {
    const { tooFew, enough, unanswered } = await look();

    expect([tooFew, unanswered, namesIn(enough)]).toEqual([[], [], ["viewer", "admin"]]);
    expect(calls.filter((call) => call === "slack.users.info")).toHaveLength(1);
  });

  test("is not reported where Slack does not answer, which is then not asked on", async () => {
    slack.faults.plan("slack.users.info", { type: "answer", status: 500 }, { times: 10 });

    expect(namesIn((await look()).unanswered)).toEqual(["viewer", "admin"]);
    expect(calls.filter((call) => call === "slack.users.info")).toHaveLength(1);
  });
});

describe("Slack processes with one ledger", () => {
  const place = () => ({ ledger: memoryLedger(), keys: keys.decision });
  const another = (shared: GroupsPlace) => slackDirectory(aClient(slack), () => at(seconds), { shared });
  const forging: readonly (readonly [string, (groups: Groups, seal: string) => SharedGroups])[] = [
    ["with a person added in Redis", (groups, seal) => ({ ...groups, groups: { S0PLATFORM: ["U0ENGINEER"] }, seal })],
    ["of another workspace", (groups) => sealGroups({ ...groups, workspace: "T0OTHER" }, keys.decision)],
    ["of the future", (groups) => sealGroups({ ...groups, at: at(3600).toISOString() }, keys.decision)],
    ["of other keys", (groups) => sealGroups(groups, otherKeys.decision)],
  ];

  test("ask Slack once for all user groups", async () => {
    const shared = place();

    for (let each = 0; each < 3; each += 1) expect(await another(shared).membersOf("S0PLATFORM")).toHaveLength(2);

    expect(calls).toEqual(["slack.usergroups.list"]);
  });

  test("that need the answer at once make one call", async () => {
    const shared = place();

    const answers = await Promise.all([1, 2, 3].map(() => another(shared).membersOf("S0PLATFORM")));

    expect(answers.map((people) => people.length)).toEqual([2, 2, 2]);
    expect(calls).toEqual(["slack.usergroups.list"]);
  });

  test("ask Slack themselves if the one that asks dies", async () => {
    const shared = place();
    await shared.ledger.takeTurn("user-groups-", 60_000);

    expect(await another(shared).membersOf("S0PLATFORM")).toHaveLength(2);
  });

  test("believe a shared answer no longer than the one that asked", async () => {
    const shared = place();
    await another(shared).membersOf("S0PLATFORM");
    slack.addUsergroup("S0PLATFORM", []);
    const late = another(shared);
    seconds = 29;
    const soon = await late.membersOf("S0PLATFORM");
    seconds = 31;

    expect([soon, await late.membersOf("S0PLATFORM")]).toEqual([["U0APPROVER", "U0APPROVER2"], []]);
  });

  test("do not accept an old answer that returned to Redis", async () => {
    const shared = place();
    await another(shared).membersOf("S0PLATFORM");
    const { seal, ...old } = (await shared.ledger.userGroups()) as SharedGroups;
    slack.addUsergroup("S0PLATFORM", []);
    seconds = 31;
    await shared.ledger.shareUserGroups({ ...old, seal });
    const first = await another(shared).membersOf("S0PLATFORM");
    await shared.ledger.shareUserGroups({ ...old, at: at(31).toISOString(), seal });

    expect([first, await another(shared).membersOf("S0PLATFORM")]).toEqual([[], []]);
  });

  test.each(forging)("do not believe an answer %s", async (_what, forge) => {
    const shared = place();
    await another(shared).membersOf("S0PLATFORM");
    const { seal, ...groups } = (await shared.ledger.userGroups()) as SharedGroups;
    await shared.ledger.shareUserGroups(forge(groups, seal));
    slack.addUsergroup("S0PLATFORM", ["U0ONCALL"]);

    expect(await another(shared).membersOf("S0PLATFORM")).toEqual(["U0ONCALL"]);
  });

  test("ask Slack where the ledger does not answer", async () => {
    const lost = () => Promise.reject(new Error("Redis is away"));
    const shared = { ledger: { userGroups: lost, shareUserGroups: lost, takeTurn: lost }, keys: keys.decision };

    expect(await another(shared).membersOf("S0PLATFORM")).toHaveLength(2);
  });
});

describe("a person with an id of the organization and an older one of the workspace", () => {
  beforeEach(() => slack.joinOrganization("E0ORG", { U0APPROVER: "W0APPROVER" }));

  test.each(["U0APPROVER", "W0APPROVER"])("has one id, whichever Slack names: %s", async (named) => {
    expect(await directory().idOf(named)).toBe("W0APPROVER");
  });

  test("is in the user group that has the older id, and in a policy that names it", async () => {
    const asked = directory();
    await asked.accountOf("W0APPROVER");

    const memberships = await asked.membershipsOf("W0APPROVER", ["S0PLATFORM", "U0APPROVER", "U0APPROVER2"]);

    expect(memberships).toEqual(["S0PLATFORM", "U0APPROVER"]);
  });

  test("counts once as an approver that a policy names twice", async () => {
    const named = aCluster({ approvers: ["U0APPROVER", "W0APPROVER"] });
    const rules = named.rules.map((rule) => ({ ...rule, approvals: 2 }));

    const { enough, tooFew } = await checkApprovers(directory(), [{ ...named, rules }]);

    expect(enough).toEqual([]);
    expect(tooFew[0]).toMatchObject({ active: ["W0APPROVER"], needed: 2 });
  });

  test("keeps the id that Slack sent where the other is of another organization", async () => {
    const { team_id } = await aClient(slack).auth.test();
    const user = { id: "U0APPROVER", team_id, enterprise_user: { id: "W0ENGINEER", enterprise_id: "E0OTHER" } };
    const body = JSON.stringify({ ok: true, user });
    slack.faults.plan("slack.users.info", { type: "answer", status: 200, body });

    expect(await directory().idOf("U0APPROVER")).toBe("U0APPROVER");
  });
});
