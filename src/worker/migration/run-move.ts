import { checkMove } from "../../access/approval/decide-move.ts";
import { AccessError } from "../../access/failure/access-error.ts";
import { isOver, type Move, moveDueAt, reviseMove } from "../../access/migration/move.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { type MigrationPlan, type MigrationResult, planMigration } from "../../diagnosis/migration/plan.ts";
import { stepName } from "../../diagnosis/migration/summary.ts";
import type { AwsAuthConfigMap } from "../../kubernetes/config-map.ts";
import { recordChanged } from "../../ledger/lifecycle.ts";
import { moveEvent, noteOnMove, recordMove } from "../../ledger/record-move.ts";
import type { WorkerContext } from "../context.ts";
import type { ReachedCluster } from "../open/reach-cluster.ts";
import { keepDocument } from "../rescue/keep-document.ts";
import { carryOutStep } from "./carry-out-step.ts";
import { type GatheredMigration, withMigration } from "./gather-migration.ts";
import type { MoveRun } from "./give-moved-entry.ts";
import { areOut, seeToBegun } from "./see-to-begun.ts";

/** Each pass reads everything anew. What is left after so many is looked at by the next job. */
const mostPasses = 20;

export interface MoveDriver {
  /** Keeps the document as it is before anything is taken out of it, beside what the cluster itself keeps. */
  readonly keep?: (configMap: AwsAuthConfigMap) => Promise<void>;
}

/**
 * Carries out a move that is approved, as far as it can be now: with the worker's own identity at EKS, and the creator's in the
 * cluster. Each step goes by what stands there, and is proved before the next. A run that dies is made up for by the next one.
 *
 * @throws AccessError
 */
export async function runMove(
  context: WorkerContext,
  cluster: Cluster,
  id: string,
  driver: MoveDriver = {},
): Promise<Move | null> {
  let move = await context.ledger.moves.get(id);
  for (let pass = 0; pass < mostPasses && move && isDue(move, context.now()); pass += 1) {
    try {
      await passOver(context, cluster, move, driver);
    } catch (error) {
      // Somebody else wrote to aws-auth: it is read again, and planned for.
      const again = error instanceof AccessError && error.code === "cluster-conflict" && pass < mostPasses - 1;
      if (!again) throw error;
    }
    move = await context.ledger.moves.get(id);
  }
  return move;
}

function isDue(move: Move, now: Date): boolean {
  const due = moveDueAt(move);
  return move.state !== "pending" && due !== null && due <= now.getTime();
}

async function passOver(context: WorkerContext, cluster: Cluster, move: Move, driver: MoveDriver): Promise<void> {
  const { requestLapsesAfterSeconds } = context.config.timing;
  const verdict = checkMove(move, cluster, context.keys.decision, context.now(), requestLapsesAfterSeconds);
  const isToGoOn = verdict.type === "valid" && !isOver(move);
  if (isToGoOn || move.begun) {
    const errand = { id: move.id, requester: move.requester };
    await withMigration(context, cluster, errand, move.told, async (reached, gathered) => {
      if (isToGoOn) await goOn(context, cluster, move, reached, gathered, driver);
      else await seeToBegun(context, cluster, move, gathered);
    });
  }
  if (isOver(move) || verdict.type === "valid") return;
  if (isTooLate(move, context.now())) await lapseMove(context, move, verdict.message);
  else await voidMove(context, move, verdict.message);
}

async function goOn(
  context: WorkerContext,
  cluster: Cluster,
  move: Move,
  reached: ReachedCluster,
  gathered: GatheredMigration,
  driver: MoveDriver,
): Promise<void> {
  if (isTakenOut(move, gathered)) {
    const seen = await seeToBegun(context, cluster, move, gathered);
    return finish(context, seen);
  }
  const plan = standingPlan(planMigration(gathered.facts));
  if (plan.digest !== move.plan?.digest) {
    const seen = await seeToBegun(context, cluster, move, gathered);
    return voidMove(context, seen, "what would be moved is not what was approved any more");
  }
  const keep = async (configMap: AwsAuthConfigMap) => {
    await keepDocument(context, reached.client, cluster, configMap);
    await driver.keep?.(configMap);
  };
  await takeSteps({ context, cluster, reached, gathered, plan, keep }, move);
}

/** The mode and the document are steps of which the next one has to be planned anew; of the entries one follows another. */
async function takeSteps(run: MoveRun, start: Move): Promise<void> {
  const { context, cluster, gathered, plan } = run;
  let move = start;
  // A run that died carried it out, and could not say so.
  const isLeft = plan.steps.some((step) => stepName(step) === move.begun?.name);
  if (move.begun && !isLeft) return void (await seeToBegun(context, cluster, move, gathered));
  for (const step of plan.steps) {
    if (step.type === "take-out") {
      if (move !== start) return;
      if (move.settlesAt === null) return settle(context, move);
    }
    move = await carryOutStep(run, move, step);
    if (isOver(move) || step.type !== "give-entry") return;
  }
  if (move === start) await finish(context, move);
}

/** Whether what was approved to go out of aws-auth is out, as after a run that died before it could say so. */
function isTakenOut({ plan, done, begun }: Move, { facts }: GatheredMigration): boolean {
  if (done.some(({ name }) => name === "take-out")) return true;
  return begun?.name === "take-out" && plan !== null && areOut(plan, facts);
}

function standingPlan(result: MigrationResult): MigrationPlan {
  if (result.type === "planned") return result;
  throw new AccessError("migration-stopped", `There is no plan any more: ${result.message.replace(/\.$/, "")}`);
}

/** Entries are eventually consistent: aws-auth says the same beside them for some time. */
async function settle(context: WorkerContext, move: Move): Promise<void> {
  const now = context.now();
  const settlesAt = new Date(now.getTime() + context.config.timing.settleEntriesSeconds * 1000).toISOString();
  const after = reviseMove(move, { settlesAt, trouble: null });
  const event = moveEvent("migration.settling", after, "worker", now, { until: settlesAt });
  if ((await recordMove(context, after, event, now)).type === "conflict") throw recordChanged(move.id);
}

async function finish(context: WorkerContext, move: Move): Promise<void> {
  await noteOnMove(context, move, (current) =>
    isOver(current)
      ? null
      : {
          type: "migration.done",
          of: { state: "done", endedAt: context.now().toISOString(), trouble: null, begun: null, settlesAt: null },
          detail: { plan: current.plan?.digest ?? "", steps: current.done.map(({ name }) => name) },
        },
  );
}

function isTooLate({ lapsesAt }: Move, now: Date): boolean {
  return !(now.getTime() < Date.parse(lapsesAt));
}

/** What was decided is too old. What was carried out stays. */
async function lapseMove(context: WorkerContext, move: Move, why: string): Promise<void> {
  await noteOnMove(context, move, (current) => {
    if (isOver(current)) return null;
    const of = { state: "lapsed", endedAt: context.now().toISOString(), trouble: null, settlesAt: null } as const;
    return { type: "migration.lapsed", of, detail: { why } };
  });
}

/** What was approved is not what would be done: it is asked for again, with a new plan (law 4). */
async function voidMove(context: WorkerContext, move: Move, message: string): Promise<void> {
  await noteOnMove(context, move, (current) => {
    if (isOver(current)) return null;
    const by = current.approvals.map((approval) => approval.by);
    const lapses = context.config.timing.requestLapsesAfterSeconds * 1000;
    const lapsesAt = new Date(context.now().getTime() + lapses).toISOString();
    const cleared = { plan: null, reminders: null, approvals: [], trouble: null, settlesAt: null };
    const of = { ...cleared, state: "pending", lapsesAt, voided: { by, message } } as const;
    return { type: "migration.void", of, detail: { why: message, approvers: by } };
  });
}
