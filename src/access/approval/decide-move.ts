import { hasApproved, isOver, type Move, reviseMove } from "../migration/move.ts";
import type { Cluster } from "../policy/cluster.ts";
import { clusterArnOf } from "../policy/cluster-arn.ts";
import { answersFor, approvesFor } from "../policy/may-see.ts";
import type { Person } from "../policy/person.ts";
import type { Decision } from "../request/record.ts";
import type { ApprovalVerdict } from "./check-approval.ts";
import { droppedOf } from "./decide.ts";
import { isAhead, lastApproval, statementGoodForSeconds } from "./decision.ts";
import type { DecisionKeys, DecisionPublicKeys } from "./seal.ts";
import { isSealedDecision, sealDecision } from "./sealed-decision.ts";

/** How many different people have to approve: a migration touches everybody of a cluster, administrators too. */
export const moveApprovals = 2;

export interface MoveClick {
  readonly verdict: "approved" | "denied";
  /** The digest that the button carried. */
  readonly digest: string;
  readonly why: string;
}

export type MoveRefusal =
  | "already-decided"
  | "lapsed"
  | "not-an-approver"
  | "no-plan"
  | "plan-differs"
  | "quiet"
  | "approved-already"
  | "over"
  | "not-yours"
  | "not-in-trouble";

export type MoveVerdict =
  /** `after` is the next version of the record. */
  { readonly type: "decided"; readonly after: Move } | { readonly type: "refused"; readonly code: MoveRefusal };

/** Decides a click on the message of a move. Anything doubtful is refused. `departed`: who approved before and is no approver any more. */
export function decideMove(
  move: Move,
  cluster: Cluster,
  person: Person,
  click: MoveClick,
  keys: DecisionKeys,
  now: Date,
  departed: ReadonlyMap<string, string> = new Map(),
): MoveVerdict {
  const code = refuseMoveClick(move, cluster, person, click, now);
  if (code) return { type: "refused", code };
  const { verdict, digest, why } = click;
  const { user: by, memberships } = person;
  const at = now.toISOString();
  const unsealed = { verdict, by, at, digest, why, memberships, requester: null, linked: null, stillApprovers: [] };
  if (verdict === "denied") {
    const decision = sealDecision(unsealed, subjectOf(move, cluster), keys);
    return {
      type: "decided",
      after: reviseMove(move, { state: "denied", denial: decision, trouble: null, endedAt: at }),
    };
  }
  const before = standing(move, cluster, keys, now).filter((approval) => !departed.has(approval.by));
  const stillApprovers = [...before.map((approval) => approval.by), by];
  const approvals = [...before, sealDecision({ ...unsealed, stillApprovers }, subjectOf(move, cluster), keys)];
  const change = { approvals, voided: null, trouble: null };
  const isEnough = approvals.length >= moveApprovals;
  return { type: "decided", after: reviseMove(move, isEnough ? { ...change, state: "running" } : change) };
}

/**
 * Why a click on the message of a move decides nothing; null: it may. Who may not is told nothing else: ids of moves can be
 * guessed, and how one ended says what stands in the cluster.
 */
export function refuseMoveClick(
  move: Move,
  cluster: Cluster,
  person: Person,
  { verdict, digest }: MoveClick,
  now: Date,
): MoveRefusal | null {
  if (!approvesFor(cluster, person)) return "not-an-approver";
  if (move.state !== "pending") return "already-decided";
  // A time that can't be read is over.
  if (!(now.getTime() < Date.parse(move.lapsesAt))) return "lapsed";
  if (!move.plan) return "no-plan";
  if (move.plan.digest !== digest) return "plan-differs";
  if (verdict === "denied") return null;
  if (cluster.quiet !== null) return "quiet";
  return hasApproved(move, person.user) ? "approved-already" : null;
}

/** Whoever asked for it or answers for the cluster stops a move between two steps. What was carried out stays. */
export function withdrawMove(move: Move, cluster: Cluster, person: Person, why: string, now: Date): MoveVerdict {
  if (person.user !== move.requester && !answersFor(cluster, person)) return { type: "refused", code: "not-yours" };
  if (isOver(move)) return { type: "refused", code: "over" };
  const at = now.toISOString();
  const withdrawal = { by: person.user, at, why };
  return { type: "decided", after: reviseMove(move, { state: "withdrawn", withdrawal, trouble: null, endedAt: at }) };
}

/** What was mended is tried at once, and not when its time comes. */
export function retryMove(move: Move, cluster: Cluster, person: Person, now: Date): MoveVerdict {
  if (person.user !== move.requester && !answersFor(cluster, person)) return { type: "refused", code: "not-yours" };
  if (isOver(move)) return { type: "refused", code: "over" };
  if (!move.trouble) return { type: "refused", code: "not-in-trouble" };
  const trouble = { ...move.trouble, retryAt: now.toISOString() };
  return { type: "decided", after: reviseMove(move, { trouble }) };
}

/**
 * Whether a worker may go on with it: sealed approvals of its very plan, not too old, of people of whom the last one says that they are
 * still approvers.
 */
export function checkMove(
  move: Move,
  cluster: Cluster,
  keys: DecisionPublicKeys,
  now: Date,
  lapsesAfterSeconds: number,
): ApprovalVerdict {
  const oldest = now.getTime() - lapsesAfterSeconds * 1000;
  const recent = standing(move, cluster, keys, now).filter(({ at }) => Date.parse(at) > oldest);
  const last = lastApproval(recent);
  if (last && now.getTime() > Date.parse(last.at) + statementGoodForSeconds * 1000) {
    const hours = statementGoodForSeconds / 3600;
    return { type: "void", message: `it is more than ${hours} h ago that its approvers were seen to be approvers` };
  }
  const holding = recent.filter(({ by }) => last?.stillApprovers.includes(by));
  if (holding.length >= moveApprovals) return { type: "valid" };
  const message = `${holding.length} of ${moveApprovals} approvers have approved exactly this plan in the last ${Math.round(lapsesAfterSeconds / 3600)} h`;
  return { type: "void", message };
}

/** The approvals that count: ours, of this plan, not of the future, of people who are approvers. One for each person. */
function standing(move: Move, cluster: Cluster, keys: DecisionPublicKeys, now: Date): readonly Decision[] {
  const holding = move.approvals
    .filter(({ verdict, digest }) => verdict === "approved" && digest === move.plan?.digest)
    .filter((decision) => !isAhead(decision, now) && isSealedDecision(decision, subjectOf(move, cluster), keys))
    .filter(({ by, memberships }) => approvesFor(cluster, { user: by, memberships }));
  return [...new Map(holding.map((decision) => [decision.by, decision])).values()];
}

/** The record without the approvals of people who are no approvers any more. It goes on waiting for the approvals that are missing. */
export function moveWithoutDeparted(move: Move, departed: ReadonlyMap<string, string>, now: Date): Move {
  const { approvals, dropped } = move;
  return reviseMove(move, {
    approvals: approvals.filter(({ by }) => !departed.has(by)),
    dropped: [...dropped, ...droppedOf(approvals, departed, now)],
  });
}

/** What is sealed with a decision, so that it is of no use for another move or cluster, nor for a request. */
function subjectOf({ id }: Move, cluster: Cluster): string {
  return `${id} of ${clusterArnOf(cluster)}`;
}
