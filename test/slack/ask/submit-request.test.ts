import { describe, expect, test } from "vitest";
import { AccessError } from "../../../src/access/access-error.ts";
import { readRequest } from "../../../src/access/ask/read-request.ts";
import { splitRequestLine } from "../../../src/access/ask/request-line.ts";
import { arnsOf } from "../../../src/access/identities.ts";
import type { SlackContext } from "../../../src/slack/app/context.ts";
import { extensionAnswer } from "../../../src/slack/ask/extend.ts";
import { askFor, requestedAnswer, submitRequest } from "../../../src/slack/ask/submit-request.ts";
import { milestoneOf } from "../../../src/slack/show/requester-message.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aLeasedRequest, engineerArn } from "../../builders/a-request.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";
import { aSlackContext, noGroups } from "../slack-context.ts";

const ledger = memoryLedger();
const line = `staging ${engineerArn} viewer for 1h the deployment of checkout hangs`;

function under(policy: string, groups: readonly string[] = []): SlackContext {
  const directory = {
    ...noGroups,
    membershipsOf: async (_: string, named: readonly string[]) => groups.filter((group) => named.includes(group)),
  };
  return aSlackContext(ledger, `${configText}${policy}`, directory);
}

async function submit(context: SlackContext, id: string, typed = line) {
  const reading = readRequest(splitRequestLine(typed, context.config.clusters), context.config.clusters);
  if (reading.type === "mistakes") throw new Error(reading.corrected);
  return submitRequest({ ...context, newRequestId: () => id }, "U0ENGINEER", reading.requested);
}

const policy = "policy: { rules: [{ name: engineers, who: [S0ENGINEERS] }] }";

describe("what the policy does not let a person ask for", () => {
  test("is refused at once, reported in the answer alone, and leaves an event and no record", async () => {
    const request = await submit(under(policy), "r-refused");

    const [event] = (await ledger.events(1, 100)).filter((each) => each.event.type === "request.refused");
    expect(request).toMatchObject({ state: "refused", refusal: { code: "no-rule" } });
    expect(requestedAnswer(request).text).toBe(
      "No request made. The policy does not let you ask for viewer on staging.",
    );
    expect(extensionAnswer(request, aLeasedRequest({})).text).toBe(requestedAnswer(request).text);
    expect(milestoneOf(request, undefined)).toBeNull();
    expect(event?.event).toMatchObject({ type: "request.refused", actor: "U0ENGINEER", detail: { code: "no-rule" } });
    expect(await ledger.linksOf("U0ENGINEER")).toEqual([]);
    expect(await ledger.get(request.id)).toBeNull();
  });
});

describe("what only the time of night refuses", () => {
  const night = "hours: { zone: UTC, days: [mon], from: '01:00', to: '02:00' }";
  const rules = `policy: { rules: [{ name: day, who: [U0ENGINEER, U0ONCALL], ${night} }], breakGlass: [{ who: [U0ONCALL], level: admin, for: 10m }] }`;
  const onCall = configText.replace("    levels:", "    onCall: [U0ONCALL]\n    levels:");

  async function ask(user: string, text: string) {
    const context = aSlackContext(memoryLedger(), text);
    const reading = readRequest(splitRequestLine(line, context.config.clusters), context.config.clusters);
    if (reading.type === "mistakes") throw new Error(reading.corrected);
    return textOfBlocks((await askFor(context, user, reading.requested)).message);
  }

  test.each([
    ["outside the hours", `${onCall}${rules}`, "viewer on staging takes requests only Mon, 01:00 to 02:00 (UTC)."],
    [
      "on a quiet cluster",
      `${onCall.replace("    levels:", "    quiet: the sale runs\n    levels:")}${rules}`,
      "staging takes no requests now: the sale runs.",
    ],
  ])("names who is on call, or offers emergency access to who may take it: %s", async (_, text, why) => {
    expect(await ask("U0ENGINEER", text)).toBe(`No request made. ${why} In an emergency, ask <@U0ONCALL>.`);
    expect(await ask("U0ONCALL", text)).toBe(`No request made. ${why}\n[Emergency access]`);
  });

  test("is not said of what the policy never gives", async () => {
    expect(await ask("U0STRANGER", `${onCall}${rules}`)).toBe(
      "No request made. The policy does not let you ask for viewer on staging.",
    );
  });
});

describe("what the policy lets a person ask for", () => {
  test("waits for the worker, and remembers what the policy went by", async () => {
    const request = await submit(under(policy, ["S0ENGINEERS", "S0OTHERS"]), "r-allowed");

    expect(request).toMatchObject({ state: "pending", requesterFacts: { memberships: ["S0ENGINEERS"], linked: null } });
    expect(arnsOf(await ledger.linksOf("U0ENGINEER"))).toEqual([engineerArn]);
  });

  test("links a person once in each AWS account, and never again", async () => {
    const own = memoryLedger();
    const context = { ...under(policy, ["S0ENGINEERS"]), ledger: own };
    const link = { arn: `${engineerArn}-of-before`, seal: null };
    await own.linkPrincipal("U0ENGINEER", link);

    const request = await submit(context, "r-for-another");

    expect(request.state).toBe("pending");
    expect(await own.linksOf("U0ENGINEER")).toEqual([link]);
  });

  test("makes no link where a rule uses links", async () => {
    const links =
      "policy: { rules: [{ name: own, levels: [admin], principals: { linkedOnly: true } }, { name: rest }] }";
    const other = memoryLedger();

    await submit({ ...under(links), ledger: other }, "r-linked");

    expect(await other.linksOf("U0ENGINEER")).toEqual([]);
  });
});

test("nothing is recorded where Slack can't say who a person is", async () => {
  const context = under(policy);
  const directory = { ...noGroups, membershipsOf: () => Promise.reject(new Error("no answer")) };

  await expect(submit({ ...context, directory }, "r-unknown")).rejects.toThrow("no answer");
  expect(await ledger.get("r-unknown")).toBeNull();
});

test("a lease for everyone with a role is refused where the rule says so, with what to ask for instead", async () => {
  const context = under("policy: { rules: [{ name: persons, shared: refuse }] }");
  const forRole = line.replace(engineerArn, "arn:aws:iam::111122223333:role/developers");

  const request = await submit(context, "r-shared", forRole);

  expect(request.refusal).toEqual({
    code: "shared",
    message:
      'viewer on staging is for one person only: everyone who can assume developers would get it. Ask for an IAM user. An operator can allow it with shared: warn in the rule "persons".',
  });
  expect((await ledger.events(1, 100)).at(-1)?.event).toMatchObject({
    type: "request.refused",
    detail: { code: "shared", rule: "persons", admits: "everyone who can assume developers" },
  });
});

describe("what no one could approve now", () => {
  const withAccounts = (left: readonly string[]) => {
    const context = under("policy: { rules: [{ name: two, approvals: 2 }] }");
    const accountOf = async (user: string) => (left.includes(user) ? ("deactivated" as const) : ("active" as const));
    return { ...context, directory: { ...context.directory, accountOf } };
  };

  test("is refused with the reason and who can remedy it, and is in the audit log", async () => {
    const request = await submit(withAccounts(["U0APPROVER2"]), "r-alone");

    expect(request.refusal).toEqual({
      code: "too-few-approvers",
      message:
        "viewer on staging needs 2 approvals, but only 1 approver is active in Slack. An operator can add approvers for the cluster staging.",
    });
    expect((await ledger.events(1, 100)).at(-1)?.event).toMatchObject({
      type: "request.refused",
      detail: { code: "too-few-approvers", rule: "two" },
    });
  });

  test("is asked for as usual while Slack can't say who is active", async () => {
    const context = withAccounts([]);
    const directory = { ...context.directory, accountOf: () => Promise.reject(new Error("Slack is away")) };

    expect((await submit({ ...context, directory }, "r-unsure")).state).toBe("pending");
  });
});

test("a request that is recorded reads as requested, also if Redis fails right after it", async () => {
  const gone = () => Promise.reject(new AccessError("ledger-unreachable", "Redis did not answer"));
  const failing = { ...memoryLedger(), linkPrincipal: gone };

  const request = await submit(aSlackContext(failing), "r-recorded");

  expect(requestedAnswer(request).text).toContain("Requested `viewer` on `staging` for 1h (`r-recorded`).");
  expect(await failing.get("r-recorded")).toMatchObject({ state: "pending" });
});
