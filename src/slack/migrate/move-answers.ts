import { type MoveRefusal, moveApprovals } from "../../access/approval/decide-move.ts";
import { clusterOfMove, isOver, type Move } from "../../access/migration/move.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { counted } from "../../diagnosis/link.ts";
import { answer } from "../ask/answers.ts";
import type { Message } from "../blocks/message.ts";
import { code, mention, plainLine } from "../blocks/mrkdwn.ts";
import { moveState } from "./move-words.ts";

export function moveAskedAnswer({ id, cluster }: Move): Message {
  return answer(
    `Migration ${code(id)} of ${code(cluster)} is recorded. The worker plans it first, then the approvers are asked in their channel: ${moveApprovals} of them have to approve it.`,
  );
}

/** Of one cluster there is one move at a time. */
export function moveOpenAnswer(move: Move): Message {
  return answer(
    `${code(move.id)} of ${mention(move.requester)} is not over: ${moveState(move)}. Its message has the buttons.`,
  );
}

export function noMoveAnswer(cluster: string): Message {
  return answer(`No migration of ${code(cluster)} is under way.`);
}

/** Nobody has asked for it, or its id was mistyped. */
export function noSuchMoveAnswer(id: string): Message {
  return answer(`There is no migration ${code(id)}. Look at its message for the id.`);
}

/** A move is stopped by its cluster, of which there is one at a time: also by approvers, and between two steps. */
export function stopMoveByAnswer(id: string): Message {
  const line = code(`/eks-access migrate ${clusterOfMove(id)} withdraw`);
  return answer(`Nothing was changed. A migration is stopped by ${line}.`);
}

export function moveDeniedAnswer({ id }: Pick<Move, "id">): Message {
  return answer(`Migration ${code(id)} is denied. The requester gets your reason.`);
}

/** An approval that is one of two. */
export function moveApprovedAnswer({ approvals, cluster }: Move): Message {
  const left = counted(moveApprovals - approvals.length, "more approval");
  return answer(`Your approval is recorded. It takes ${left}, of another approver of ${code(cluster)}.`);
}

export function moveRetriedAnswer({ id }: Move): Message {
  return answer(`Migration ${code(id)} is tried again now.`);
}

export function moveWithdrawnAnswer(move: Move): Message {
  return answer(`${code(move.id)}: ${moveState(move)}.`);
}

/** Why a click or a command on a move changed nothing. */
export function moveRefusedAnswer(refusal: MoveRefusal, move: Move, { name, quiet }: Cluster): Message {
  return answer(refusalWords(refusal, move, name, quiet));
}

function refusalWords(refusal: MoveRefusal, move: Move, name: string, quiet: Cluster["quiet"]): string {
  switch (refusal) {
    case "already-decided":
    case "over":
      return `Nothing was changed. ${code(move.id)}: ${moveState(move)}.`;
    case "lapsed":
      return `Nothing was changed: ${code(move.id)} has lapsed. Ask for it again with ${code(`/eks-access migrate ${name} ask`)}.`;
    case "not-an-approver":
      return `Approvers of ${code(name)} decide about this plan.`;
    case "no-plan":
      return `The worker has no plan to show yet. Decide when ${code(`/eks-access status ${move.id}`)} shows it.`;
    case "plan-differs":
      return `Nothing was changed: the plan is another one now. Read it with ${code(`/eks-access status ${move.id}`)}, and decide there.`;
    case "quiet":
      return `Nothing is approved on ${code(name)} now: it is quiet (${plainLine(quiet ?? "").replace(/\.$/, "")}). You can still deny.`;
    case "approved-already":
      return "You have approved this plan already. Another approver has to approve it too.";
    case "not-yours":
      return `Who asked for it, approvers of ${code(name)} and its on-call may do that.`;
    case "not-in-trouble":
      return isOver(move) ? `${code(move.id)} is over.` : `${code(move.id)} is under way: ${moveState(move)}.`;
  }
}
