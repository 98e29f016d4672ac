import { beforeEach, describe, expect, test } from "vitest";
import { sealLink } from "../../../src/access/seals.ts";
import { slackFailure } from "../../../src/slack/app/web-client.ts";
import { breakGlass } from "../../../src/slack/ask/break-glass.ts";
import { reviewEmergency } from "../../../src/slack/decide/decide-commands.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aLease, changed, engineerArn, type LeaseChange } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { keys } from "../../builders/keys.ts";
import { at, minutes } from "../../builders/times.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aSlackContext, noGroups } from "../slack-context.ts";

const policy = `
policy:
  rules: [{ name: everybody }]
  breakGlass: [{ who: [U0ENGINEER, S0ONCALL], level: admin, for: 30m }]
`;
let ledger = memoryLedger();
let context = aSlackContext(ledger, `${configText}${policy}`);

beforeEach(() => {
  ledger = memoryLedger();
  context = aSlackContext(ledger, `${configText}${policy}`);
});

const events = async () => (await ledger.events(1, 100)).map(({ event }) => [event.type, event.actor]);

describe("break-glass", () => {
  test("gives the level of the policy at once, and says what follows", async () => {
    const answer = await breakGlass(context, "U0ENGINEER", `staging ${engineerArn} checkout is down`);

    expect(answer.text).toMatch(/^You took emergency `admin` on `staging` for 30m, until /);
    expect(await ledger.get("r-new")).toMatchObject({
      state: "approved",
      level: "admin",
      durationSeconds: 1800,
      reason: "checkout is down",
      lease: { state: "scheduled" },
    });
    expect(await events()).toEqual([["emergency.taken", "U0ENGINEER"]]);
  });

  test("clicked twice is taken once: one access, one alarm and one review", async () => {
    let made = 0;
    const counting = { ...context, newRequestId: () => `r-new${++made}` };
    const take = () => breakGlass(counting, "U0ENGINEER", `staging ${engineerArn} checkout is down`);

    const [first, second] = await Promise.all([take(), take()]);

    expect(second).toEqual(first);
    expect(await events()).toEqual([["emergency.taken", "U0ENGINEER"]]);
  });

  test("taken again a minute after an error, as the answer asks, is taken once: the first line could be recorded", async () => {
    let [made, seconds] = [0, 0];
    const turns = { ...ledger, takeTurn: async () => true };
    const counting = { ...context, ledger: turns, newRequestId: () => `r-new${++made}`, now: () => at(seconds) };
    const take = () => breakGlass(counting, "U0ENGINEER", `staging ${engineerArn} checkout is down`);
    const first = await take();

    seconds = 90;
    const second = await take();
    seconds = 190;
    const third = await take();

    expect(second).toEqual(first);
    expect(third.text).toContain("(`r-new2`)");
    expect(await ledger.get("r-new3")).toBeNull();
  });

  test.each<[string, LeaseChange]>([
    ["failed", { state: "failed", failure: { code: "level-missing", message: "The level is gone" } }],
    [
      "was revoked, and has not ended",
      { end: { cause: "revoked", by: "U0APPROVER", at: at(0).toISOString(), why: "" } },
    ],
    ["is over, and has not ended", { endsAt: at(-minutes(1)).toISOString() }],
  ])("is taken anew for the same reason where the first access %s", async (_, change) => {
    let made = 0;
    const counting = { ...context, newRequestId: () => `r-new${++made}` };
    const take = () => breakGlass(counting, "U0ENGINEER", `staging ${engineerArn} checkout is down`);
    await take();
    const first = await ledger.get("r-new1");
    if (!first?.lease) throw new Error("The first access has a lease.");
    await ledger.commit(aChange(changed(first, { version: 2, lease: aLease(first.lease, change) }), "lease.failed"));

    const answer = await take();

    expect(answer.text).toContain("(`r-new2`)");
    expect(await ledger.get("r-new2")).toMatchObject({ state: "approved", lease: { state: "scheduled" } });
  });

  test("takes the principal that is linked, where none is written", async () => {
    const seal = sealLink("U0ENGINEER", engineerArn, { by: null, at: at(0).toISOString() }, keys.decision);
    await ledger.linkPrincipal("U0ENGINEER", { arn: engineerArn, seal });

    await breakGlass(context, "U0ENGINEER", "staging checkout is down");

    expect(await ledger.get("r-new")).toMatchObject({ principal: engineerArn, reason: "checkout is down" });
  });

  test("does not take one that a person wrote into Redis: it has to be written then", async () => {
    const seal = sealLink("U0ENGINEER", engineerArn, { by: null, at: at(0).toISOString() }, keys.decision);
    await ledger.linkPrincipal("U0ENGINEER", { arn: engineerArn.replace("engineer", "intruder"), seal });

    await breakGlass(context, "U0ENGINEER", "staging checkout is down");

    expect(await ledger.get("r-new")).toBeNull();
  });

  test("asks for no user groups where the policy names the person", async () => {
    const directory = { ...noGroups, membershipsOf: () => Promise.reject(new Error("no user groups now")) };

    await breakGlass({ ...context, directory }, "U0ENGINEER", `staging ${engineerArn} checkout is down`);

    expect((await ledger.get("r-new"))?.state).toBe("approved");
  });

  test("knows the members of a user group while another one is gone from Slack", async () => {
    const membershipsOf = async (_: string, named: readonly string[]) => {
      if (named.includes("S0GONE")) throw slackFailure({ data: { error: "no_such_subteam" } }, "S0GONE");
      return named.filter((name) => name === "S0ONCALL");
    };
    const text = `${configText}${policy.replace("S0ONCALL", "S0GONE, S0ONCALL")}`;

    await breakGlass(
      aSlackContext(ledger, text, { ...noGroups, membershipsOf }),
      "U0SOMEBODY",
      `staging ${engineerArn} checkout is down`,
    );

    expect(await ledger.get("r-new")).toMatchObject({ state: "approved", approvals: [{ memberships: ["S0ONCALL"] }] });
  });

  test.each([`staging ${engineerArn} checkout is down`, "staging checkout is down", "staging"])(
    "by a person who can't gives nothing, says who can before any mistake of %j, and leaves an event",
    async (line) => {
      const answer = await breakGlass(context, "U0STRANGER", line);

      expect(answer.text).toContain("Only <@U0ENGINEER> or <!subteam^S0ONCALL> can do this.");
      expect(await ledger.get("r-new")).toBeNull();
      expect(await events()).toEqual([["request.refused", "U0STRANGER"]]);
    },
  );

  test.each<[string, string]>([
    ["", "Say which cluster."],
    ["prod because", "There is no cluster prod."],
    [`staging ${engineerArn}`, "Say why you need it."],
    ["staging because", "Say which role or user."],
    ["staging arn:aws:iam::999988887777:role/x because", "is in 999988887777"],
  ])("%j gives nothing, and says what is wrong", async (line, mistake) => {
    const answer = await breakGlass(context, "U0ENGINEER", line);

    expect(answer.text).toContain("No access given.");
    expect(answer.text).toContain(mistake);
    expect(await events()).toEqual([]);
  });
});

describe("the review", () => {
  beforeEach(async () => {
    await breakGlass(context, "U0ENGINEER", `staging ${engineerArn} checkout is down`);
  });

  test("by an approver is recorded with its event", async () => {
    const answer = await reviewEmergency(context, "U0APPROVER", "r-new");

    expect(answer).toBeNull();
    expect(await ledger.get("r-new")).toMatchObject({ emergency: { review: { by: "U0APPROVER" } } });
    expect((await events()).at(-1)).toEqual(["emergency.reviewed", "U0APPROVER"]);
  });

  test.each<[string, readonly string[], string]>([
    ["U0ENGINEER", [], "You can't review your own emergency access. Ask <@U0APPROVER> or <@U0APPROVER2>."],
    ["U0ONCALL", ["U0APPROVER"], "Only approvers of `staging` can do this. Ask <@U0APPROVER2>."],
    [
      "U0ENGINEER",
      ["U0APPROVER", "U0APPROVER2"],
      "You can't review your own emergency access. Ask an operator to add approvers.",
    ],
  ])("by %s, when %j have left Slack, is refused: %s", async (user, gone, sentence) => {
    const accountOf = async (id: string) => (gone.includes(id) ? "deactivated" : "active");
    const now = { ...context, directory: { ...noGroups, accountOf } } as const;

    expect((await reviewEmergency(now, user, "r-new"))?.text).toBe(sentence);
    expect(await ledger.get("r-new")).toMatchObject({ emergency: { review: null } });
  });

  test("a second time says who was first", async () => {
    await reviewEmergency(context, "U0APPROVER", "r-new");

    expect((await reviewEmergency(context, "U0APPROVER2", "r-new"))?.text).toContain("<@U0APPROVER> reviewed it");
  });
});
