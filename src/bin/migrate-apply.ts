import { writeFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { AccessError } from "../access/failure/access-error.ts";
import { isOver, type Move, moveDueAt } from "../access/migration/move.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import type { AwsAuthConfigMap } from "../kubernetes/config-map.ts";
import type { WorkerContext } from "../worker/context.ts";
import { putOffMove } from "../worker/migration/look-at-move.ts";
import { runMove } from "../worker/migration/run-move.ts";
import type { CommandIo } from "./command-io.ts";

/** Which plan is carried out, and where the document is kept besides that was there before. */
export interface Application {
  readonly digest: string;
  readonly backup: string | null;
}

const longestLookMs = 1_000;

/**
 * Carries out the plan of this digest in the worker's place, or beside it: the same steps of the same record, which Slack shows.
 * Says each step when it is proved. A failure ends it; the record has it, and a worker tries it again.
 *
 * @throws AccessError
 */
export async function applyPlan(
  context: WorkerContext,
  cluster: Cluster,
  { digest, backup }: Application,
  io: CommandIo,
): Promise<number> {
  const say = (sentence: string) => io.stdout(`${sentence}\n`);
  const keep = async ({ object }: AwsAuthConfigMap) => {
    if (backup === null) return;
    const kept = { apiVersion: "v1", kind: "ConfigMap", ...object };
    await writeFile(backup, `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 });
    say(`aws-auth as it was is in ${backup}.`);
  };
  let move = approvedMove(await context.ledger.moves.latestOf(cluster.name), digest);
  const told = new Set<string>();
  for (;;) {
    tellSteps(move, told, say);
    if (isOver(move) || move.plan?.digest !== digest) return outcome(move, digest, say);
    move = (await carryOn(context, cluster, move, keep)) ?? move;
  }
}

async function carryOn(
  context: WorkerContext,
  cluster: Cluster,
  move: Move,
  keep: (configMap: AwsAuthConfigMap) => Promise<void>,
): Promise<Move | null> {
  try {
    const after = await runMove(context, cluster, move.id, { keep });
    const dueIn = (after && moveDueAt(after)) ?? 0;
    const waitMs = Math.max(0, Math.min(longestLookMs, dueIn - context.now().getTime()));
    if (after && !isOver(after) && waitMs > 0) await (context.pause ?? wait)(waitMs);
    return after;
  } catch (error) {
    // A worker wrote to the record at the same time: what it did is looked at.
    if (error instanceof AccessError && error.code === "record-changed") return context.ledger.moves.get(move.id);
    await putOffMove(context, move, error);
    throw error;
  }
}

/** @throws AccessError where nobody has approved it */
function approvedMove(move: Move | null, digest: string): Move {
  const short = digest.slice(0, 12);
  if (move?.plan?.digest !== digest) {
    throw new AccessError("migration-not-approved", `Nobody asked for the plan ${short}, or it is another one now`);
  }
  if (move.state !== "pending") return move;
  const message = `${move.approvals.length} approvers have approved the plan ${short} so far, and it takes two`;
  throw new AccessError("migration-not-approved", message);
}

function tellSteps({ done }: Move, told: Set<string>, say: (sentence: string) => void): void {
  for (const { name, proof } of done) {
    if (told.has(name)) continue;
    told.add(name);
    say(`${name}: ${proof.join(" ")}`);
  }
}

function outcome({ state, voided, plan }: Move, digest: string, say: (sentence: string) => void): number {
  if (state === "done") say("The plan is carried out.");
  else if (plan?.digest === digest) say(`The migration is over: ${state}. What was carried out stays.`);
  else
    say(`The approvals are void: ${voided?.message ?? "the plan is another one now"}. The approvers are asked again.`);
  return state === "done" ? 0 : 1;
}
