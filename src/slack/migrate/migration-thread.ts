import { migrationApprovals } from "../../access/approval/decide-migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { clusterApprovers } from "../../access/policy/permissions.ts";
import { hasApproved, type Migration } from "../../access/request/migration.ts";
import { counted } from "../../diagnosis/link.ts";
import type { ThreadEntry } from "../show/message.ts";
import { code, mention, mentions, plainLine, styled, time } from "../show/mrkdwn.ts";
import { droppedTexts } from "../show/words.ts";
import { migrationState, migrationWord } from "./migration-words.ts";

/** Everything for the thread of a migration, oldest first. A pure function of the record. */
export function migrationThreadOf(migration: Migration, cluster: Cluster | undefined): readonly ThreadEntry[] {
  return [
    ...decisionEntries(migration, cluster),
    ...reminderEntries(migration, cluster),
    ...stepEntries(migration),
    ...troubleEntries(migration),
    ...endEntries(migration),
  ];
}

/** The approvers who have not approved. */
export function approversLeft(migration: Migration, cluster: Cluster): readonly string[] {
  return clusterApprovers(cluster).filter((each) => !hasApproved(migration, each));
}

function decisionEntries(migration: Migration, cluster: Cluster | undefined): ThreadEntry[] {
  const { approvals, dropped, voided, state } = migration;
  const missing = migrationApprovals - approvals.length;
  const left = cluster && state === "pending" && missing > 0 ? mentions(approversLeft(migration, cluster)) : "";
  const call = left && ` ${left}: it needs ${counted(missing, "more approval")}.`;
  return [
    ...dropped.map((each) => ({ name: `dropped-${each.by}-${each.at}`, text: droppedTexts([each]).join() })),
    ...(voided && state === "pending"
      ? [
          {
            name: `void-${voided.message}-${voided.by.join()}`,
            text: `The approvals by ${mentions(voided.by)} no longer count: ${styled(voided.message, 400)}. Decide again.`,
          },
        ]
      : []),
    ...approvals.map(({ by, at, digest }) => ({
      name: `approved-${by}-${at}`,
      text: `Plan ${code(digest.slice(0, 12))} approved by ${mention(by)} ${time(at)}.${call}`,
    })),
  ];
}

/** Mentions the approvers who have not decided: an updated message notifies no one. */
function reminderEntries(migration: Migration, cluster: Cluster | undefined): ThreadEntry[] {
  const { state, plan, reminders, approvals, requester, expiresAt } = migration;
  if (state !== "pending" || !plan || !reminders?.sent || !cluster) return [];
  const others = approversLeft(migration, cluster);
  const left = counted(migrationApprovals - approvals.length, "approval");
  const text = `${mentions(others)}: ${mention(requester)} still waits for ${left} for this ${migrationWord(migration)}. It expires ${time(expiresAt)}.`;
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
  const { state, denial, endedAt, begun } = migration;
  if (endedAt === null || begun) return [];
  if (state === "denied" && denial) {
    return [
      {
        name: "denied",
        text: `Denied by ${mention(denial.by)} ${time(denial.at)}: ${plainLine(denial.why, 600)}`,
      },
    ];
  }
  return [{ name: state, text: `${migrationState(migration)}.` }];
}
