import { isOver, type Move } from "../../access/migration/move.ts";
import { answer } from "../ask/answers.ts";
import { code } from "../blocks/mrkdwn.ts";
import type { Milestone } from "../lease/requester-message.ts";
import { moveState, moveTrouble } from "./move-words.ts";

/** Nobody can approve what nobody sees; and what is approved nobody can follow there. */
export function moveLostMilestone({ id, cluster, state }: Move): Milestone {
  const why = "it is not there, or not for the bot";
  const lost =
    state === "pending"
      ? `The approvers of ${code(cluster)} can't be asked in their channel about ${code(id)}: ${why}. They are asked in direct messages instead.`
      : `The channel of ${code(cluster)} can't be shown ${code(id)}: ${why}. ${code(`/eks-access status ${id}`)} shows how it goes on.`;
  return {
    name: "channel-lost",
    message: answer(`${lost} Ask an operator to mend ${code("channel")} in eks-access.yml.`),
  };
}

/** What fails, once for each kind of failure: before there is a plan no message in the channel says it. */
export function moveTroubleMilestone(move: Move): readonly Milestone[] {
  const { trouble, state, id, cluster } = move;
  const text = moveTrouble(move);
  if (!trouble || !text || isOver(move)) return [];
  return [{ name: `${state}-${trouble.code}`, message: answer(`Migration ${code(id)} of ${code(cluster)}: ${text}`) }];
}

/** How it ended, once nothing of it is left to be seen to. */
export function moveEndMilestone(move: Move): readonly Milestone[] {
  if (!isOver(move) || move.begun) return [];
  return [
    { name: move.state, message: answer(`Migration ${code(move.id)} of ${code(move.cluster)}: ${moveState(move)}.`) },
  ];
}
