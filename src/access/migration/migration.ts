import type { CodedReason, Trouble } from "../lease/proof-record.ts";
import type { Decision, DroppedApproval, Reminders } from "../request/record.ts";

export interface SealedPlan {
  readonly at: string;
  /** Digest of who gets which access entry and who leaves aws-auth; in the button and in each decision. */
  readonly digest: string;
  readonly summary: MigrationSummary;
  /** The entries that finally leave aws-auth, as written there; empty: none. */
  readonly outs: readonly string[];
  /** The worker's, over all fields above and the migration's id. */
  readonly seal: string;
}

export interface DoneStep {
  /** `switch-mode`, `give-entry <ARN>`, `take-out`. */
  readonly name: string;
  readonly at: string;
  /** Sentences: what was confirmed, and what was not tested. */
  readonly proof: readonly string[];
}

export interface MigrationFields {
  /** `migration-<cluster>-<number>`. A cluster has one open migration at most. */
  readonly id: string;
  /** Counts the changes, from 1; the ledger compares it before each write. */
  readonly version: number;
  readonly cluster: string;
  readonly requester: string;
  /** ARNs of roles with their paths, which aws-auth does not have. */
  readonly givenArns: readonly string[];
  readonly createdAt: string;
  /** ISO 8601: after this time no approval is possible. */
  readonly lapsesAt: string;
  /** Null: the worker has yet to plan, for the first time or again. */
  readonly plan: SealedPlan | null;
  /** Set with the plan, when the approvers are asked. */
  readonly reminders: Reminders | null;
  /** The sealed approvals, of different people. */
  readonly approvals: readonly Decision[];
  /** Approvals of people who are no longer approvers: they do not count. */
  readonly dropped: readonly DroppedApproval[];
  /** A step whose call may have been sent, before its proof. */
  readonly begun: { readonly name: string; readonly at: string } | null;
  readonly done: readonly DoneStep[];
  /** ISO 8601: nothing leaves aws-auth before this, because entries are eventually consistent. */
  readonly settlesAt: string | null;
  /** Set while something is tried again. */
  readonly trouble: Trouble | null;
  /** Set while the migration waits for new approvals, because the earlier ones became void. */
  readonly voided: { readonly by: readonly string[]; readonly message: string } | null;
}

const nothing = { denial: null, withdrawal: null, refusal: null, endedAt: null } as const;
type Nothing = typeof nothing;

/** The person who stopped a migration, when (ISO 8601) and why. */
export interface MigrationWithdrawal {
  readonly by: string;
  readonly at: string;
  readonly why: string;
}

/** Waits for the worker's plan, then for approvers. */
export type PendingMigration = MigrationFields & Nothing & { readonly state: "pending" };

/** Approved: a worker carries out its plan, step by step. */
export type RunningMigration = MigrationFields & Nothing & { readonly state: "running"; readonly plan: SealedPlan };

/** How a migration ends. `refused`: there is nothing to plan, or the plan is not allowed. */
type End =
  | { readonly state: "done"; readonly begun: null }
  | { readonly state: "lapsed" }
  | { readonly state: "denied"; readonly denial: Decision }
  | { readonly state: "withdrawn"; readonly withdrawal: MigrationWithdrawal }
  | { readonly state: "refused"; readonly refusal: CodedReason };

export type EndedMigration = MigrationFields & {
  readonly endedAt: string;
} & (
    | (Omit<Nothing, "endedAt"> & { readonly state: "done" | "lapsed" })
    | (Omit<Nothing, "endedAt" | "denial"> & Extract<End, { readonly state: "denied" }>)
    | (Omit<Nothing, "endedAt" | "withdrawal"> & Extract<End, { readonly state: "withdrawn" }>)
    | (Omit<Nothing, "endedAt" | "refusal"> & Extract<End, { readonly state: "refused" }>)
  );

/** The migration of one cluster from aws-auth to access entries: a record of the ledger. */
export type Migration = PendingMigration | RunningMigration | EndedMigration;

/** A person's input for a migration. */
export type NewMigration = Pick<MigrationFields, "id" | "cluster" | "requester" | "givenArns">;

export function createMigration(wish: NewMigration, now: Date, lapsesAfterSeconds: number): PendingMigration {
  return {
    ...wish,
    ...nothing,
    version: 1,
    state: "pending",
    createdAt: now.toISOString(),
    lapsesAt: new Date(now.getTime() + lapsesAfterSeconds * 1000).toISOString(),
    plan: null,
    reminders: null,
    approvals: [],
    dropped: [],
    begun: null,
    done: [],
    settlesAt: null,
    trouble: null,
    voided: null,
  };
}

/** The next version of a migration in the same state. */
export function nextMigration<In extends Migration>(
  migration: In,
  change: Partial<Omit<MigrationFields, "id" | "version">>,
): In {
  return { ...migration, ...change, version: migration.version + 1 };
}

/** Enough approvers agree to this plan. */
export function runningMigration(migration: PendingMigration, plan: SealedPlan): RunningMigration {
  return { ...migration, state: "running", plan };
}

/** The last version, except for the rest of a step that began. */
export function endedMigration(migration: PendingMigration | RunningMigration, now: Date, end: End): EndedMigration {
  const last = nextMigration(migration, { trouble: null, settlesAt: null });
  return { ...last, ...end, endedAt: now.toISOString() };
}

/** The approvals do not cover the present change: the worker plans again, and the approvers decide again (law 4). */
export function replannedMigration(
  migration: PendingMigration | RunningMigration,
  message: string,
  lapsesAt: string,
): PendingMigration {
  const by = migration.approvals.map((approval) => approval.by);
  const cleared = { plan: null, reminders: null, approvals: [], trouble: null, settlesAt: null };
  return { ...nextMigration(migration, { lapsesAt, voided: { by, message } }), ...cleared, state: "pending" };
}

export function isMigrationOver(migration: Migration): migration is EndedMigration {
  return migration.state !== "pending" && migration.state !== "running";
}

export function hasApproved({ approvals }: Pick<Migration, "approvals">, user: string): boolean {
  return approvals.some(({ by }) => by === user);
}

/**
 * When a worker looks at it next, in milliseconds since the epoch; null: never. The sweep reads this index, so a lost wake-up does not
 * matter.
 */
export function migrationDueAt(migration: Migration): number | null {
  // A step that began before a person stopped the migration still completes.
  if (isMigrationOver(migration)) return migration.begun ? retryAtOf(migration) : null;
  if (migration.state === "running") return Math.max(retryAtOf(migration), Date.parse(migration.settlesAt ?? "") || 0);
  const lapsesAt = Date.parse(migration.lapsesAt);
  if (!migration.plan) return Math.min(Math.max(retryAtOf(migration), Date.parse(migration.createdAt)), lapsesAt);
  const { nextAt = null } = migration.reminders ?? {};
  return nextAt === null ? lapsesAt : Math.min(Date.parse(nextAt), lapsesAt);
}

/** Since when a migration has no further effect, in milliseconds since the epoch; null: a worker may still look at it. */
export function migrationClosedSince(migration: Migration): number | null {
  if (!isMigrationOver(migration) || migrationDueAt(migration) !== null) return null;
  const since = Math.max(Date.parse(migration.lapsesAt), ...(migration.endedAt ? [Date.parse(migration.endedAt)] : []));
  return Number.isFinite(since) ? since : null;
}

function retryAtOf({ trouble }: Migration): number {
  return trouble ? Date.parse(trouble.retryAt) : 0;
}

/** Whether an id is a migration's: requests' ids begin differently. */
export function isMigrationId(id: string): boolean {
  return /^migration-.+-\d+$/.test(id);
}

export function clusterOfMigration(id: string): string {
  return id.slice("migration-".length, id.lastIndexOf("-"));
}

/** A migration's number in its cluster, from 1. */
export function migrationNumber({ id }: Pick<Migration, "id">): number {
  return Number(id.split("-").at(-1));
}

export function nextMigrationId(cluster: string, latest: Pick<Migration, "id"> | null): string {
  return `migration-${cluster}-${(latest ? migrationNumber(latest) : 0) + 1}`;
}

export interface ItemSummary {
  /** `mapRoles line 4`. */
  readonly place: string;
  readonly arn: string;
  readonly outcome: "moves" | "has-entry" | "nodes" | "creator" | "waits" | "stays" | "dead";
  readonly sentences: readonly string[];
}

export interface StepSummary {
  /** `switch-mode`, `give-entry <ARN>`, `take-out`. */
  readonly name: string;
  readonly does: string;
  /** What must be confirmed before the next step. */
  readonly proof: string;
  /** How to undo it, or that it can't be undone. */
  readonly undo: string;
}

export interface MigrationSummary {
  readonly mode: string;
  readonly items: readonly ItemSummary[];
  readonly steps: readonly StepSummary[];
  readonly keptBecause: string | null;
  readonly before: readonly string[];
  readonly digest: string;
}
