import type { Decision, DroppedApproval, Reminders, Trouble } from "../request/record.ts";

/**
 * - `pending`: waits for the worker's plan, then for approvers
 * - `running`: approved; a worker carries it out, step by step
 * - `refused`: there was nothing to plan, or it must not be
 */
export type MigrationState = "pending" | "running" | "done" | "denied" | "withdrawn" | "lapsed" | "refused";

/** What the worker planned, as the approvers read it. */
export interface SealedPlan {
  /** ISO 8601. */
  readonly at: string;
  /** Of who gets which access entry and who goes out of aws-auth; it goes into the button and into each decision. */
  readonly digest: string;
  readonly summary: MigrationSummary;
  /** What goes out of aws-auth in the end, as written there; empty: nothing. */
  readonly outs: readonly string[];
  /** The worker's, over all of the above and the move's id. */
  readonly seal: string;
}

/** A step that was carried out, with what was proved of it. */
export interface DoneStep {
  /** `switch-mode`, `give-entry <ARN>`, `take-out`. */
  readonly name: string;
  /** ISO 8601. */
  readonly at: string;
  /** Sentences: what was seen to be true, and what was not tested. */
  readonly proof: readonly string[];
}

/** The move of one cluster from aws-auth to access entries, from being asked for to its end: a record of the ledger. */
export interface Migration {
  /** `migration-<cluster>-<number>`: of one cluster there is one at a time. */
  readonly id: string;
  /** Counts the changes, from 1; the ledger compares it before each write. */
  readonly version: number;
  readonly state: MigrationState;
  /** As the configuration names it. */
  readonly cluster: string;
  /** Slack user id. */
  readonly requester: string;
  /** ARNs of roles with their paths, which aws-auth does not know. */
  readonly told: readonly string[];
  /** ISO 8601. */
  readonly createdAt: string;
  /** ISO 8601: after this nobody can approve it any more. */
  readonly lapsesAt: string;
  readonly plan: SealedPlan | null;
  /** Set with the plan, when the approvers are asked. */
  readonly reminders: Reminders | null;
  /** The sealed approvals, of different people. */
  readonly approvals: readonly Decision[];
  /** Approvals that count no more, because who gave them is no approver any more. */
  readonly dropped: readonly DroppedApproval[];
  readonly denial: Decision | null;
  readonly withdrawal: { readonly by: string; readonly at: string; readonly why: string } | null;
  /** A step whose call may have been sent and is not proved yet. */
  readonly begun: { readonly name: string; readonly at: string } | null;
  readonly done: readonly DoneStep[];
  /** ISO 8601: nothing goes out of aws-auth before this, because entries are eventually consistent. */
  readonly settlesAt: string | null;
  /** Set while something is being tried again. */
  readonly trouble: Trouble | null;
  /** Set while approvals that did not hold wait to be given again. */
  readonly voided: { readonly by: readonly string[]; readonly message: string } | null;
  readonly refusal: { readonly code: string; readonly message: string } | null;
  /** ISO 8601; null: it is not over. */
  readonly endedAt: string | null;
}

/** What somebody who asks for a move says. */
export type NewMigration = Pick<Migration, "id" | "cluster" | "requester" | "told">;

/** A move as it first stands in the ledger. */
export function createMigration(wish: NewMigration, now: Date, lapsesAfterSeconds: number): Migration {
  return {
    ...wish,
    version: 1,
    state: "pending",
    createdAt: now.toISOString(),
    lapsesAt: new Date(now.getTime() + lapsesAfterSeconds * 1000).toISOString(),
    plan: null,
    reminders: null,
    approvals: [],
    dropped: [],
    denial: null,
    withdrawal: null,
    begun: null,
    done: [],
    settlesAt: null,
    trouble: null,
    voided: null,
    refusal: null,
    endedAt: null,
  };
}

/** The next version of a record. */
export function reviseMigration(migration: Migration, change: Partial<Omit<Migration, "id" | "version">>): Migration {
  return { ...migration, ...change, version: migration.version + 1 };
}

/** Whether nothing of it is decided or carried out any more. */
export function isMigrationOver({ state }: Pick<Migration, "state">): boolean {
  return state !== "pending" && state !== "running";
}

/** Whether somebody is among those who have approved it. */
export function hasApproved({ approvals }: Pick<Migration, "approvals">, user: string): boolean {
  return approvals.some(({ by }) => by === user);
}

/**
 * When a worker has to look at it next, in milliseconds since the epoch; null: never again. This is the index that the sweep
 * reads, so a wake-up that was lost is made up for.
 */
export function migrationDueAt(migration: Migration): number | null {
  // A step that was begun when somebody stopped it is still seen to its end.
  if (isMigrationOver(migration)) return migration.begun ? retryAtOf(migration) : null;
  if (migration.state === "running") return Math.max(retryAtOf(migration), Date.parse(migration.settlesAt ?? "") || 0);
  const lapsesAt = Date.parse(migration.lapsesAt);
  if (!migration.plan) return Math.min(Math.max(retryAtOf(migration), Date.parse(migration.createdAt)), lapsesAt);
  const { nextAt = null } = migration.reminders ?? {};
  return nextAt === null ? lapsesAt : Math.min(Date.parse(nextAt), lapsesAt);
}

/** Since when nothing can come of a move, in milliseconds since the epoch; null: a worker may still have to look at it. */
export function migrationClosedSince(migration: Migration): number | null {
  if (!isMigrationOver(migration) || migrationDueAt(migration) !== null) return null;
  const since = Math.max(Date.parse(migration.lapsesAt), ...(migration.endedAt ? [Date.parse(migration.endedAt)] : []));
  return Number.isFinite(since) ? since : null;
}

function retryAtOf({ trouble }: Migration): number {
  return trouble ? Date.parse(trouble.retryAt) : 0;
}

/** Whether this is the id of a move: those of requests begin otherwise. */
export function isMigrationId(id: string): boolean {
  return /^migration-.+-\d+$/.test(id);
}

/** Whose move it is, by its id. */
export function clusterOfMigration(id: string): string {
  return id.slice("migration-".length, id.lastIndexOf("-"));
}

/** Which one of its cluster's moves it is, from 1. */
export function migrationNumber({ id }: Pick<Migration, "id">): number {
  return Number(id.split("-").at(-1));
}

/** The id of the move after this one. */
export function nextMigrationId(cluster: string, latest: Pick<Migration, "id"> | null): string {
  return `migration-${cluster}-${(latest ? migrationNumber(latest) : 0) + 1}`;
}

/** An item of aws-auth and what becomes of it, as sentences. */
export interface ItemSummary {
  /** `mapRoles line 4`. */
  readonly place: string;
  readonly arn: string;
  readonly fate: "moves" | "stands" | "nodes" | "creator" | "waits" | "stays" | "dead";
  readonly sentences: readonly string[];
}

/** One step, as sentences. */
export interface StepSummary {
  /** `switch-mode`, `give-entry <ARN>`, `take-out`. */
  readonly name: string;
  readonly does: string;
  /** What is seen to be true before the next step. */
  readonly proof: string;
  /** How it is taken back, or that it can't be. */
  readonly undo: string;
}

/** A plan for people. */
export interface MigrationSummary {
  readonly mode: string;
  readonly items: readonly ItemSummary[];
  readonly steps: readonly StepSummary[];
  readonly keptBecause: string | null;
  readonly before: readonly string[];
  readonly digest: string;
}
