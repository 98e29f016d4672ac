import { moveApprovals } from "../../access/approval/decide-move.ts";
import { hasApproved, type Move } from "../../access/migration/move.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { approversIn } from "../../access/policy/may-see.ts";
import { counted } from "../../diagnosis/link.ts";
import { code, cut, mention, mentions, plainLine, time, told } from "../blocks/mrkdwn.ts";
import { droppedTexts } from "../blocks/words.ts";
import type { ThreadEntry } from "../show/thread-message.ts";
import { moveState } from "./move-words.ts";

/** Everything that happened to a move and belongs into its thread, oldest first. A pure function of the record. */
export function moveThreadOf(move: Move, cluster: Cluster | undefined): readonly ThreadEntry[] {
  return [
    ...decisionEntries(move),
    ...reminderEntries(move, cluster),
    ...stepEntries(move),
    ...troubleEntries(move),
    ...endEntries(move),
  ];
}

function decisionEntries({ approvals, dropped, voided, state }: Move): ThreadEntry[] {
  return [
    ...dropped.map((each) => ({ name: `dropped-${each.by}-${each.at}`, text: droppedTexts([each]).join() })),
    ...(voided && state === "pending"
      ? [
          {
            name: `void-${voided.message}-${voided.by.join()}`,
            text: `The approvals by ${mentions(voided.by)} are void: ${told(voided.message, 400)}. The approvers are asked again.`,
          },
        ]
      : []),
    ...approvals.map(({ by, at, digest }) => ({
      name: `approved-${by}-${at}`,
      text: `Plan ${code(digest.slice(0, 12))} approved by ${mention(by)} ${time(at)}.`,
    })),
  ];
}

/** Mentions those who may decide and have not: a message that is changed in place calls nobody. */
function reminderEntries(move: Move, cluster: Cluster | undefined): ThreadEntry[] {
  const { state, plan, reminders, approvals, requester, lapsesAt } = move;
  if (state !== "pending" || !plan || !reminders?.sent || !cluster) return [];
  const others = approversIn(cluster).filter((each) => !hasApproved(move, each));
  const left = counted(moveApprovals - approvals.length, "approval");
  const text = `${mentions(others)}: ${mention(requester)} still waits for ${left} of this migration. It lapses ${time(lapsesAt)}.`;
  return [{ name: `reminder-${plan.at}-${reminders.sent}`, text }];
}

function stepEntries({ done }: Move): ThreadEntry[] {
  return done.map(({ name, at, proof }) => ({
    name: `step-${name}-${at}`,
    text: `✓ ${code(name, 300)} ${time(at)}\n${told(proof.join(" "), 800)}`,
  }));
}

/** Once for each cause: how often it was tried stands in the message. */
function troubleEntries({ trouble, lapsesAt }: Move): ThreadEntry[] {
  if (!trouble) return [];
  return [{ name: `trouble-${trouble.code}-${lapsesAt}`, text: `:warning: ${told(trouble.message, 1200)}` }];
}

function endEntries(move: Move): ThreadEntry[] {
  const { state, denial, endedAt, begun } = move;
  if (endedAt === null || begun) return [];
  if (state === "denied" && denial) {
    return [
      {
        name: "denied",
        text: `Denied by ${mention(denial.by)} ${time(denial.at)}: ${cut(plainLine(denial.why), 600)}`,
      },
    ];
  }
  return [{ name: state, text: `${moveState(move)}.` }];
}
