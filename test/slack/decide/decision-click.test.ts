import { beforeEach, describe, expect, test } from "vitest";
import type { EventType } from "../../../src/access/audit-event.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { sealLink } from "../../../src/access/seals.ts";
import type { SlackContext } from "../../../src/slack/app/context.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aDecision, aPreviewedRequest, revise } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { at } from "../../builders/times.ts";
import { click } from "../../fault/click.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aSlackContext } from "../slack-context.ts";

const policy = `
policy:
  rules:
    - name: two for everything
      approvals: 2
`;
let ledger = memoryLedger();
let context = aSlackContext(ledger);
let request: AccessRequest;

beforeEach(async () => {
  ledger = memoryLedger();
  context = aSlackContext(ledger, `${configText}${policy}`);
  const cluster = context.config.clusters.get("staging");
  request = { ...aPreviewedRequest({}, null, cluster), version: 1 };
  await ledger.commit(aChange(request));
});

async function eventTypes(): Promise<readonly EventType[]> {
  return (await ledger.events(2, 100)).map(({ event }) => event.type);
}

describe("if two people must approve", () => {
  test("the first learns what is missing, the second gives the lease", async () => {
    const first = await click(context, "approved", request, "U0APPROVER");
    const second = await click(context, "approved", request, "U0APPROVER2");

    expect(first).toEqual(["Approved. Needs 1 more approval, from <@U0APPROVER2>."]);
    expect(second).toEqual([]);
    expect(await ledger.get(request.id)).toMatchObject({ state: "approved", lease: { state: "scheduled" } });
    expect(await eventTypes()).toEqual(["approval.given", "request.approved"]);
  });

  test("both at once count, no matter who writes first", async () => {
    await Promise.all(["U0APPROVER", "U0APPROVER2"].map((user) => click(context, "approved", request, user)));

    const after = await ledger.get(request.id);
    expect(after?.state).toBe("approved");
    expect(after?.approvals.map(({ by }) => by).toSorted()).toEqual(["U0APPROVER", "U0APPROVER2"]);
  });
});

describe("an attempt gives nothing, and is in the audit log:", () => {
  const refusals = async () =>
    (await ledger.events(1, 100)).flatMap(({ event }) =>
      event.type === "decision.refused" ? [event.detail.code] : [],
    );

  test("a second click of one approver", async () => {
    await click(context, "approved", request, "U0APPROVER");
    await click(context, "approved", request, "U0APPROVER");

    expect(await ledger.get(request.id)).toMatchObject({ state: "pending", lease: null });
    expect(await refusals()).toEqual(["approved-already"]);
  });

  test("an approval by a person who is linked with the principal, who can still deny", async () => {
    const link = { by: "U0APPROVER", at: at(0).toISOString() };
    const seal = sealLink("U0APPROVER", request.principal, link, context.keys.decision);
    await ledger.linkPrincipal("U0APPROVER", { arn: request.principal, seal });

    const answered = await click(context, "approved", request, "U0APPROVER");

    expect(answered).toEqual([
      `\`${request.principal}\` is, or was this week, your own identity. Ask another approver.`,
    ]);
    expect(await ledger.get(request.id)).toMatchObject({ state: "pending", approvals: [] });
    expect(await refusals()).toEqual(["own-principal"]);
    await click(context, "denied", request, "U0APPROVER");
    expect((await ledger.get(request.id))?.state).toBe("denied");
  });

  test("an approval that a person wrote into Redis, with the next true one", async () => {
    const digest = request.preview?.digest ?? "";
    const forged = aDecision({ by: "U0APPROVER2", at: request.createdAt, digest });
    await ledger.commit(aChange(revise(request, { approvals: [forged] }), "request.previewed"));

    await click(context, "approved", request, "U0APPROVER");

    expect(await ledger.get(request.id)).toMatchObject({ state: "pending", approvals: [{ by: "U0APPROVER" }] });
    expect(await refusals()).toEqual(["no-seal"]);
    const [event] = (await ledger.events(1, 100)).filter(({ event }) => event.type === "decision.refused");
    expect(event?.event).toMatchObject({ actor: "slack", request: request.id, detail: { claimed: ["U0APPROVER2"] } });
  });

  test("approvals that a person wrote into Redis, and Slack is asked about no one of them", async () => {
    const asked: string[] = [];
    const accountOf: SlackContext["directory"]["accountOf"] = (user) => {
      asked.push(user);
      return context.directory.accountOf(user);
    };
    const idsOf: SlackContext["directory"]["idsOf"] = (user) => {
      asked.push(user);
      return context.directory.idsOf(user);
    };
    const digest = request.preview?.digest ?? "";
    const forged = ["U0FORGED1", "U0FORGED2"].map((by) => aDecision({ by, at: request.createdAt, digest }));
    await ledger.commit(aChange(revise(request, { approvals: forged }), "request.previewed"));
    const asking = { ...context, directory: { ...context.directory, accountOf, idsOf } };

    await click(asking, "approved", request, "U0APPROVER");

    expect(await ledger.get(request.id)).toMatchObject({ approvals: [{ by: "U0APPROVER" }] });
    expect(asked).toContain("U0APPROVER");
    expect(asked.filter((user) => user.startsWith("U0FORGED"))).toEqual([]);
  });

  test("a click of the requester", async () => {
    await click(context, "approved", request, "U0ENGINEER");

    expect(await refusals()).toEqual(["self-approval"]);
  });

  test("a click of a person who can't", async () => {
    await click(context, "approved", request, "U0ONCALL");

    expect(await refusals()).toEqual(["not-an-approver"]);
  });

  test("an old button, of a change that is another one now", async () => {
    const preview = request.preview && { ...request.preview, digest: "f".repeat(64) };
    await ledger.commit(aChange(revise(request, { preview }), "request.previewed"));

    await click(context, "approved", request, "U0APPROVER");

    expect(await refusals()).toEqual(["change-differs"]);
    expect(await ledger.get(request.id)).toMatchObject({ state: "pending", approvals: [] });
  });

  test("an old button, played again after the decision about the new change", async () => {
    const old = { ...request, preview: request.preview && { ...request.preview, digest: "e".repeat(64) } };
    await click(context, "denied", request, "U0APPROVER");

    await click(context, "approved", old, "U0APPROVER2");

    expect(await refusals()).toEqual(["already-decided"]);
    expect((await ledger.get(request.id))?.state).toBe("denied");
  });
});

test("a click that came second learns who was first, and is in the audit log", async () => {
  await click(context, "denied", request, "U0APPROVER");

  const answers = await click(context, "approved", request, "U0APPROVER2");

  expect(answers.join()).toContain("Already handled. Denied by <@U0APPROVER>");
  expect(await eventTypes()).toEqual(["request.denied", "decision.refused"]);
});

test.each<[string, Partial<AccessRequest>, string]>([
  ["expired", { expiresAt: at(0).toISOString() }, "expired"],
  ["was cancelled", { state: "cancelled" }, "already-decided"],
  ["the worker looks at again", { preview: null }, "no-preview"],
])("a click on a request that %s is in the audit log, and leaves the record as it is", async (_name, change, code) => {
  await ledger.commit(aChange(revise(request, change), "request.previewed"));

  await click(context, "approved", request, "U0APPROVER");

  const [last] = (await ledger.events(3, 10)).map(({ event }) => event);
  expect(last).toMatchObject({ type: "decision.refused", actor: "U0APPROVER", request: request.id, detail: { code } });
  expect((await ledger.get(request.id))?.version).toBe(2);
});
