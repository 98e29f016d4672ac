import { sealMovePlan } from "../../access/approval/seal-move.ts";
import { AccessError } from "../../access/failure/access-error.ts";
import { type Move, moveDueAt, reviseMove } from "../../access/migration/move.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { planReminders } from "../../access/request/reminder.ts";
import { failureOf, nextTry } from "../../access/request/retry.ts";
import { planMigration } from "../../diagnosis/migration/plan.ts";
import { summarizeMigration } from "../../diagnosis/migration/summary.ts";
import { recordChanged } from "../../ledger/lifecycle.ts";
import { wake } from "../../ledger/queues.ts";
import { moveEvent, noteOnMove, recordMove } from "../../ledger/record-move.ts";
import type { WorkerContext } from "../context.ts";
import { withMigration } from "./gather-migration.ts";
import { recordDueMove } from "./record-due-move.ts";
import { runMove } from "./run-move.ts";

/** What somebody has to mend is looked at again by itself after this, or at once by a click. */
const mendedAfterMs = 10 * 60_000;

/** Makes the move of a cluster go on, where something is due: its plan, its end, or its next steps. */
export async function lookAtMove(context: WorkerContext, cluster: Cluster): Promise<void> {
  const move = await context.ledger.moves.latestOf(cluster.name);
  const due = move && moveDueAt(move);
  if (!move || due === null || due > context.now().getTime()) return;
  try {
    const record = recordDueMove(context, move, context.now());
    if (record) await record();
    else if (move.state === "pending") await plan(context, cluster, move);
    else await runMove(context, cluster, move.id);
  } catch (error) {
    if (error instanceof AccessError && error.code === "record-changed") {
      return wake(context.queues, { type: "migration", cluster: cluster.name });
    }
    context.log.warn({ cluster: cluster.name, request: move.id, err: error }, "a migration does not go on");
    await putOffMove(context, move, error);
  }
}

/** Looks at the cluster before anybody is asked (as of a request). */
async function plan(context: WorkerContext, cluster: Cluster, move: Move): Promise<void> {
  const errand = { id: move.id, requester: move.requester };
  const facts = await withMigration(context, cluster, errand, move.told, async (_, gathered) => gathered.facts);
  const result = planMigration(facts);
  const now = context.now();
  const after = reviseMove(move, planned(context, move, result, now));
  const detail = { plan: after.plan?.digest ?? "", code: after.refusal?.code ?? "" };
  const event = moveEvent(after.plan ? "migration.planned" : "migration.refused", after, "worker", now, detail);
  if ((await recordMove(context, after, event, now)).type === "conflict") throw recordChanged(move.id);
}

function planned(
  { keys, config }: WorkerContext,
  move: Move,
  result: ReturnType<typeof planMigration>,
  now: Date,
): Partial<Omit<Move, "id" | "version">> {
  const over = { state: "refused", trouble: null, endedAt: now.toISOString() } as const;
  if (result.type === "refused") return { ...over, refusal: { code: result.code, message: result.message } };
  if (result.steps.length === 0) {
    const message = `There is nothing to do. ${result.keptBecause ?? "No item of aws-auth can move."}`;
    return { ...over, refusal: { code: "nothing-to-move", message } };
  }
  const outs = result.steps.flatMap((step) => (step.type === "take-out" ? step.arns : []));
  const reminders = planReminders(now, move.lapsesAt, config.timing.remindAfterSeconds);
  const unsealed = { at: now.toISOString(), digest: result.digest, summary: summarizeMigration(result), outs };
  return { plan: sealMovePlan(move, unsealed, keys.preview), reminders, trouble: null };
}

/** A failure says what, where and how to mend it, in the message; it is tried again until the approvals are too old. */
export async function putOffMove(context: WorkerContext, move: Move, error: unknown): Promise<void> {
  const isRetryable = !(error instanceof AccessError) || error.retryable;
  const failure = failureOf(error);
  await noteOnMove(context, move, (current) => {
    if (moveDueAt(current) === null) return null;
    const now = context.now();
    const tried = nextTry(current, failure, now);
    const retryAt = isRetryable ? tried.retryAt : new Date(now.getTime() + mendedAfterMs).toISOString();
    const trouble = { ...tried, retryAt };
    return { type: "migration.delayed", of: { trouble }, detail: { code: trouble.code, attempts: trouble.attempts } };
  });
}
