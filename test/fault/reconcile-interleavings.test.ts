import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { WorkerContext } from "../../src/jobs/context.ts";
import { previewCluster } from "../../src/jobs/preview.ts";
import { reconcileCluster } from "../../src/jobs/reconcile.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { isClosed } from "../../src/request/request.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { initialAwsAuth } from "../../src/sandbox/scene.ts";
import type { SlackContext } from "../../src/slack/context.ts";
import { cancelRequest, revokeGrant } from "../../src/slack/handlers/end-access.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import { nobodysGroups } from "../slack/slack-context.ts";
import { click } from "./click.ts";
import { isLong } from "./form.ts";
import { judgeScene, watchForeignText } from "./judge-scene.ts";
import { editByHand, edits } from "./kubectl.ts";
import { fillLedger, sceneConfig, sealKeys, wishes } from "./reconcile-scene.ts";
import { silentContext } from "./silent-context.ts";
import { inTurns, type Turns, turnsOf } from "./turns.ts";

const { config, cluster } = sceneConfig();
let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox();
  // The worker's own clients find the sandbox as the real worker does, by its environment.
  const environment = sandbox.environmentOf("worker", { redisUrl: "redis://127.0.0.1:9" });
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await sandbox.stop();
});

/** Everything of one play: a clock of its own, a ledger of its own, the one cluster. */
interface Scene {
  readonly ledger: Ledger;
  readonly context: WorkerContext & SlackContext;
  readonly clock: { ms: number };
}

type Actor = (scene: Scene, turns: Turns) => Promise<void>;

const work: Actor = async ({ context }) => {
  await reconcileCluster(context, cluster);
  await reconcileCluster(context, cluster, "inspect");
};

const decideOn =
  (verdict: "approved" | "denied", user: string): Actor =>
  async ({ ledger, context }) => {
    const request = await ledger.get(wishes.undecided.id);
    if (request) await click(context, verdict, request, user);
  };

const byHand =
  (name: string): Actor =>
  async (_, turns) => {
    await turns.point(`kubectl ${name}`);
    editByHand(sandbox.cluster, edits[name] ?? ((text) => text));
  };

const actors: Readonly<Record<string, Actor>> = {
  "a worker": work,
  "another worker": work,
  "an approver approves": decideOn("approved", "U0APPROVER"),
  "another approver denies": decideOn("denied", "U0APPROVER2"),
  "the requester cancels": async ({ context }) =>
    void (await cancelRequest(context, "U0ENGINEER", wishes.undecided.id)),
  "an approver revokes": async ({ context }) => void (await revokeGrant(context, "U0APPROVER", wishes.long.id, "")),
  "a lease is over": async ({ clock }, turns) => {
    await turns.point("time goes by");
    clock.ms += 61_000;
  },
  ...Object.fromEntries(Object.keys(edits).map((name) => [`somebody ${name}`, byHand(name)])),
};

/** The calls to the cluster that what others do can come between. */
const calls = ["get-configmap", "dry-run-configmap", "replace-configmap", "subject-access-review"];

function sceneWith(ledger: Ledger, clock: Scene["clock"]): Scene {
  const now = () => {
    clock.ms += 1;
    return new Date(clock.ms);
  };
  const workers = { ask: async () => null, close: async () => {} };
  const context = {
    ...silentContext(ledger),
    config,
    sealKeys,
    now,
    workers,
    directory: nobodysGroups,
    newRequestId: () => "r-new",
  };
  return { ledger, context, clock };
}

/** Later, with nobody in the way: everything that is put off comes to its turn. @throws Error where it does not settle */
async function settleDown({ ledger, context, clock }: Scene): Promise<void> {
  for (let round = 0; round < 10; round += 1) {
    await previewCluster(context, cluster);
    await reconcileCluster(context, cluster);
    await reconcileCluster(context, cluster, "inspect");
    const open = await ledger.openOf(cluster.name);
    if (open.every(({ grant, trouble }) => !trouble && (!grant || (grant.state === "active" && !grant.end)))) return;
    clock.ms = Math.max(clock.ms, ...open.map(({ trouble }) => Date.parse(trouble?.retryAt ?? "") || 0));
  }
  const left = (await ledger.openOf(cluster.name)).map(({ id, grant, trouble }) => ({ id, grant, trouble }));
  throw new Error(`It does not settle: ${JSON.stringify(left)}`);
}

async function takeAllAway(scene: Scene): Promise<void> {
  for (const { id } of await scene.ledger.openOf(cluster.name)) {
    await cancelRequest(scene.context, "U0ENGINEER", id);
    await revokeGrant(scene.context, "U0APPROVER", id, "");
  }
  await settleDown(scene);
}

test("workers, approvers, the clock and kubectl at once: the document is what the ledger says, and others' text is theirs", async () => {
  const everybody = fc.shuffledSubarray(Object.keys(actors), { minLength: 3 });
  let runs = 0;

  await fc.assert(
    fc.asyncProperty(fc.scheduler(), everybody, async (scheduler, names) => {
      runs += 1;
      const ledger = memoryLedger();
      const clock = { ms: Date.now() };
      sandbox.cluster.editAwsAuth(({ metadata }) => ({
        metadata: { ...metadata, annotations: {} },
        data: initialAwsAuth,
      }));
      await fillLedger(ledger, cluster, new Date(clock.ms));
      const turns = turnsOf(scheduler);
      const scene = sceneWith(inTurns(ledger, turns), clock);
      const foreign = watchForeignText(sandbox.cluster);
      const points = calls.map((call) =>
        sandbox.faults.plan(
          `kubernetes.${call}`,
          { type: "watch" },
          { times: Number.POSITIVE_INFINITY, onStrike: () => turns.point(call) },
        ),
      );

      await turns.play(names.map((name) => async () => actors[name]?.(scene, turns)));
      for (const point of points) point.cancel();
      const later = sceneWith(ledger, clock);
      await settleDown(later);
      await judgeScene(sandbox.cluster, ledger);
      await takeAllAway(later);
      foreign.stop();

      await judgeScene(sandbox.cluster, ledger);
      expect((await ledger.openOf(cluster.name)).filter((each) => !isClosed(each))).toEqual([]);
      expect(foreign.broken).toEqual([]);
    }),
    { numRuns: isLong ? 1_000 : 100 },
  );

  console.info(`interleavings of the reconciler: ${runs} runs`);
}, 1_800_000);
