import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { AccessReview } from "../../../src/access/access-review.ts";
import type { AuditEvent } from "../../../src/access/audit-event.ts";
import { reviewAnswer } from "../../../src/slack/look/review.ts";
import { configText } from "../../builders/a-cluster.ts";
import { anEvent } from "../../builders/an-event.ts";
import { at, hours } from "../../builders/times.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

/** One lease from its request to its end. */
function eventsOf(request: string, from: Date, more: Partial<AuditEvent> = {}): readonly AuditEvent[] {
  const wish = { principal: "arn", level: "viewer", groups: ["a"], reason: "look at *pods*" };
  const shared = { request, cluster: "staging", detail: {} };
  const later = new Date(from.getTime() + hours(1) * 1000).toISOString();
  return [
    anEvent({ ...shared, type: "request.created", actor: "U0ENGINEER", detail: wish, at: from.toISOString(), ...more }),
    anEvent({ ...shared, type: "request.approved", actor: "U0APPROVER", detail: { approvers: ["U0APPROVER"] } }),
    anEvent({ ...shared, type: "lease.active", actor: "worker", at: from.toISOString() }),
    anEvent({ ...shared, type: "lease.ended", actor: "worker", at: later, detail: { cause: "expired" } }),
  ].map((event) => ({ ...event, cluster: more.cluster ?? "staging" }));
}

const ever = { from: null, to: null, clusters: null };

const days = (count: number) => hours(24 * count);

describe("review", () => {
  let app: SlackApp;
  beforeAll(async () => {
    app = await aSlackApp({ config: `${configText}\nadministrators: [U0APPROVER2]\n` });
    const leases = [
      ...eventsOf("r-recent", at(-days(3))),
      ...eventsOf("r-older", at(-days(40))),
      ...eventsOf("r-elsewhere", at(-days(2)), { cluster: "removed" }),
    ];
    for (const event of leases) await app.ledger.append(event);
  });
  afterAll(() => app.stop());

  const said = async (line: string, user = "U0APPROVER") => {
    app.pass(11);
    return textOf(await app.say(user, line));
  };

  test("shows an approver who had what in the last thirty days, who approved it, and the command for the CSV", async () => {
    const text = await said("review");

    expect(text).toContain("1 lease of 1 person");
    expect(text).toContain("<@U0ENGINEER>: `viewer` on `staging`");
    expect(text).toContain("approved by <@U0APPROVER>; look at `*pods*`");
    expect(text).toMatch(/All as CSV: `eks-access audit review --from \d{4}-\d\d-\d\d --cluster staging`/);
    expect(text).not.toMatch(/r-older|r-elsewhere/);
  });

  test("takes a longer time, and a cluster", async () => {
    expect(await said("review Staging since 60d")).toContain("r-older");
    expect(await said("review nowhere 60d")).toContain("Name a cluster and a time");
    expect(await said("status Staging")).toContain("`staging` is a cluster, not a request.");
  });

  test("is read once in ten seconds, because it reads the whole log", async () => {
    await said("review");

    expect(textOf(await app.say("U0APPROVER", "review"))).toBe("Another review just ran. Try again in a minute.");
  });

  test("is for people who answer for a cluster", async () => {
    expect(await said("review", "U0ENGINEER")).toContain("Only approvers, on-call and administrators");
  });
});

test("is something that Slack takes, whatever people wrote, and says how many more the CSV has", () => {
  const found = new AccessReview(ever, 20);
  const long = { detail: { principal: "arn", level: "v".repeat(63), reason: "<>&*_`".repeat(200) } };
  const names = Array.from({ length: 30 }, (_, index) => `U${index}APPROVER`);
  for (let index = 0; index < 50; index += 1) {
    for (const event of eventsOf(`r-${index}`, at(hours(index)), long)) found.take(event);
    found.take(anEvent({ type: "request.approved", request: `r-${index}`, detail: { approvers: names } }));
  }

  const { blocks } = reviewAnswer(found.summary(), { clusters: ["staging"], seconds: 86_400 }, at(0));

  expect(problemsOf(blocks)).toEqual([]);
  expect(lengthOfText(blocks)).toBeLessThan(longestText);
  expect(textOfBlocks({ blocks })).toContain("30 older ones not shown.");
});

test("says that an emergency was not reviewed", () => {
  const found = new AccessReview(ever, 20);
  for (const event of eventsOf("r-1", at(0), { type: "emergency.taken" })) found.take(event);

  const { blocks } = reviewAnswer(found.summary(), { clusters: ["staging"], seconds: 86_400 }, at(-1));

  expect(textOfBlocks({ blocks })).toContain("*emergency*, not reviewed");
});
