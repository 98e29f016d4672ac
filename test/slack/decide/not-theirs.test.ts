import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { deniedRequest } from "../../../src/access/request/request.ts";
import { aLeasedRequest, anApprovedRequest, aPreviewedRequest } from "../../builders/a-request.ts";
import { at, hours } from "../../builders/times.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

let app: SlackApp;
let count = 0;

beforeAll(async () => {
  app = await aSlackApp();
});
afterAll(() => app.stop());

/** In this configuration they approve nothing, and are not on call. */
const stranger = "U0ONCALL";
const nextId = () => `r-others${++count}`;
const reminders = { sent: 0, nextAt: at(hours(20)).toISOString() };
const say = async (user: string, line: string) => textOf(await app.say(user, line));

describe("who may not see a request", () => {
  const secret = "the vault is open";
  const [approval] = anApprovedRequest().approvals;

  test.each(["approve", "deny", "revoke", "cancel"])("learns nothing of how it ended with a typed %s", async (word) => {
    const pending = aPreviewedRequest({ id: nextId() });
    const denial = { ...(approval ?? expect.unreachable()), verdict: "denied" as const, why: secret };
    await app.put(deniedRequest(pending, denial));

    const answers = await Promise.all(
      [stranger, "U0APPROVER"].map((user) => say(user, `${word} ${pending.id} please`)),
    );

    expect(answers[0]).not.toContain(secret);
    if (word === "approve") expect(answers).toEqual(["Already handled.", expect.stringContaining(secret)]);
  });

  test("learns nothing of a revoked lease: neither why, nor what its principal still has", async () => {
    const end = { cause: "revoked", by: "U0APPROVER", at: at(hours(1)).toISOString(), why: secret } as const;
    const { id } = await app.put(aLeasedRequest({ end }, { id: nextId() }));

    expect(await say(stranger, `revoke ${id}`)).toBe(
      "Only <@U0ENGINEER>, <@U0APPROVER> or <@U0APPROVER2> can revoke this.",
    );
    expect(await say(stranger, `approve ${id}`)).toBe("Already handled.");
  });

  test("reads who can press Request again", async () => {
    const { id } = await app.put(aPreviewedRequest({ id: nextId(), state: "cancelled" }));

    await app.person(stranger).click(await app.show(id), "Request again");
    const view = await app.slack.until(() => app.person(stranger).view());

    expect(textOf(view)).toBe(
      `Request again\nOnly <@U0ENGINEER> can request \`${id}\` again. For your own access: \`/eks-access request\`.`,
    );
  });
});

test.each(["`r-COPIED`", "R-copied.", "r-copied please"])("a typed id is read as people copy it: %s", async (id) => {
  if (!(await app.ledger.get("r-copied"))) await app.put(aPreviewedRequest({ id: "r-copied" }));

  expect(await say("U0ENGINEER", `cancel ${id}`)).toMatch(/^(Cancelled `r-copied`|You can't cancel it now)/);
});

describe("when the cluster is no longer in eks-access.yml", () => {
  const waiting = () => app.put(aPreviewedRequest({ id: nextId(), cluster: "gone", reminders }));

  test("its requester can still cancel", async () => {
    const { id } = await waiting();

    expect(await say("U0ENGINEER", `cancel ${id}`)).toBe(`Cancelled \`${id}\`.`);
  });
});
