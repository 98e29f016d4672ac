import { approversLeft, type MigrationRefusal, migrationApprovals } from "../../access/decide-migration.ts";
import { isMigrationId } from "../../access/lists.ts";
import { clusterOfMigration, type Migration } from "../../access/migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { counted } from "../../diagnosis/link.ts";
import { asClause, inQuotes, quotedLine } from "../show/failure-words.ts";
import {
  answer,
  type Message,
  noSuchRequestAnswer,
  notYoursAnswer,
  onlyAnswer,
  type ThreadEntry,
} from "../show/message.ts";
import { code, mention, mentions, plainLine, styled, time } from "../show/mrkdwn.ts";
import { changedSince, droppedTexts, notCheckedYet, quietText, voidedText } from "../show/words.ts";

export function migrationWord({ kind }: Pick<Migration, "kind">): "repair" | "migration" {
  return kind ?? "migration";
}

/** A list's title, with what else is in it. */
export function titleWith(title: string, migrations: readonly Pick<Migration, "kind">[]): string {
  const words = new Set(migrations.map((migration) => `${migrationWord(migration)}s`));
  return words.size === 2 ? `${title}, migrations and repairs` : [title, ...words].join(" and ");
}

/** The same at the start of a sentence, with its id. */
export function migrationName({ id, kind }: Pick<Migration, "id" | "kind">): string {
  return `${kind === "repair" ? "Repair" : "Migration"} ${code(id)}`;
}

export function migrationTitle({ requester, cluster, kind }: Migration): string {
  if (kind === "repair") return `${mention(requester)} asks to repair entries of deleted roles on ${code(cluster)}`;
  return `${mention(requester)} asks to migrate ${code(cluster)} from aws-auth to access entries`;
}

/** The state with who and when, and what follows. It says nothing that is not true yet (law 5). */
export function migrationState(migration: Migration): string {
  const { state, approvals, plan } = migration;
  const by = approvals.length > 0 ? `Approved by ${approversOf(migration)}. ` : "";
  if (state === "running") return `${by}${headAndRest(migration)}`;
  if (state === "done") return `${headAndRest(migration)}. Approved by ${approversOf(migration)}`;
  if (state !== "pending") return headAndRest(migration);
  if (!plan) return "Looking at the cluster";
  return by ? `${by}Waiting for another approver` : `Waiting for ${migrationApprovals} different approvers`;
}

function headAndRest(migration: Migration): string {
  const rest = migrationRest(migration);
  return `${migrationHead(migration)}${rest && `. ${rest}`}`;
}

/** The state and its main fact, once it is decided. A phone shows its first words. */
export function migrationHead(migration: Migration): string {
  const { done, plan } = migration;
  switch (migration.state) {
    case "done":
      return `*Done* ${time(migration.endedAt)}`;
    case "denied": {
      const { by, why } = migration.denial;
      return `Denied by ${mention(by)}: ${plainLine(why.replace(/\.$/, ""), 600)}`;
    }
    case "stopped": {
      const { by, why } = migration.stop;
      return `*Stopped* by ${mention(by)}${why ? `: ${plainLine(why, 300).replace(/\.$/, "")}` : ""}`;
    }
    case "expired":
      return `*Expired* ${time(migration.endedAt)}`;
    case "refused":
      return `Refused: ${inQuotes(asClause(migration.refusal.message, 1500))}`;
    default:
      return `Running: ${done.length} of ${plan?.summary.steps.length ?? 0} steps`;
  }
}

/** What happens now, or stays; empty: nothing. */
export function migrationRest(migration: Migration): string {
  const { state, kind, plan, begun, settlesAt, unmade, cluster } = migration;
  if (unmade) return unmadeText(stepName(unmade, migration), cluster, unmade);
  if (state === "done") return kind === "repair" ? "" : modeWords(plan?.summary.before.length ?? 0);
  if (state === "stopped" || state === "expired") return whatStays(migration);
  if (state !== "running") return "";
  if (begun) return `Now ${stepName(begun.name, migration)}`;
  return settlesAt ? `Items stay until ${time(settlesAt)}` : "";
}

/** @param shown the principal as the reader sees it */
export function unmadeText(shown: string, cluster: string, principal = ""): string {
  return `The entry of ${shown} is deleted, and its replacement missing. ${askLine("repair", cluster, ` ${principal}`)} makes it`;
}

function approversOf({ approvals }: Migration): string {
  return approvals.map(({ by, at }) => `${mention(by)} ${time(at)}`).join(", ");
}

/** A step of a repair has only the name of its role: the details have the ARN. */
function stepName(name: string, { kind }: Migration): string {
  return code(kind === "repair" ? name.replace(/arn:\S*\//, "") : name, 200);
}

/** A person who stops it must know which steps stay, and how to continue. */
function whatStays(migration: Migration): string {
  const { done, cluster, begun, kind } = migration;
  if (begun) return `The worker finishes or undoes the step ${stepName(begun.name, migration)}`;
  if (done.length === 0) return "Nothing changed";
  return `${counted(done.length, "step")} done and kept. ${askLine(kind, cluster)} continues`;
}

function askLine(kind: Migration["kind"], cluster: string, principal = ""): string {
  return code(kind === "repair" ? `/eks-access repair ${cluster}${principal}` : `/eks-access migrate ${cluster} ask`);
}

/** We never switch the mode to API: EKS has no way back, and nothing reads aws-auth then. @param left the items that need aws-auth */
export function modeWords(left: number): string {
  if (left > 0) return `The mode ${code("API")} would drop ${counted(left, "item")} of aws-auth`;
  return `An operator can switch the mode to ${code("API")} for good`;
}

/** What failed, how to fix it, and the next try; null: nothing failed. @param maxLength of the failure, in characters */
export function migrationTrouble({ trouble, done }: Migration, maxLength = 1200): string | null {
  if (!trouble) return null;
  const stays = done.length > 0 ? " Finished steps stay." : "";
  return `:warning: Next try: ${time(trouble.retryAt)}.${stays}${quotedLine(trouble.message, maxLength)}`;
}

export function migrationAskedAnswer(migration: Migration): Message {
  const { id, cluster } = migration;
  return answer(
    `Requested the ${migrationWord(migration)} of ${code(cluster)} (${code(id)}). Needs ${migrationApprovals} approvals.`,
  );
}

export function migrationOpenAnswer(migration: Migration): Message {
  return answer(
    `${code(migration.id)} of ${mention(migration.requester)} is open: ${migrationState(migration)}. Use the buttons of its message.`,
  );
}

export function noMigrationAnswer(cluster: string): Message {
  return answer(`${code(cluster)} has no open migration or repair.`);
}

export function noSuchMigrationAnswer(id: string): Message {
  return answer(`There is no migration or repair ${code(id)}. Copy the id from its message.`);
}

export function noSuchAnswer(id: string): Message {
  return isMigrationId(id) ? noSuchMigrationAnswer(id) : noSuchRequestAnswer(id);
}

export function stopMigrationByAnswer(id: string): Message {
  const line = code(`/eks-access migrate ${clusterOfMigration(id)} stop`);
  return answer(`Nothing changed. To stop a migration or repair: ${line}.`);
}

export function migrationRetriedAnswer(migration: Migration): Message {
  return answer(`Trying ${migrationWord(migration)} ${code(migration.id)} again.`);
}

export function migrationRefusedAnswer(refusal: MigrationRefusal, migration: Migration, cluster: Cluster): Message {
  const { name } = cluster;
  const handled = `Already handled. ${code(migration.id)}: ${migrationState(migration)}.`;
  const reasons: Readonly<Record<MigrationRefusal, string>> = {
    "already-decided": handled,
    over: handled,
    "not-in-trouble": handled,
    expired: `${code(migration.id)} has expired. Ask again: ${askLine(migration.kind, name)}.`,
    "not-an-approver": onlyAnswer(`approvers of ${code(name)}`).text,
    "no-preview": notCheckedYet,
    "change-differs": changedSince,
    quiet: quietText(cluster),
    "approved-already": "You approved it already.",
    "not-yours": notYoursAnswer(migration).text,
  };
  return answer(reasons[refusal]);
}

/** Everything for the thread of a migration, oldest first. A pure function of the record. `due`: the people and user groups to call. */
export function migrationThreadOf(
  migration: Migration,
  cluster: Cluster | undefined,
  due: readonly string[] = cluster ? approversLeft(migration, cluster) : [],
): readonly ThreadEntry[] {
  const called = cluster ? mentions(due) : "";
  const { done, trouble, expiresAt, state, endedAt, begun } = migration;
  return [
    ...decisionEntries(migration, called),
    ...reminderEntries(migration, called),
    ...done.map(({ name, at, proof }) => ({
      name: `step-${name}-${at}`,
      text: `✓ ${code(name, 300)} ${time(at)}\n${styled(proof.join(" "), 800)}`,
    })),
    // Once for each cause.
    ...(trouble
      ? [
          {
            name: `trouble-${trouble.code}-${expiresAt}`,
            text: `:warning: Retrying:${quotedLine(trouble.message, 1200)}`,
          },
        ]
      : []),
    ...(endedAt === null || begun ? [] : [{ name: state, text: `${migrationState(migration)}.` }]),
  ];
}

function whatOf(migration: Migration): string {
  return `the ${migrationWord(migration)} of ${code(migration.cluster)}`;
}

function decisionEntries(migration: Migration, called: string): ThreadEntry[] {
  const { approvals, dropped, voided, state } = migration;
  const left = state === "pending" && approvals.length < migrationApprovals ? called : "";
  const call = left && ` ${left}: ${whatOf(migration)} needs your approval too.`;
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
  const { state, plan, reminders, requester, expiresAt } = migration;
  if (state !== "pending" || !plan || !reminders?.sent || !called) return [];
  const text = `${called}: ${mention(requester)} waits for your decision about ${whatOf(migration)}. Expires ${time(expiresAt)}.`;
  return [{ name: `reminder-${plan.at}-${reminders.sent}`, text }];
}
