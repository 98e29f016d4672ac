import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lengthOfText, longestText } from "../../../sandbox/slack/block-limits.ts";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { nextClusterTry } from "../../../src/access/retry.ts";
import { overviewAnswer } from "../../../src/slack/look/overview.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aLeasedRequest } from "../../builders/a-request.ts";
import { at, hours, minutes } from "../../builders/times.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

const production = `  production:
    eksName: production-eks
    region: eu-central-1
    account: "444455556666"
    creator:
      roleArn: arn:aws:iam::444455556666:role/cluster-creator
    channel: C0ACCESS
    approvers: [U0ONCALL]
    onCall: [U0ONCALL]
    levels: [viewer]
`;
const failure = { code: "aws-refused", message: "AWS refused sts:AssumeRole for *cluster-creator*." };
const closed = nextClusterTry(null, failure, { now: at(-hours(2)), configuration: "now", chance: 0 });

describe("status alone", () => {
  let app: SlackApp;

  beforeAll(async () => {
    const config = `${configText.replace("levels:\n  viewer", `${production}levels:\n  viewer`)}\nadministrators: [U0APPROVER2]\n`;
    app = await aSlackApp({ config });
    const endsAt = at(-minutes(30)).toISOString();
    const late = aLeasedRequest(
      { state: "active", endsAt },
      { id: "r-late", requester: "U0ENGINEER", cluster: "staging" },
    );
    await app.put(late);
    await app.put(
      aLeasedRequest({ state: "active", endsAt }, { id: "r-gone", requester: "U0ENGINEER", cluster: "removed" }),
    );
    const intime = { state: "active", endsAt: at(hours(1)).toISOString() } as const;
    await app.put(aLeasedRequest(intime, { id: "r-fine", requester: "U0ENGINEER", cluster: "staging" }));
    await app.ledger.setClusterTrouble("production", closed);
  });
  afterAll(() => app.stop());

  const told = async (user: string) => textOf(await app.say(user, "status"));

  test("names to an approver the leases of their clusters that can't end, and nothing of other clusters", async () => {
    const said = await told("U0APPROVER");

    expect(said).toContain("Leases that can't end");
    expect(said).toContain("r-late");
    expect(said).not.toMatch(/r-fine|r-gone|production/);
  });

  test("names to on-call the clusters that no worker can open, since when and why", async () => {
    const said = await told("U0ONCALL");

    expect(said).toContain("Clusters that no worker can open");
    expect(said).toContain("`production` since");
    expect(said).toContain("AWS refused sts:AssumeRole");
    expect(said).not.toContain("r-late");
  });

  test("names everything to an administrator, also what is left of a removed cluster", async () => {
    const said = await told("U0APPROVER2");

    for (const part of ["r-late", "r-gone", "`production`"]) expect(said).toContain(part);
  });

  test("says that a process runs on an old configuration; its problems are for administrators", async () => {
    const seenAt = new Date().toISOString();
    const problems = ["policy.rules[0].approvals: it is text; write a number.", "fleet.every: use 10s to 30m"];
    const refusal = { kind: "worker", since: at(-hours(1)).toISOString(), seenAt, problems };
    await app.ledger.noteRefusal("worker 1@pod", refusal);

    const [administrator, onCall] = [await told("U0APPROVER2"), await told("U0ONCALL")];
    await app.ledger.noteRefusal("worker 1@pod", null);

    const fact = /Old configuration.*\n• The worker has refused the new eks-access\.yml since 2026-03-01 08:00/;
    expect(administrator).toMatch(fact);
    for (const problem of problems) expect(administrator).toContain(problem);
    expect(onCall).toMatch(fact);
    expect(onCall).not.toContain("approvals: it is text");
    expect(await told("U0ONCALL")).not.toContain("Old configuration");
  });

  test("names the clusters where requests wait for operators, only to their people", async () => {
    await app.ledger.beginOutage("staging", { since: at(-minutes(5)).toISOString(), request: "r-waits" });

    const [approver, onCall] = [await told("U0APPROVER"), await told("U0ONCALL")];
    await app.ledger.endOutage("staging");

    expect(approver).toMatch(/Requests wait\*?\n• `staging` since .*: `\/eks-access check staging`/);
    expect(onCall).not.toContain("staging");
  });

  test("names a cluster's zone without a worker, before any work of it is late", async () => {
    const before = await told("U0APPROVER");
    await app.ledger.noteZone(null, new Date());
    const after = await told("U0APPROVER");

    expect(before).toContain("No worker serves the clusters without a zone. Check that a worker runs.");
    expect(after).not.toContain("No worker");
  });

  test("says to anyone else who can see it", async () => {
    expect(await told("U0ENGINEER")).toContain("Only approvers, on-call and administrators can do this.");
  });
});

describe("its answer", () => {
  const fine = {
    clusters: ["staging", "production"],
    queues: [],
    closed: new Map(),
    outages: new Map(),
    overdue: [],
    refusals: [],
    isLogStopped: false,
    unserved: [],
  };

  test("says in one line that everything is fine", () => {
    const jobs = { waiting: 3, active: 1 };

    const { blocks, text } = overviewAnswer({ ...fine, queues: [{ name: "messages", jobs, ageSeconds: 5 }] });

    expect(text).toBe("No problems among your 2 clusters");
    expect(blocks).toHaveLength(1);
  });

  test("says first that the audit log takes no event", () => {
    const said = textOfBlocks(overviewAnswer({ ...fine, isLogStopped: true }));

    expect(said).toMatch(/Problems among your 2 clusters.*\*Audit log\*\n• No request, decision or lease/s);
  });

  test("says what waits, for how long, and where to look", () => {
    const jobs = { waiting: 3, delayed: 2, active: 1 };

    const said = textOfBlocks(overviewAnswer({ ...fine, queues: [{ name: "messages", jobs, ageSeconds: 125 }] }));

    const inZone = textOfBlocks(
      overviewAnswer({ ...fine, queues: [{ name: "ends-eu-private", jobs, ageSeconds: 125 }] }),
    );
    expect(said).toContain("Messages in Slack: 5 waiting, the oldest for 2m 5s. Check that a Slack process runs");
    expect(inZone).toContain("The end of leases in zone `eu-private`: 5 waiting");
  });

  test("says that one of several clusters has a problem, with the whole remedy and times in the reader's zone", () => {
    const long = `${"It answered 401. ".repeat(15)}It worked at ${at(0).toISOString()}. Check the authenticator.`;
    const only = new Map([["production", { ...closed, message: long }]]);

    const { text } = overviewAnswer({ ...fine, closed: only });

    expect(text).toContain("Problems among your 2 clusters");
    expect(text).toMatch(/It worked at <!date\^.*>\. Check the authenticator\.$/);
  });

  test("lets no text of AWS or of a person format the message, and fits into one", () => {
    const many = Array.from({ length: 40 }, (_, index) => [`cluster-${index}`, closed] as const);
    const endsAt = at(-hours(1)).toISOString();
    const overdue = many.map(([cluster]) => aLeasedRequest({ state: "active", endsAt }, { cluster }));

    const answer = overviewAnswer({ ...fine, closed: new Map(many), overdue });

    expect(textOfBlocks(answer)).toContain("and 30 more");
    expect(textOfBlocks(answer)).toContain("for `*cluster-creator*`.");
    for (const block of answer.blocks) {
      if (block.type === "section") expect(block.text?.text.length).toBeLessThan(3000);
    }
  });

  test("shows whole rows, and how many it leaves out, where every cluster has a long story", () => {
    const many = Array.from({ length: 40 }, (_, index) => [`payments-production-eu-central-${index}`, closed] as const);
    const message = `AWS refused sts:AssumeRole for ${"`arn:aws:iam::111122223333:role/cluster-creator` ".repeat(9)}`;
    const lease = { state: "active", endsAt: at(-hours(1)).toISOString() } as const;
    const trouble = {
      ...failure,
      message,
      attempts: 9,
      at: at(0).toISOString(),
      retryAt: at(0).toISOString(),
      causes: [],
    };
    const overdue = many.map(([cluster]) => aLeasedRequest(lease, { cluster, trouble }));
    const problems = Array.from({ length: 40 }, (_, index) => `clusters.payments-${index}.levels: ${"no ".repeat(40)}`);
    const refusals = ["worker", "slack"].map((kind) => ({
      ...{ kind, problems },
      ...{ since: at(0).toISOString(), seenAt: at(0).toISOString() },
    }));
    const whole = new Map(many.map(([name]) => [name, { ...closed, message }]));

    const { blocks } = overviewAnswer({ ...fine, closed: whole, overdue, refusals, outages: whole });

    const parts = blocks.flatMap((block) => (block.type === "section" ? [block.text?.text ?? ""] : []));
    expect(lengthOfText(blocks)).toBeLessThan(longestText);
    for (const part of parts) {
      expect(part).not.toMatch(/…$/);
      expect(part.split("`").length % 2, part).toBe(1);
    }
    expect(parts.filter((part) => /\n• and \d+ more$/.test(part))).toHaveLength(3);
    expect(parts.at(-1)).toContain("The Slack process has refused");
  });
});
