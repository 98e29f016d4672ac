import { z } from "zod";
import { causeCodes } from "./facts.ts";
import { linkNames } from "./link.ts";

const texts = z.array(z.string());

/** A worker's plan for a migration to access entries, bounded so that an answer can hold it. */
export const migrationReport = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("planned"),
    mode: z.string(),
    items: z.array(
      z.object({
        place: z.string(),
        arn: z.string(),
        outcome: z.enum(["moves", "has-entry", "nodes", "creator", "waits", "stays", "dead"]),
        sentences: texts,
      }),
    ),
    steps: z.array(z.object({ name: z.string().default(""), does: z.string(), proof: z.string(), undo: z.string() })),
    keptBecause: z.string().nullable(),
    before: texts,
    digest: z.string(),
  }),
  /** There is nothing to plan, or no plan is safe: why, in a sentence. */
  z.object({ type: z.literal("refused"), message: z.string() }),
  /** The cluster could not be read: what, where and the fix, in one sentence. */
  z.object({ type: z.literal("failed"), message: z.string() }),
]);

/** Who a person is on a cluster. */
export const identitiesReport = z.discriminatedUnion("type", [
  /** Sealed: `readIdentities` reads it. */
  z.object({ type: z.literal("found"), found: z.unknown() }),
  /** Nobody knows now: what, where and the fix, in one sentence. */
  z.object({ type: z.literal("failed"), message: z.string() }),
]);

/** The namespaces of a cluster. */
export const namespacesReport = z.discriminatedUnion("type", [
  /** Sealed: `readNamespaceList` reads it. */
  z.object({ type: z.literal("found"), list: z.unknown() }),
  z.object({ type: z.literal("failed"), message: z.string() }),
]);

/** A CreationRecord as it comes back from a queue or from Redis. */
export const creationRecord = z.object({
  eventId: z.string(),
  at: z.string(),
  kind: z.string(),
  arn: z.string().nullable(),
  invokedBy: z.string().nullable(),
});

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
  record: creationRecord.nullable(),
  /** Whether the record comes from the ledger, as CloudTrail no longer has it. */
  isRemembered: z.boolean(),
  /** Why CloudTrail did not answer; null: it did. */
  trouble: z.string().nullable(),
});

const offer = z.object({ type: z.enum(["ask-again", "extend"]), request: z.string() });

const cause = z.object({
  code: z.enum(causeCodes),
  message: z.string(),
  remedy: z.string(),
  offer: offer.nullable(),
});

/** Why a person can't get in, or why that is unknown. */
export const whyReport = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("diagnosis"),
    principal: z.string().nullable(),
    noticed: z.string().nullable(),
    identity: z.object({ username: z.string(), groups: z.array(z.string()) }).nullable(),
    symptom: z.enum(["unauthorized", "forbidden", "none", "random", "unknown"]),
    causes: z.array(cause),
  }),
  z.object({ type: z.literal("failed"), message: z.string() }),
]);

/** A worker's result for each step between a person in Slack and their pods. */
export const chainReport = z.object({
  links: z.array(
    z.object({
      name: z.enum(linkNames),
      result: z.enum(["yes", "no", "not asked"]),
      detail: z.string(),
      remedy: z.string().nullable(),
      ms: z.number().nullable(),
    }),
  ),
});

/** Problems by kind; the ones not shown are counted. */
const problems = {
  counts: z.object({ error: z.number(), warning: z.number(), notice: z.number() }),
  groups: z
    .array(
      z.object({
        code: z.string(),
        severity: z.enum(["error", "warning", "notice"]),
        count: z.number(),
        places: z.array(z.string()).readonly(),
        message: z.string(),
        remedy: z.string(),
      }),
    )
    .readonly(),
  left: z.number(),
};

/** What could not be read: what, where and the fix. */
const failed = z.object({ type: z.literal("failed"), message: z.string() });

const documentReport = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("checked"),
    ...problems,
    entries: z.number(),
    bytes: z.number(),
    writers: z.array(z.object({ manager: z.string(), sections: z.array(z.string()).readonly() })).readonly(),
    immutable: z.boolean(),
    /** It is deleted, and only its finalizers keep it. */
    isBeingDeleted: z.boolean(),
  }),
  z.object({ type: z.literal("absent") }),
  failed,
]);
export type DocumentReport = z.infer<typeof documentReport>;

const entriesReport = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("checked"),
    ...problems,
    listed: z.number(),
    types: z.array(z.object({ type: z.string(), count: z.number() })).readonly(),
    knowsBindings: z.boolean(),
    unread: z.number(),
    /** Why some were not read; null: all were. */
    why: z.string().nullable(),
  }),
  /** The cluster's mode has none. */
  z.object({ type: z.literal("none") }),
  failed,
]);
export type EntriesReport = z.infer<typeof entriesReport>;

const bindingsReport = z.discriminatedUnion("type", [
  z.object({ type: z.literal("checked"), ...problems, bindings: z.number() }),
  /** No level of the cluster binds roles, and no lease does. */
  z.object({ type: z.literal("none") }),
  failed,
]);
export type BindingsReport = z.infer<typeof bindingsReport>;

/** A worker's report on who gets in to a cluster. Each part may fail without the others. */
export const checkReport = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("looked"),
    mode: z.enum(["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"]),
    document: documentReport,
    entries: entriesReport,
    bindings: bindingsReport,
  }),
  failed,
]);
export type CheckReport = z.infer<typeof checkReport>;

export type ChainReport = z.infer<typeof chainReport>;

export type WhyReport = z.infer<typeof whyReport>;

export type CreatorReport = z.infer<typeof creatorReport>;

export type MigrationReport = z.infer<typeof migrationReport>;
export type IdentitiesReport = z.output<typeof identitiesReport>;
export type NamespacesReport = z.output<typeof namespacesReport>;
