import { createMigration, type Migration, type SealedPlan } from "../../src/access/migration.ts";
import { sealMigrationPlan } from "../../src/access/seals.ts";
import { aDecision } from "./a-request.ts";
import { keys } from "./keys.ts";
import { at, hours } from "./times.ts";

const digest = "d".repeat(64);
const arn = "arn:aws:iam::111122223333:role/dev";
const unsealed: Omit<SealedPlan, "seal"> = {
  at: at(0).toISOString(),
  digest,
  summary: {
    mode: "CONFIG_MAP",
    items: [{ place: "mapRoles line 4", arn, outcome: "moves", sentences: ["Gets an access entry."] }],
    steps: [
      {
        name: "switch-mode",
        does: "Switch the authentication mode to API_AND_CONFIG_MAP.",
        proof: "aws-auth is unchanged. EKS reports API_AND_CONFIG_MAP.",
        undo: "EKS can't switch back to CONFIG_MAP.",
      },
      {
        name: `give-entry ${arn}`,
        does: `Create the access entry of ${arn}.`,
        proof: "Read back, the entry is as planned, with the same rights in the API server.",
        undo: `Delete the access entry of ${arn}.`,
      },
      {
        name: "remove-from-aws-auth",
        does: `Remove this item from aws-auth: ${arn}.`,
        proof: "Each access entry is there. Read back, aws-auth is as planned.",
        undo: "Add the items to aws-auth again.",
      },
    ],
    keptBecause: null,
    before: [],
    digest,
  },
  outs: [arn],
};

/** A migration of `staging` that on-call requested, before a worker's plan. */
export function aMigration(change: MigrationChange = {}): Migration {
  const asked = { id: "migration-staging-1", cluster: "staging", requester: "U0ONCALL", givenArns: [] };
  return complete({ ...createMigration(asked, at(0), hours(24)), ...change });
}

/** The same, planned and sealed by the worker: it waits for two approvals. */
export function aPlannedMigration(change: MigrationChange = {}): Migration {
  const migration = aMigration(change);
  return complete({ ...migration, plan: sealMigrationPlan(migration, unsealed, keys.preview), ...change });
}

/** Any field of a migration, also one of another state. */
export type MigrationChange = Partial<Pick<Migration, keyof Migration>>;

/** The migration with this change, valid again. */
export function changedMigration(before: Migration, change: MigrationChange): Migration {
  return complete({ ...before, ...change });
}

/** The next version of a migration, whatever the change. */
export function reviseMigration(before: Migration, change: MigrationChange): Migration {
  return complete({ ...before, version: before.version + 1, ...change });
}

/** The migration with what its state can't be without, and without what it can't have. */
function complete(migration: MigrationChange): Migration {
  const { state, plan, denial, stop, refusal, endedAt, ...fields } = migration;
  const isOpen = state === "pending" || state === "running";
  const by = { by: "U0ONCALL", at: at(9).toISOString(), why: "" };
  const sealed = () => sealMigrationPlan({ id: migration.id ?? "" }, unsealed, keys.preview);
  return {
    ...fields,
    state,
    plan: state === "running" ? (plan ?? sealed()) : plan,
    denial: state === "denied" ? (denial ?? aDecision({ verdict: "denied" })) : null,
    stop: state === "stopped" ? (stop ?? by) : null,
    refusal: state === "refused" ? (refusal ?? { code: "unexpected", message: "Something failed." }) : null,
    endedAt: isOpen ? null : (endedAt ?? at(9).toISOString()),
  } as Migration;
}

/** One of which everything is as long as it can be, and grows when it is escaped. */
export function theLongestMigration(change: MigrationChange = {}): Migration {
  const long = "&".repeat(3_000);
  const items = Array.from({ length: 100 }, () => ({
    ...{
      place: "mapRoles line 400",
      arn: `arn:aws:iam::111122223333:role/${"r".repeat(64)}`,
      outcome: "stays" as const,
    },
    sentences: [long],
  }));
  const steps = Array.from({ length: 100 }, (_, index) => ({
    ...{ name: `give-entry ${arn}${index}`, does: long, proof: long, undo: long },
  }));
  const summary = { ...unsealed.summary, items, steps, keptBecause: long };
  return aPlannedMigration({
    plan: { ...unsealed, summary, seal: "" },
    voided: { by: ["U0APPROVER", "U0APPROVER2"], message: long },
    trouble: {
      code: "unexpected",
      message: long,
      at: at(0).toISOString(),
      attempts: 99,
      retryAt: at(1).toISOString(),
      causes: [],
    },
    ...change,
  });
}
