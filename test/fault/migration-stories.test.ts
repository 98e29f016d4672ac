import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { readAwsAuth } from "../../sandbox/cluster/aws-auth-map.ts";
import type { FaultAnswer } from "../../sandbox/faults.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { arns, clusterArn, clusterName } from "../../sandbox/scene.ts";
import {
  decideMigration,
  judgeStop,
  migrationApprovalFlaw,
  retryMigration,
} from "../../src/access/decide-migration.ts";
import { isMigration } from "../../src/access/lists.ts";
import { isMigrationOver, type Migration, migrationDueAt } from "../../src/access/migration.ts";
import { accessEntriesOf } from "../../src/aws/access-entries.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { eventOf } from "../../src/ledger/lifecycle.ts";
import { openEks } from "../../src/worker/open-eks.ts";
import { keys } from "../builders/keys.ts";
import { stories } from "../form.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import {
  dyingAt,
  type MigrationScene,
  migrationScene,
  startMigrationSandbox,
} from "../worker/migration/migration-scene.ts";
import { sceneConfig } from "./reconcile-scene.ts";

const { config, cluster } = sceneConfig({}, (text) =>
  text.replace(/requestExpiresAfter: 1h(.*)settleEntries: 2s/s, "requestExpiresAfter: 30m$1settleEntries: 1m"),
);
const { requestExpiresAfterSeconds } = config.timing;
const minute = 60_000;
const signatureMs = 5 * minute;
const start = Date.now();

let sandbox: Sandbox;
let putBack: () => void;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: start });
  sandbox = await startMigrationSandbox({ now: () => new Date() });
  Object.assign(sandbox.aws.eks, { updateMs: 0, entryDelayMs: 0 });
  putBack = sandbox.keep();
});
afterAll(async () => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  await sandbox.stop();
});

const entryOfAdmins = () =>
  sandbox.aws.cluster(clusterArn(clusterName))?.accessEntries.find(({ principalArn }) => principalArn === arns.admins);
const isHalfMade = () => entryOfAdmins()?.tags["eks-access/migration"]?.startsWith("begun") ?? false;

const refusal = { "x-amzn-errortype": "AccessDeniedException" };
const fates = {
  lost: { type: "cut-before" },
  unanswered: { type: "cut-after" },
  refused: { type: "answer", status: 403, headers: refusal, body: "{}" },
  /** It arrives as late as AWS takes it. */
  late: { type: "cut-before" },
} as const satisfies Readonly<Record<string, FaultAnswer>>;
const faults = [
  ["eks.UpdateClusterConfig", "unanswered"],
  ["eks.CreateAccessEntry", "lost"],
  ["eks.CreateAccessEntry", "unanswered"],
  ["eks.AssociateAccessPolicy", "refused"],
  ["eks.AssociateAccessPolicy", "unanswered"],
  ["eks.DeleteAccessEntry", "late"],
  ["eks.DeleteAccessEntry", "unanswered"],
  ["eks.DescribeAccessEntry", "lost"],
  ["eks.TagResource", "lost"],
  ["kubernetes.replace-configmap", "unanswered"],
] as const;

/** What a worker meets in its look: failing calls, and its death at a commit. */
const looks = fc.record({
  type: fc.constant("a worker looks" as const),
  faults: fc.array(fc.constantFrom(...faults), { maxLength: 2 }),
  diesAt: fc.option(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.constantFrom("before" as const, "after" as const)), {
    freq: 2,
  }),
});
const acts = fc.record({
  type: fc.constantFrom(
    ...(["two approve", "one denies", "one stops", "one tries again", "one asks"] as const),
    ...([
      "others rename the administrators",
      "a minute passes",
      "minutes pass",
      "its approvals become too old",
    ] as const),
  ),
});
type Step = typeof looks | typeof acts extends fc.Arbitrary<infer T> ? T : never;

interface Story extends MigrationScene {
  /** When each deletion that is on its way arrives at the latest. */
  readonly late: number[];
  readonly said: string[];
}

/** Says what is committed, and whether a step begins without the approvals of exactly its plan. */
function watched(ledger: Ledger, said: string[], flaws: string[]): Ledger {
  const commit: Ledger["commit"] = async (change) => {
    const { after, event } = change;
    said.push(`  ${event?.type ?? "one more try"} ${after.trouble?.message ?? ""}`);
    const isBegun = event?.type === "migration.begun" && isMigration(after);
    const flaw = isBegun
      ? migrationApprovalFlaw(after, cluster, keys.decision, new Date(), requestExpiresAfterSeconds)
      : null;
    if (flaw !== null) flaws.push(flaw);
    return ledger.commit(change);
  };
  return { ...ledger, commit };
}

const one = { user: "U0APPROVER2", memberships: [] };
const judged = {
  "one denies": (now: Migration) =>
    decideMigration(
      now,
      cluster,
      one,
      { verdict: "denied", digest: now.plan?.digest ?? "", why: "" },
      keys.decision,
      new Date(),
    ),
  "one stops": (now: Migration) => judgeStop(now, cluster, one, "", new Date()),
  "one tries again": (now: Migration) => retryMigration(now, cluster, one, new Date()),
};
const told = {
  "one denies": "migration.denied",
  "one stops": "migration.stopped",
  "one tries again": "migration.retried",
} as const;

async function passTo(ms: number, { late, said }: Story): Promise<void> {
  const due = late.filter((at) => at <= ms);
  late.splice(0, late.length, ...late.filter((at) => at > ms));
  for (const at of due) {
    vi.setSystemTime(Math.max(Date.now(), at));
    said.push("a late deletion arrives");
    await accessEntriesOf(await openEks("default", cluster)).remove(arns.admins);
  }
  vi.setSystemTime(Math.max(Date.now(), ms));
}

async function take(step: Step, story: Story): Promise<void> {
  const { ledger, late, said } = story;
  said.push(JSON.stringify(step));
  const now = await story.now();
  switch (step.type) {
    case "a worker looks": {
      for (const [call, fate] of step.faults) {
        const onStrike = () => {
          said.push(`${call} is ${fate}`);
          if (fate === "late") late.push(Date.now() + signatureMs - 1);
        };
        sandbox.faults.plan(call, fates[fate], { onStrike });
      }
      await story.look(step.diesAt ? dyingAt(ledger, ...step.diesAt) : ledger).catch(() => {});
      return sandbox.faults.clear();
    }
    case "two approve":
      return void (await story.approve("U0APPROVER", "U0APPROVER2").catch(() => {}));
    case "one asks":
      return void (isMigrationOver(now) && !now.begun && (await story.ask([], undefined, now.settlesAt)));
    case "others rename the administrators":
      return void sandbox.cluster.editAwsAuth(({ data = {}, ...map }) => {
        const mapRoles = data.mapRoles?.replace(/platform-admin(?=:)/, "platform") ?? "";
        return { ...map, data: { ...data, mapRoles } };
      });
    case "a minute passes":
      return passTo(Date.now() + minute, story);
    case "minutes pass":
      return passTo(Date.now() + 6 * minute, story);
    case "its approvals become too old":
      return passTo(Date.now() + requestExpiresAfterSeconds * 1000, story);
    default: {
      const verdict = judged[step.type](now);
      if (verdict.type === "refused") return;
      const event = eventOf(told[step.type], verdict.after, one.user, new Date());
      await ledger.commit({ before: now, after: verdict.after, event });
    }
  }
}

/** Whoever could sign in before can, in the places where EKS and the API server look. */
function canSignIn(): boolean {
  const { roles } = readAwsAuth(sandbox.cluster.awsAuth()?.data);
  const isMember = roles.get(arns.admins)?.groups.includes("system:masters") ?? false;
  const entry = entryOfAdmins();
  return entry ? entry.policies.length > 0 : isMember;
}

async function play(steps: readonly Step[]): Promise<void> {
  putBack();
  vi.setSystemTime(start);
  const said: string[] = [];
  const flaws: string[] = [];
  const ledger = watched(memoryLedger(), said, flaws);
  const story: Story = { ...migrationScene(ledger, keys, { config, cluster }), late: [], said };
  await story.ask();
  await story.approve("U0APPROVER", "U0APPROVER2");
  for (const step of steps) {
    await take(step, story);
    const { state, begun } = await story.now();
    // Half of an entry overrides its item until the worker's next try (docs/migration.md).
    if (!(begun && state !== "pending" && isHalfMade())) expect(canSignIn(), said.join("\n")).toBe(true);
  }
  for (let round = 0; round < 12; round += 1) {
    const migration = await story.look();
    if (migration.state === "pending" && migration.plan) await take({ type: "two approve" }, story);
    const due = migrationDueAt(await story.now());
    if (story.late.length === 0 && due === null) break;
    await passTo(Math.max(Date.now() + minute, Math.min(due ?? 0, Date.now() + 10 * minute)), story);
  }
  const { state, begun, plan } = await story.now();
  expect([canSignIn(), isHalfMade(), begun, flaws], said.join("\n")).toEqual([true, false, null, []]);
  const { roles } = readAwsAuth(sandbox.cluster.awsAuth()?.data);
  if (state === "done") expect(plan?.outs.filter((arn) => roles.has(arn))).toEqual([]);
}

test("administrators sign in at each moment of a migration, whatever EKS, its workers and its people do", async () => {
  const steps = fc.array(fc.oneof({ arbitrary: looks, weight: 3 }, { arbitrary: acts, weight: 4 }), {
    minLength: 3,
    maxLength: 14,
  });

  await fc.assert(fc.asyncProperty(steps, play), stories({ short: 8, long: 1_500 }));
}, 1_800_000);
