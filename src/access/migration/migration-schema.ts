import { z } from "zod";
import {
  codedReasonSchema,
  decisionSchema,
  droppedSchema,
  remindersSchema,
  troubleSchema,
  voidedSchema,
} from "../request/record-schema.ts";
import type { Migration, MigrationFields, SealedPlan } from "./migration.ts";

const text = z.string();
const texts = z.array(z.string());
const time = z.string().refine((value) => !Number.isNaN(Date.parse(value)), { error: "no time" });

const plan = z.strictObject({
  at: time,
  digest: text,
  summary: z.strictObject({
    mode: text,
    items: z.array(
      z.strictObject({
        place: text,
        arn: text,
        outcome: z.enum(["moves", "has-entry", "nodes", "creator", "waits", "stays", "dead"]),
        sentences: texts,
      }),
    ),
    steps: z.array(z.strictObject({ name: text, does: text, proof: text, undo: text })),
    keptBecause: text.nullable(),
    before: texts,
    digest: text,
  }),
  outs: texts,
  seal: text,
}) satisfies z.ZodType<SealedPlan>;

const migrationFields = z.strictObject({
  id: text,
  version: z.int().positive(),
  cluster: text,
  requester: text,
  givenArns: texts,
  createdAt: time,
  lapsesAt: time,
  plan: plan.nullable(),
  reminders: remindersSchema.nullable(),
  approvals: z.array(decisionSchema),
  dropped: z.array(droppedSchema),
  begun: z.strictObject({ name: text, at: time }).nullable(),
  done: z.array(z.strictObject({ name: text, at: time, proof: texts })),
  settlesAt: time.nullable(),
  trouble: troubleSchema.nullable(),
  voided: voidedSchema.nullable(),
}) satisfies z.ZodType<MigrationFields>;

const withdrawal = z.strictObject({ by: text, at: time, why: text });
const open = { denial: z.null(), withdrawal: z.null(), refusal: z.null(), endedAt: z.null() } as const;
const ended = { ...open, endedAt: time } as const;

export const migrationSchema = z.discriminatedUnion("state", [
  migrationFields.extend({ state: z.literal("pending"), ...open }),
  migrationFields.extend({ state: z.literal("running"), ...open, plan }),
  migrationFields.extend({ state: z.enum(["done", "lapsed"]), ...ended }),
  migrationFields.extend({ state: z.literal("denied"), ...ended, denial: decisionSchema }),
  migrationFields.extend({ state: z.literal("withdrawn"), ...ended, withdrawal }),
  migrationFields.extend({ state: z.literal("refused"), ...ended, refusal: codedReasonSchema }),
]) satisfies z.ZodType<Migration>;
