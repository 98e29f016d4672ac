import { z } from "zod";
import { because, decision, dropped, reminders, trouble, voided } from "../request/record-schema.ts";
import type { Migration, SealedPlan } from "./migration.ts";

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
        fate: z.enum(["moves", "stands", "nodes", "creator", "waits", "stays", "dead"]),
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

/** A migration as the ledger has it. */
export const migrationSchema = z
  .strictObject({
    id: text,
    version: z.int().positive(),
    state: z.enum(["pending", "running", "done", "denied", "withdrawn", "lapsed", "refused"]),
    cluster: text,
    requester: text,
    told: texts,
    createdAt: time,
    lapsesAt: time,
    plan: plan.nullable(),
    reminders: reminders.nullable(),
    approvals: z.array(decision),
    dropped: z.array(dropped),
    denial: decision.nullable(),
    withdrawal: z.strictObject({ by: text, at: time, why: text }).nullable(),
    begun: z.strictObject({ name: text, at: time }).nullable(),
    done: z.array(z.strictObject({ name: text, at: time, proof: texts })),
    settlesAt: time.nullable(),
    trouble: trouble.nullable(),
    voided: voided.nullable(),
    refusal: because.nullable(),
    endedAt: time.nullable(),
  })
  .check(({ value, issues }) => {
    const message = impossibleIn(value);
    if (message) issues.push({ code: "custom", message, input: value.state, path: ["state"] });
  }) satisfies z.ZodType<Migration>;

/** What can't be true of a migration in its state; null: nothing. */
function impossibleIn({ state, plan, denial, withdrawal, refusal, endedAt }: Migration): string | null {
  if (state === "running" && !plan) return "running without a plan";
  if ((state === "denied") !== (denial !== null)) return "denied without a denial, or a denial without being denied";
  if ((state === "withdrawn") !== (withdrawal !== null))
    return "withdrawn by nobody, or a withdrawal without an effect";
  if ((state === "refused") !== (refusal !== null))
    return "refused without a reason, or a reason without being refused";
  const isOpen = state === "pending" || state === "running";
  return isOpen === (endedAt === null) ? null : "over without an end, or an end without being over";
}
