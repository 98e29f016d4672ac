import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import type { Migration } from "../../../src/access/migration.ts";
import { completeChain, found } from "../../../src/diagnosis/link.ts";
import type { LeaversReport } from "../../../src/diagnosis/reports.ts";
import type { WorkerQuestion } from "../../../src/ledger/jobs.ts";
import { eventOf } from "../../../src/ledger/lifecycle.ts";
import { usualDeadlines } from "../../../src/operations/deadlines.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aLink } from "../../builders/a-link.ts";
import { aMigration } from "../../builders/a-migration.ts";
import { aLeasedRequest, aRequest, engineerArn } from "../../builders/a-request.ts";
import { at } from "../../builders/times.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

let app: SlackApp;

afterEach(() => app.stop());

const never = () => new Promise<never>(() => {});
const say = async (text: string, user = "U0ENGINEER") => textOf(await app.say(user, text));

describe("without a worker", () => {
  test("whoami of a cluster says so, and shows the leases all the same", async () => {
    app = await aSlackApp({
      worker: (question) => (question.type === "alive" ? Promise.reject(new Error("none")) : never()),
    });

    const answer = await say("whoami staging");

    expect(answer).toContain("✗ first failing step: *the worker's identity*");
    expect(answer).toContain("✓ *your leases* you have none here, and no open request");
  });

  test.each(["check staging", `why staging ${engineerArn}`])("%s says so", async (line) => {
    app = await aSlackApp({ worker: () => Promise.reject(new Error("no worker answered")) });

    expect(await say(line)).toContain("No worker answered. Check that a worker runs.");
  });

  test("an answer of another version does not count", async () => {
    app = await aSlackApp({ worker: async () => ({ type: "something new" }) });

    expect(await say("check staging")).toContain("No worker answered.");
  });
});

test("whoami says what AWS answered a worker that runs, and not that none answered", async () => {
  app = await aSlackApp({ worker: async () => ({ trouble: "AWS throttled sts:GetCallerIdentity. Wait." }) });

  expect(await say("whoami")).toContain("*The worker* ✗ AWS throttled sts:GetCallerIdentity. Wait.");
});

test("whoami shows a lease also behind more newer requests than it reads", async () => {
  app = await aSlackApp({ worker: async () => ({ trouble: null }) });
  await app.put(aLeasedRequest({ state: "active" }, { id: "r-long", requester: "U0ENGINEER" }));
  await app.put(aLeasedRequest({ state: "active" }, { id: "r-others", requester: "U0BOB", askedBy: "U0ENGINEER" }));
  for (let newer = 1; newer <= 60; newer += 1) {
    const createdAt = at(newer).toISOString();
    await app.put(aRequest({ id: `r-${newer}`, requester: "U0ENGINEER", state: "cancelled", createdAt }));
  }

  const answer = await say("whoami");

  expect(answer).toContain("(`r-long`): until");
  expect(answer).not.toContain("r-others");
});

describe("check names the leases of people who left", () => {
  const looked = {
    ...{ type: "looked", mode: "API", document: { type: "absent" }, entries: { type: "none" } },
    bindings: { type: "none" },
  } as const;
  let leavers: LeaversReport;

  beforeEach(async () => {
    leavers = { found: [], notCompared: null };
    app = await aSlackApp({ worker: async () => ({ ...looked, leavers }) });
    const groups = ["ClusterRole/edit in shop"];
    await app.put(aLeasedRequest({ state: "active" }, { id: "r-left", requester: "U0ENGINEER", groups }));
    await app.put(aLeasedRequest({ state: "active" }, { id: "r-here", requester: "U0APPROVER2" }));
  });

  test("with a button to revoke each; a lease of a person who is there is not named", async () => {
    app.slack.deactivate("U0ENGINEER");

    const answer = await say("check staging", "U0APPROVER");

    expect(answer).toMatch(/`lease-of-leaver`\* `r-left`\n<@U0ENGINEER>'s Slack account is deactivated.*\[Revoke\]/s);
    expect(answer).not.toContain("r-here");
  });

  test("and says nothing of them while all are there", async () => {
    expect(await say("check staging", "U0APPROVER")).not.toContain("lease-of-leaver");
  });

  test("only to people who can revoke them", async () => {
    app.slack.deactivate("U0ENGINEER");

    const answer = await say("check staging", "U0ONCALL");

    expect(answer).toContain("Who gets in to");
    expect(answer).not.toContain("lease-of-leaver");
  });

  test("IAM Identity Center too, as the worker found them, once each, and says what it did not compare", async () => {
    const message = "Identity Center has no user `alice@example.com`";
    leavers = {
      found: [
        { id: "r-left", message },
        { id: "r-over", message },
      ],
      notCompared: "Not compared with Identity Center: 1 lease. It did not answer.",
    };
    app.slack.deactivate("U0ENGINEER");

    const answer = await say("check staging", "U0APPROVER");

    expect(answer).toMatch(
      /`lease-of-leaver`\* `r-left`\nIdentity Center has no user `alice@example\.com`, and this lease of <@U0ENGINEER> gives `viewer` until .*\[Revoke\]/s,
    );
    expect(answer.match(/lease-of-leaver/g)).toHaveLength(1);
    // Slack would make a link of a user's name such as evil.example.
    const shown = JSON.stringify(app.slack.person("U0APPROVER").ephemerals().at(-1)?.blocks);
    expect(shown.match(/"verbatim":true/g)).toHaveLength(shown.match(/"type":"mrkdwn"/g)?.length ?? 0);
    expect(answer).toContain("Not compared with Identity Center: 1 lease. It did not answer.");
  });

  test("and offers a repair that deleted an entry and made no new one, until a later one makes it", async () => {
    const unmade = "arn:aws:iam::111122223333:role/ci";
    const over = {
      kind: "repair",
      state: "stopped",
      stop: { by: "U0APPROVER", at: at(60).toISOString(), why: "" },
    } as const;
    const endedAt = at(60).toISOString();
    const put = (after: Migration) =>
      app.ledger.commit({ after, event: eventOf("migration.stopped", after, "U0APPROVER", at(60)) });
    await put(aMigration({ ...over, endedAt, unmade }));
    const halfDone = await say("check staging", "U0APPROVER");
    const done = [{ name: `replace-entry ${unmade}`, at: endedAt, proof: [], place: null }];
    await put(aMigration({ ...over, endedAt, id: "migration-staging-2", done }));
    const repaired = await say("check staging", "U0APPROVER");

    expect(halfDone).toContain(
      "`migration-staging-1`: The entry of `arn:aws:iam::111122223333:role/ci` is deleted, and its replacement missing.",
    );
    expect(halfDone).toContain("`/eks-access repair staging arn:aws:iam::111122223333:role/ci`");
    expect(repaired).not.toContain("migration-staging-1");
  });

  test("and says that Slack did not answer", async () => {
    await say("status", "U0APPROVER");
    app.slack.faults.plan("slack.users.info", { type: "answer", status: 500 }, { times: 9 });

    expect(await say("check staging", "U0APPROVER")).toContain("Not checked: who left Slack.");
  });
});

test("a failure has its technical text only for a person who can repair the cluster", async () => {
  app = await aSlackApp({ worker: async () => ({ type: "failed", message: "AWS refused sts:AssumeRole." }) });

  const toEngineer = await say(`why staging ${engineerArn}`);
  const toApprover = await say(`why staging "${engineerArn}"`, "U0APPROVER");

  expect(toEngineer).toContain("I can't work on `staging` now. Try again later.");
  expect(toEngineer).not.toContain("AssumeRole");
  expect(toApprover).toContain("AWS refused sts:AssumeRole.");
});

describe("the people who can not have access to a cluster, nor decides about it,", () => {
  const policy = `
policy:
  rules: [{ name: engineers, who: [U0ENGINEER] }]
`;
  const lines = ["check staging", `why staging ${engineerArn}`, "whoami staging", "creator staging", "migrate staging"];
  const questions: WorkerQuestion[] = [];

  beforeEach(async () => {
    questions.length = 0;
    const config = `${configText}${policy}`;
    app = await aSlackApp({ config, worker: async (question) => void questions.push(question) });
  });

  test.each(lines)("does not learn by %s what is there, nor is a worker asked", async (line) => {
    const answer = await say(line, "U0ONCALL");

    expect(answer).toBe("You can't view `staging`'s access. Ask <@U0APPROVER> or <@U0APPROVER2>.");
    expect(questions).toEqual([]);
    expect((await app.ledger.events(1, 10)).map(({ event }) => [event.type, event.cluster, event.detail.act])).toEqual([
      ["attempt.refused", "staging", "see"],
    ]);
  });

  test("does not learn which clusters there are either", async () => {
    expect(await say("check prod", "U0ONCALL")).not.toContain("staging");
    expect(await say("check prod", "U0ENGINEER")).toContain("staging");
  });

  test.each([
    ["U0ENGINEER", false],
    ["U0APPROVER", true],
  ])("is not %s: a worker gets the question; responsible for the cluster: %s", async (user, isResponsible) => {
    await say("check staging", user);

    expect(questions).toContainEqual({ type: "check", cluster: "staging", user, isResponsible });
  });
});

describe("a worker", () => {
  test("that takes its time is waited for, as long as it is there", async () => {
    const links = completeChain([{ name: "worker", isReached: true, ...found("AWS says: it is there") }], {});
    const later = () => new Promise((resolve) => setImmediate(() => resolve({ links })));
    app = await aSlackApp({ worker: async (question) => (question.type === "alive" ? true : later()) });

    expect(await say("whoami staging")).toContain("✓ *the worker's identity* AWS says: it is there");
  });

  test("at the end of its own time can still say why it found nothing", async () => {
    const waits = new Map<string, number>();
    app = await aSlackApp({ worker: async ({ type }, withinMs) => void waits.set(type, withinMs) });

    await say("check staging");

    expect(waits.get("check")).toBeGreaterThan(usualDeadlines.question);
  });

  test("gets the question of any person, and whether they are responsible for the cluster", async () => {
    const questions: WorkerQuestion[] = [];
    const worker = async (question: WorkerQuestion) => void questions.push(question);
    app = await aSlackApp({ worker });
    await app.ledger.linkPrincipal("U0ENGINEER", aLink("U0ENGINEER", engineerArn));

    await say("why staging");
    await say(`why staging ${engineerArn}`, "U0APPROVER");

    const asked = questions.filter(({ type }) => type === "why");
    expect(asked).toEqual([
      { type: "why", cluster: "staging", user: "U0ENGINEER", isResponsible: false, principal: engineerArn },
      { type: "why", cluster: "staging", user: "U0APPROVER", isResponsible: true, principal: engineerArn },
    ]);
  });

  test("plans a migration for the people responsible for the cluster alone", async () => {
    const step = { name: "give-entry", does: "Make an entry.", proof: "It is there.", undo: "Delete it." };
    const item = { place: "mapRoles line 2", arn: engineerArn, outcome: "moves", sentences: ["Gets an access entry."] };
    const planned = {
      mode: "CONFIG_MAP",
      items: [item],
      steps: [step],
      keptBecause: null,
      before: [],
      digest: "d".repeat(64),
    };
    app = await aSlackApp({
      worker: async ({ type }) => (type === "migrate" ? { type: "planned", ...planned } : true),
    });

    const answer = await say("migrate staging", "U0APPROVER");

    expect(answer).toContain("1 item of 1 can move, in 1 step. Nothing changes yet.");
    expect(answer).toMatch(/\*1\.\* Make an entry\.\s+Proof: It is there\.\s+Undo: Delete it\./);
    expect(answer).toContain("[Request this migration]");
    expect(await say("migrate staging")).toContain("Only approvers of `staging` and its on-call can do this");
  });

  test("shows why there is no plan of a migration", async () => {
    app = await aSlackApp({
      worker: async ({ type }) => (type === "migrate" ? { type: "refused", message: "It is moved." } : true),
    });

    expect(await say("migrate staging", "U0APPROVER")).toContain("Nothing to plan. It is moved.");
  });

  test.each(["whoami prod", "why", "check stagin"])(
    "is not asked about a cluster that is not there: %s",
    async (line) => {
      const questions: WorkerQuestion[] = [];
      app = await aSlackApp({ worker: async (question) => void questions.push(question) });

      expect(await say(line)).toMatch(/There is no cluster|Which cluster\?/);
      expect(questions).toEqual([]);
    },
  );
});
