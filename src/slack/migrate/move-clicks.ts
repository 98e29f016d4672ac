import {
  decideMove,
  type MoveClick,
  type MoveVerdict,
  moveWithoutDeparted,
  retryMove,
  withdrawMove,
} from "../../access/approval/decide-move.ts";
import type { EventType } from "../../access/audit/event.ts";
import { createMove, isOver, type Move, nextMoveId } from "../../access/migration/move.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { answersFor, approvesFor } from "../../access/policy/may-see.ts";
import type { Person } from "../../access/policy/person.ts";
import { type MoveStep, moveEvent, recordMove, updateMove } from "../../ledger/record-move.ts";
import type { SlackContext } from "../app/context.ts";
import { refuseActor } from "../ask/admission.ts";
import { failureAnswer } from "../ask/answers.ts";
import type { Message } from "../blocks/message.ts";
import { noteAttempt, type TriedAct } from "../people/attempts.ts";
import { departedFrom, noApprover, personFor } from "../people/standing.ts";
import { mayNotPlanAnswer } from "./migration-answer.ts";
import {
  moveApprovedAnswer,
  moveAskedAnswer,
  moveOpenAnswer,
  moveRefusedAnswer,
  moveRetriedAnswer,
  moveWithdrawnAnswer,
  noMoveAnswer,
  noSuchMoveAnswer,
} from "./move-answers.ts";

/** Asks for the move of a cluster: of one cluster there is one at a time. @throws AccessError */
export async function askForMove(
  context: SlackContext,
  cluster: Cluster,
  requester: string,
  told: readonly string[],
): Promise<Message> {
  const { ledger, config, now } = context;
  const about = { id: "", cluster: cluster.name };
  const turnedAway = await refuseActor(context, requester, "migrate", about);
  if (turnedAway) return turnedAway;
  if (!answersFor(cluster, await personFor(context, cluster, requester))) {
    await noteAttempt(context, { act: "migrate", by: requester, code: "not-yours", request: about });
    return mayNotPlanAnswer(cluster);
  }
  const latest = await ledger.moves.latestOf(cluster.name);
  if (latest && (!isOver(latest) || latest.begun)) return moveOpenAnswer(latest);
  const wish = { id: nextMoveId(cluster.name, latest), cluster: cluster.name, requester, told };
  const move = createMove(wish, now(), config.timing.requestLapsesAfterSeconds);
  const event = moveEvent("migration.asked", move, requester, now(), { told });
  const result = await recordMove(context, move, event, now());
  if (result.type === "committed") return moveAskedAnswer(move);
  return result.current ? moveOpenAnswer(result.current) : failureAnswer("Ask for it once more.");
}

/** Who has approved and is no approver any more, with the reason. */
type Departed = ReadonlyMap<string, string>;
const none: Departed = new Map();
const whyNot = (cluster: Cluster) => (person: Person) => (approvesFor(cluster, person) ? null : noApprover);

/** What somebody does with a move, and how it is told. */
interface Act {
  readonly act: TriedAct;
  readonly event: EventType;
  readonly why: string;
  readonly decide: (move: Move, cluster: Cluster, person: Person, now: Date, departed: Departed) => MoveVerdict;
  /** What whoever did it is told; null: the message says it. */
  readonly answer: (after: Move) => Message | null;
}

/** A click on Approve or Deny: one wins, everybody else is told who was first (law 2). @throws AccessError */
export function decideOnMove(context: SlackContext, by: string, id: string, click: MoveClick): Promise<Message | null> {
  const isApproval = click.verdict === "approved";
  return actOnMove(context, by, id, {
    act: isApproval ? "approve" : "deny",
    event: isApproval ? "migration.approved" : "migration.denied",
    why: click.why,
    decide: (move, cluster, person, now, departed) =>
      decideMove(move, cluster, person, click, context.keys.decision, now, departed),
    answer: (after) => (after.state === "pending" ? moveApprovedAnswer(after) : null),
  });
}

/** Stops a move before its next step. @throws AccessError */
export function stopMove(context: SlackContext, by: string, id: string, why: string): Promise<Message | null> {
  return actOnMove(context, by, id, {
    act: "withdraw",
    event: "migration.withdrawn",
    why,
    decide: (move, cluster, person, now) => withdrawMove(move, cluster, person, why, now),
    answer: moveWithdrawnAnswer,
  });
}

/** Has what failed tried again at once. @throws AccessError */
export function tryMoveAgain(context: SlackContext, by: string, id: string): Promise<Message | null> {
  const act = {
    act: "retry",
    event: "migration.retried",
    why: "",
    decide: retryMove,
    answer: moveRetriedAnswer,
  } as const;
  return actOnMove(context, by, id, act);
}

async function actOnMove(context: SlackContext, by: string, id: string, what: Act): Promise<Message | null> {
  const move = await context.ledger.moves.get(id);
  const about = move ?? { id, cluster: "" };
  const turnedAway = await refuseActor(context, by, what.act, about);
  if (turnedAway) return turnedAway;
  const cluster = move && context.config.clusters.get(move.cluster);
  if (!move || !cluster) {
    await noteAttempt(context, { act: what.act, by, code: "no-such-request", request: about });
    return move ? noMoveAnswer(move.cluster) : noSuchMoveAnswer(id);
  }
  return updateMove(context, id, async (current) => {
    if (!current) return { type: "stop", outcome: noMoveAnswer(cluster.name) };
    return decideNow(context, by, current, cluster, what);
  });
}

async function decideNow(
  context: SlackContext,
  by: string,
  move: Move,
  cluster: Cluster,
  what: Act,
): Promise<MoveStep<Message | null>> {
  // A move must be stoppable also while Slack does not say who is of which group.
  const person = await personFor(context, cluster, by).catch((error: unknown) => {
    if (what.act !== "withdraw") throw error;
    return { user: by, memberships: [] };
  });
  const departed =
    what.act === "approve" ? await departedFrom(context, cluster, move.approvals, whyNot(cluster)) : none;
  const now = context.now();
  const verdict = what.decide(move, cluster, person, now, departed);
  if (verdict.type === "refused") {
    await noteAttempt(context, { act: what.act, by, code: verdict.code, request: move });
    return { type: "stop", outcome: moveRefusedAnswer(verdict.code, move, cluster) };
  }
  const [gone] = departed;
  if (gone) return dropDeparted(move, gone, now);
  const { after } = verdict;
  const detail = { plan: after.plan?.digest ?? "", why: what.why, state: after.state };
  const event = moveEvent(what.event, after, by, now, detail);
  return { type: "write", after, event, outcome: what.answer(after) };
}

/** First takes out an approval of somebody who is no approver any more, with its event; then it is decided on what is left. */
function dropDeparted(move: Move, gone: readonly [string, string], now: Date): MoveStep<never> {
  const [approver, why] = gone;
  const after = moveWithoutDeparted(move, new Map([gone]), now);
  const event = moveEvent("migration.approval-dropped", after, "slack", now, { approver, why });
  return { type: "write-first", after, event };
}
