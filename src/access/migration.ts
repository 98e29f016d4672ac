import { z } from "zod";
import {
  type CodedReason,
  codedReasonForm,
  type Immutable,
  itemsForm,
  mapForm,
  placeForm,
  textForm,
  textsForm,
  timeForm,
} from "./lease/lease-record.ts";
import { type Decision, decisionForm, recordFields } from "./record.ts";

/** The content of a plan, for messages and the command line. */
export type MigrationSummary = Immutable<z.output<typeof summaryForm>>;
export type ItemSummary = MigrationSummary["items"][number];
export type StepSummary = MigrationSummary["steps"][number];
export const summaryForm = z.strictObject({
  mode: textForm,
  items: itemsForm(
    z.strictObject({
      /** `mapRoles line 4`. */
      place: textForm,
      arn: textForm,
      outcome: z.enum(["moves", "has-entry", "nodes", "creator", "waits", "stays", "unmatched"]),
      sentences: textsForm,
    }),
  ),
  steps: itemsForm(
    z.strictObject({
      /** `switch-mode`, `give-entry <ARN>`, `remove-from-aws-auth`; of a repair `replace-in-aws-auth`, `replace-entry <ARN>`. */
      name: textForm,
      does: textForm,
      /** What must be confirmed before the next step. */
      proof: textForm,
      /** How to undo it, or that it can't be undone. */
      undo: textForm,
    }),
  ),
  keptBecause: textForm.nullable(),
  before: textsForm,
  digest: textForm,
});

/** The names of the steps about one principal. */
export const giveEntryStep = (arn: string) => `give-entry ${arn}`;
export const replaceEntryStep = (arn: string) => `replace-entry ${arn}`;

/** The principal that a step gives its access entry; null: it is another step. */
export function principalGiven(step: string): string | null {
  return /^give-entry (.*)$/.exec(step)?.[1] ?? null;
}

export type Replacement = Immutable<z.output<typeof replacementForm>>;
const replacementForm = z.strictObject({
  place: z.enum(["aws-auth", "access-entry"]),
  /** As written there. */
  from: textForm,
  /** The current principal; `from` again: it was made again under its ARN. Null: the current one has an entry, so this one is only deleted. */
  to: textForm.nullable(),
  /** The whole entry, so that a crash between its deletion and the new one loses nothing. */
  username: textForm,
  groups: textsForm,
  policies: itemsForm(z.strictObject({ name: textForm, namespaces: textsForm.nullable() })),
  tags: mapForm(textForm),
  /** When EKS made the access entry. Null: in aws-auth. */
  createdAt: timeForm.nullable(),
  /** When a worker planned it first, if an earlier repair deleted the entry and made no new one. */
  firstPlannedAt: timeForm.optional(),
});

export type SealedPlan = Immutable<z.output<typeof planForm>>;
const planForm = z.strictObject({
  at: timeForm,
  /** Digest of each new access entry and each item that leaves aws-auth; in the button and in each decision. */
  digest: textForm,
  summary: summaryForm,
  /** The entries that leave aws-auth in the end, as written there; empty: none. */
  outs: textsForm,
  /** Of a repair alone. The digest covers them. */
  replacements: itemsForm(replacementForm).optional(),
  /** The worker's, over all fields above and the migration's id. */
  seal: textForm,
});

export type DoneStep = MigrationFields["done"][number];

export type MigrationFields = Immutable<z.output<typeof migrationFields>>;
/** The id is `migration-<cluster>-<number>`. A cluster has one open migration at most. */
const migrationFields = recordFields.extend({
  /** `repair`: replaces entries of deleted roles. Absent: moves aws-auth to access entries. */
  kind: z.literal("repair").optional(),
  /** ARNs of roles with their paths, which aws-auth does not have. Of a repair: of principals that live. */
  givenArns: textsForm,
  /** Null: the worker has yet to plan, for the first time or again. */
  plan: planForm.nullable(),
  /** A step that may have sent its call, before its proof. */
  begun: z.strictObject({ name: textForm, at: timeForm, place: placeForm }).nullable(),
  /** `proof`: sentences: the confirmed and the untested parts. `place`: null: it began in no record. */
  done: itemsForm(z.strictObject({ name: textForm, at: timeForm, proof: textsForm, place: placeForm.nullable() })),
  /** aws-auth keeps its items until this: entries are eventually consistent, and a deletion of ours can be unanswered. */
  settlesAt: timeForm.nullable(),
  /** Of an ended repair: the principal that lost its outdated entry and got no new one. */
  unmade: textForm.optional(),
});

const nothing = { denial: null, stop: null, refusal: null, endedAt: null } as const;

const stopForm = z.strictObject({ by: textForm, at: timeForm, why: textForm });
const open = { denial: z.null(), stop: z.null(), refusal: z.null(), endedAt: z.null() } as const;
const ended = { ...open, endedAt: timeForm } as const;

export const migrationForm = z.discriminatedUnion("state", [
  migrationFields.extend({ state: z.literal("pending"), ...open }),
  migrationFields.extend({ state: z.literal("running"), ...open, plan: planForm }),
  migrationFields.extend({ state: z.enum(["done", "expired"]), ...ended }),
  migrationFields.extend({ state: z.literal("denied"), ...ended, denial: decisionForm }),
  migrationFields.extend({ state: z.literal("stopped"), ...ended, stop: stopForm }),
  migrationFields.extend({ state: z.literal("refused"), ...ended, refusal: codedReasonForm }),
]);

/** The migration of one cluster from aws-auth to access entries, or a repair of its entries of deleted roles: a record of the ledger. */
export type Migration = Immutable<z.output<typeof migrationForm>>;

/** Waits for the worker's plan, then for approvers. */
export type PendingMigration = Extract<Migration, { readonly state: "pending" }>;

export type RunningMigration = Extract<Migration, { readonly state: "running" }>;

/** `refused`: there is nothing to plan, or the plan is not allowed. */
export type EndedMigration = Exclude<Migration, PendingMigration | RunningMigration>;

type End =
  | { readonly state: "done"; readonly begun: null }
  | { readonly state: "expired" }
  | { readonly state: "denied"; readonly denial: Decision }
  | { readonly state: "stopped"; readonly stop: Immutable<z.output<typeof stopForm>> }
  | { readonly state: "refused"; readonly refusal: CodedReason };

/** `settlesAt`: the last migration's: a deletion of its entry can still arrive. */
export type NewMigration = Pick<MigrationFields, "id" | "cluster" | "requester" | "givenArns" | "kind"> &
  Partial<Pick<MigrationFields, "settlesAt">>;

export function createMigration(requested: NewMigration, now: Date, expiresAfterSeconds: number): PendingMigration {
  return {
    settlesAt: null,
    ...requested,
    ...nothing,
    version: 1,
    state: "pending",
    createdAt: now.toISOString(),
    expiresAt: new Date(now.getTime() + expiresAfterSeconds * 1000).toISOString(),
    plan: null,
    reminders: null,
    approvals: [],
    dropped: [],
    begun: null,
    done: [],
    trouble: null,
    voided: null,
  };
}

export function nextMigration<In extends Migration>(
  migration: In,
  change: Partial<Omit<MigrationFields, "id" | "version">>,
): In {
  return { ...migration, ...change, version: migration.version + 1 };
}

/** The last version, except for the rest of a step that began. */
export function endedMigration(migration: PendingMigration | RunningMigration, now: Date, end: End): EndedMigration {
  return { ...nextMigration(migration, { trouble: null }), ...end, endedAt: now.toISOString() };
}

/** The approvals do not cover the present change: the worker plans again, and the approvers decide again (law 4). */
export function replannedMigration(
  migration: PendingMigration | RunningMigration,
  message: string,
  expiresAt: string,
): PendingMigration {
  const by = migration.approvals.map((approval) => approval.by);
  const cleared = { plan: null, reminders: null, approvals: [], trouble: null };
  return { ...nextMigration(migration, { expiresAt, voided: { by, message } }), ...cleared, state: "pending" };
}

export function isMigrationOver(migration: Migration): migration is EndedMigration {
  return migration.state !== "pending" && migration.state !== "running";
}

/** Redis lost the approvals after a step began, and half of an entry overrides its item. A half-made repair waits for its approvers. */
export function isBegunWithoutApproval({ state, kind, begun }: Migration): boolean {
  return state === "pending" && kind !== "repair" && begun !== null;
}

/** Milliseconds since the epoch; null: never. The sweep reads this index, so a lost wake-up does not matter. */
export function migrationDueAt(migration: Migration): number | null {
  // A step that began before a person stopped the migration still completes.
  if (isMigrationOver(migration)) return migration.begun ? retryAtOf(migration) : null;
  if (migration.state === "running") {
    return migration.trouble ? retryAtOf(migration) : Date.parse(migration.settlesAt ?? "") || 0;
  }
  const expiresAt = Date.parse(migration.expiresAt);
  if (isBegunWithoutApproval(migration)) return Math.min(retryAtOf(migration), expiresAt);
  if (!migration.plan) return Math.min(Math.max(retryAtOf(migration), Date.parse(migration.createdAt)), expiresAt);
  const { nextAt = null } = migration.reminders ?? {};
  return nextAt === null ? expiresAt : Math.min(Date.parse(nextAt), expiresAt);
}

/** Since when a migration has no further effect, in milliseconds since the epoch; null: a worker may still look at it. */
export function migrationClosedSince(migration: Migration): number | null {
  if (!isMigrationOver(migration) || migrationDueAt(migration) !== null) return null;
  const since = Math.max(
    Date.parse(migration.expiresAt),
    ...(migration.endedAt ? [Date.parse(migration.endedAt)] : []),
  );
  return Number.isFinite(since) ? since : null;
}

function retryAtOf({ trouble }: Migration): number {
  return trouble ? Date.parse(trouble.retryAt) : 0;
}

export function clusterOfMigration(id: string): string {
  return id.slice("migration-".length, id.lastIndexOf("-"));
}

export function migrationIdOf(cluster: string, number: number): string {
  return `migration-${cluster}-${number}`;
}

/** A migration's number in its cluster, from 1. */
export function migrationNumber({ id }: Pick<Migration, "id">): number {
  return Number(id.split("-").at(-1));
}

export function nextMigrationId(cluster: string, latest: Pick<Migration, "id"> | null): string {
  return migrationIdOf(cluster, (latest ? migrationNumber(latest) : 0) + 1);
}
