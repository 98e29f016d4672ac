import { z } from "zod";
import { type Immutable, itemsForm } from "../access/lease/lease-record.ts";
import { summaryForm } from "../access/migration.ts";
import { authenticationModes } from "../access/policy/cluster.ts";
import { creationRecordForm } from "../access/policy/creator.ts";
import { diagnosisForm } from "./facts.ts";
import { chainLinkForm } from "./link.ts";
import { documentSummaryForm, problemsForm } from "./problems.ts";

const failed = z.object({ type: z.literal("failed"), message: z.string() });

/** A worker's plan for a migration to access entries, bounded so that an answer can hold it. */
export const migrationReport = z.discriminatedUnion("type", [
  summaryForm.extend({ type: z.literal("planned") }),
  /** There is nothing to plan, or no plan is safe: why, in a sentence. */
  z.object({ type: z.literal("refused"), message: z.string() }),
  failed,
]);

/** `trouble`: why AWS does not name the worker; null: the ledger has its identity. */
export const identityReport = z.object({ trouble: z.string().nullable() });

export const identitiesReport = z.discriminatedUnion("type", [
  /** Sealed: `readIdentities` reads it. */
  z.object({ type: z.literal("found"), found: z.unknown() }),
  failed,
]);

export const namespacesReport = z.discriminatedUnion("type", [
  /** Sealed: `readNamespaceList` reads it. */
  z.object({ type: z.literal("found"), list: z.unknown() }),
  failed,
]);

export const creatorReport = z.object({
  becomes: z.object({
    /** Whether the worker can act as the creator now. */
    ok: z.boolean(),
    /** Why it can't, or why the cluster is unusable all the same, in one sentence; empty: all is well. */
    message: z.string(),
    arn: z.string().nullable(),
    /** Whether EKS has no such cluster in the region, as the creator asked. */
    isMissing: z.boolean(),
  }),
  /** CloudTrail's record; null: it has none of the last 90 days, and the ledger has none either. */
  record: creationRecordForm.nullable(),
  /** Whether the record comes from the ledger, as CloudTrail no longer has it. */
  isRemembered: z.boolean(),
  /** Why CloudTrail did not answer; null: it did. */
  trouble: z.string().nullable(),
});

export const whyReport = z.discriminatedUnion("type", [diagnosisForm.extend({ type: z.literal("diagnosis") }), failed]);

/** A worker's result for each step between a person in Slack and their pods. */
export const chainReport = z.object({ links: itemsForm(chainLinkForm) });

const documentReport = z.discriminatedUnion("type", [
  documentSummaryForm.extend({
    type: z.literal("checked"),
    immutable: z.boolean(),
    /** It is deleted, and only its finalizers keep it. */
    isBeingDeleted: z.boolean(),
    /** Whether the groups of each lease there were compared with the bindings of RBAC. */
    knowsBindings: z.boolean(),
  }),
  z.object({ type: z.literal("absent") }),
  failed,
]);
export type DocumentReport = Immutable<z.output<typeof documentReport>>;

const entriesReport = z.discriminatedUnion("type", [
  problemsForm.extend({
    type: z.literal("checked"),
    listed: z.number(),
    /** Of those that were read, the most frequent first. */
    types: itemsForm(z.object({ type: z.string(), count: z.number() })),
    /** Whether the bindings of RBAC are known. */
    knowsBindings: z.boolean(),
    unread: z.number(),
    /** Why some were not read; null: all were. */
    why: z.string().nullable(),
  }),
  z.object({ type: z.literal("none") }),
  failed,
]);
export type EntriesReport = Immutable<z.output<typeof entriesReport>>;

const bindingsReport = z.discriminatedUnion("type", [
  problemsForm.extend({ type: z.literal("checked"), bindings: z.number() }),
  z.object({ type: z.literal("none") }),
  failed,
]);
export type BindingsReport = Immutable<z.output<typeof bindingsReport>>;

/** Leases of people who left IAM Identity Center. */
const leaversReport = z.object({
  /** The lease's id, and what Identity Center says, as a clause. */
  found: itemsForm(z.object({ id: z.string(), message: z.string() })),
  /** Why others are not compared, in sentences; null: all are, or no setting asks Identity Center. */
  notCompared: z.string().nullable(),
});
export type LeaversReport = Immutable<z.output<typeof leaversReport>>;

/** A worker's report on who gets in to a cluster. Each part may fail without the others. */
export const checkReport = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("looked"),
    mode: z.enum(authenticationModes),
    document: documentReport,
    entries: entriesReport,
    bindings: bindingsReport,
    leavers: leaversReport,
  }),
  failed,
]);
export type CheckReport = Immutable<z.output<typeof checkReport>>;

export type ChainReport = Immutable<z.output<typeof chainReport>>;

export type WhyReport = Immutable<z.output<typeof whyReport>>;

export type CreatorReport = Immutable<z.output<typeof creatorReport>>;

export type MigrationReport = Immutable<z.output<typeof migrationReport>>;
export type IdentityReport = Immutable<z.output<typeof identityReport>>;
export type IdentitiesReport = Immutable<z.output<typeof identitiesReport>>;
export type NamespacesReport = Immutable<z.output<typeof namespacesReport>>;
