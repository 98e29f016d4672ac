import { setTimeout as wait } from "node:timers/promises";
import { checkMigration, migrationName, standingApprovals } from "../approval/migration-approval.ts";
import type { EventType } from "../audit/event.ts";
import { accessEntriesOf } from "../aws/access-entries.ts";
import { letAccessEntriesIn } from "../aws/authentication-mode.ts";
import { AccessError } from "../failure/access-error.ts";
import type { AwsAuthConfigMap } from "../kubernetes/config-map.ts";
import { type MigrationPlan, type MigrationStep, planMigration } from "../migration/plan.ts";
import type { Cluster } from "../policy/cluster.ts";
import type { WorkerContext } from "./context.ts";
import { type GatheredMigration, gatherMigration, withMigration } from "./gather-migration.ts";
import { giveEntry } from "./migration-entry.ts";
import { addressOf } from "./open-cluster.ts";
import type { ReachedCluster } from "./reach-cluster.ts";
import { namingOwnPolicy } from "./rescue-lease.ts";

/** An entry takes effect within some seconds (EKS User Guide, "Create access entries"): so long aws-auth says the same beside it. */
const settleMs = 60_000;
const attempts = 5;
const mostEvents = 1000;

/** Which plan is carried out, and how. */
export interface MigrationOrder {
  readonly cluster: Cluster;
  readonly told: readonly string[];
  /** The digest that was approved. */
  readonly digest: string;
  /** Keeps the document as it is before anything is taken out of it. */
  readonly keep: (configMap: AwsAuthConfigMap) => Promise<void>;
  /** Told of each step when it is proved. */
  readonly say: (sentence: string) => void;
  /** Milliseconds; the usual time if not given. */
  readonly settleMs?: number;
}

/**
 * Carries out a plan that is approved, with the worker's own identity at EKS and the creator's in the cluster. Each step goes by what
 * stands there and is proved before the next; nothing goes out of aws-auth before its entry was read back. A run that dies is run again.
 *
 * @throws AccessError
 */
export async function applyMigration(context: WorkerContext, order: MigrationOrder): Promise<void> {
  const { cluster, told, say } = order;
  const { steps } = await approvedPlan(context, order);
  for (const step of steps) {
    if (step.type === "take-out") break;
    await carryOut(order, step);
    await note(context, order, "migration.stepped", step);
    say(
      step.type === "switch-mode"
        ? "The authentication mode is API_AND_CONFIG_MAP."
        : `${step.wanted.principalArn} has its access entry.`,
    );
  }
  if (steps.some(({ type }) => type === "take-out")) await (context.pause ?? wait)(order.settleMs ?? settleMs);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const out = await withMigration(context, cluster, "migrate", told, (reached, gathered) =>
        takeOut(order, reached, gathered),
      );
      if (out) await note(context, order, "migration.stepped", out);
      return;
    } catch (error) {
      const again = error instanceof AccessError && error.code === "cluster-conflict" && attempt < attempts;
      if (!again) throw error;
    }
  }
}

/** The plan of this moment, where it is the one that was approved. @throws AccessError */
async function approvedPlan(context: WorkerContext, order: MigrationOrder): Promise<MigrationPlan> {
  const { cluster, digest, told } = order;
  const plan = exactly(planMigration(await gatherMigration(context, cluster, "migrate", told)), digest);
  const events = (await context.ledger.eventsOf(migrationName(cluster), mostEvents)).map(({ event }) => event);
  const { requestLapsesAfterSeconds } = context.config.timing;
  const approvals = standingApprovals(
    events,
    cluster,
    digest,
    context.sealKeys,
    context.now(),
    requestLapsesAfterSeconds,
  );
  const verdict = checkMigration(approvals);
  if (verdict.type === "valid") return plan;
  throw new AccessError(
    "migration-not-approved",
    `The plan ${digest.slice(0, 12)} may not be carried out: ${verdict.message}`,
  );
}

function exactly(result: ReturnType<typeof planMigration>, digest: string): MigrationPlan {
  if (result.type === "refused") {
    throw new AccessError("migration-not-approved", `There is no plan any more: ${result.message.replace(/\.$/, "")}`);
  }
  if (result.digest === digest) return result;
  throw new AccessError("migration-not-approved", `The plan is another one now: ${result.digest}`);
}

async function carryOut({ cluster, digest }: MigrationOrder, step: MigrationStep): Promise<void> {
  const address = addressOf(cluster);
  if (step.type === "switch-mode") return void (await letAccessEntriesIn("default", address));
  if (step.type !== "give-entry") return;
  const entries = accessEntriesOf("default", address);
  try {
    await giveEntry(entries, step.wanted, `${digest.slice(0, 32)}-${step.wanted.username.length}`);
  } catch (error) {
    throw namingOwnPolicy(error);
  } finally {
    entries.close();
  }
}

/** Each entry is looked at once more with the document: whatever is not whole any more, or not as approved, stops it. */
async function takeOut(
  order: MigrationOrder,
  { client }: ReachedCluster,
  { facts, configMap }: GatheredMigration,
): Promise<MigrationStep | null> {
  const { steps } = exactly(planMigration(facts), order.digest);
  const [step, ...others] = steps;
  if (!step || !configMap) return null;
  if (step.type !== "take-out" || others.length > 0) {
    throw new AccessError("access-entry-conflict", "An access entry is not whole any more", { mend: "Run it again." });
  }
  await order.keep(configMap);
  const content = { data: step.after, annotations: configMap.annotations };
  await client.writeAwsAuth(configMap, content, { dryRun: true });
  await client.writeAwsAuth(configMap, content, { dryRun: false });
  const after = await client.readAwsAuth();
  if (JSON.stringify(after?.data) !== JSON.stringify(step.after)) {
    throw new AccessError("cluster-conflict", `Somebody changed aws-auth of ${facts.cluster} right after the write`);
  }
  order.say(`${step.arns.length} principals are out of aws-auth, and sign in by their access entries.`);
  return step;
}

function note(
  { ledger, now }: WorkerContext,
  { cluster, digest }: MigrationOrder,
  type: EventType,
  step: MigrationStep,
): Promise<void> {
  const about = step.type === "take-out" ? { arns: step.arns } : {};
  const given = step.type === "give-entry" ? { principal: step.wanted.principalArn } : {};
  const detail = { plan: digest, step: step.type, ...about, ...given };
  const at = now().toISOString();
  return ledger.append({ type, at, actor: "worker", request: migrationName(cluster), cluster: cluster.name, detail });
}
