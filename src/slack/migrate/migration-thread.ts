import { approversLeft, migrationApprovals } from "../../access/decide-migration.ts";
import type { Migration } from "../../access/migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { counted } from "../../diagnosis/link.ts";
import type { ThreadEntry } from "../show/message.ts";
import { code, mention, mentions, styled, time } from "../show/mrkdwn.ts";
import { droppedTexts, voidedText } from "../show/words.ts";
import { migrationState, migrationWord } from "./migration-words.ts";

/** Everything for the thread of a migration, oldest first. A pure function of the record. `due`: the people and user groups to call. */
export function migrationThreadOf(
  migration: Migration,
  cluster: Cluster | undefined,
  due: readonly string[] = cluster ? approversLeft(migration, cluster) : [],
): readonly ThreadEntry[] {
  const called = cluster ? mentions(due) : "";
  return [
    ...decisionEntries(migration, called),
    ...reminderEntries(migration, called),
    ...stepEntries(migration),
    ...troubleEntries(migration),
    ...endEntries(migration),
  ];
}

function whatOf(migration: Migration): string {
  return `the ${migrationWord(migration)} of ${code(migration.cluster)}`;
}

function decisionEntries(migration: Migration, called: string): ThreadEntry[] {
  const { approvals, dropped, voided, state } = migration;
  const missing = migrationApprovals - approvals.length;
  const left = state === "pending" && missing > 0 ? called : "";
  const call = left && ` ${left}: ${whatOf(migration)} needs ${counted(missing, "more approval")}.`;
  return [
    ...dropped.map((each) => ({ name: `dropped-${each.by}-${each.at}`, text: droppedTexts([each]).join() })),
    ...(voided && state === "pending"
      ? [{ name: `void-${voided.message}-${voided.by.join()}`, text: voidedText(voided) }]
      : []),
    ...approvals.map(({ by, at, digest }) => ({
      name: `approved-${by}-${at}`,
      text: `Plan ${code(digest.slice(0, 12))} approved by ${mention(by)} ${time(at)}.${call}`,
    })),
  ];
}

/** Mentions the approvers who have not decided: an updated message notifies no one. */
function reminderEntries(migration: Migration, called: string): ThreadEntry[] {
  const { state, plan, reminders, approvals, requester, expiresAt } = migration;
  if (state !== "pending" || !plan || !reminders?.sent || !called) return [];
  const left = counted(migrationApprovals - approvals.length, "approval");
  const text = `${called}: ${mention(requester)} still waits for ${left} for ${whatOf(migration)}. It expires ${time(expiresAt)}.`;
  return [{ name: `reminder-${plan.at}-${reminders.sent}`, text }];
}

function stepEntries({ done }: Migration): ThreadEntry[] {
  return done.map(({ name, at, proof }) => ({
    name: `step-${name}-${at}`,
    text: `✓ ${code(name, 300)} ${time(at)}\n${styled(proof.join(" "), 800)}`,
  }));
}

/** Once for each cause. */
function troubleEntries({ trouble, expiresAt }: Migration): ThreadEntry[] {
  if (!trouble) return [];
  return [{ name: `trouble-${trouble.code}-${expiresAt}`, text: `:warning: ${styled(trouble.message, 1200)}` }];
}

function endEntries(migration: Migration): ThreadEntry[] {
  const { state, endedAt, begun } = migration;
  return endedAt === null || begun ? [] : [{ name: state, text: `${migrationState(migration)}.` }];
}
