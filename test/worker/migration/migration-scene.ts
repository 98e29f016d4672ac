import { readFileSync } from "node:fs";
import { vi } from "vitest";
import { type Sandbox, startSandbox } from "../../../sandbox/sandbox.ts";
import { arns } from "../../../sandbox/scene.ts";
import type { SandboxOptions } from "../../../sandbox/scene-clusters.ts";
import { decideMigration } from "../../../src/access/decide-migration.ts";
import { createMigration, type Migration, nextMigrationId } from "../../../src/access/migration.ts";
import type { Ledger, LedgerChange } from "../../../src/ledger/ledger.ts";
import { eventOf } from "../../../src/ledger/lifecycle.ts";
import type { WorkerContext } from "../../../src/worker/context.ts";
import { lookAtMigration } from "../../../src/worker/migration/look-at-migration.ts";
import { type BothKeys, keys } from "../../builders/keys.ts";
import { sceneConfig } from "../../fault/reconcile-scene.ts";
import { silentContext } from "../../fault/silent-context.ts";

const policyFile = new URL("../../../deploy/iam/migration-policy.json", import.meta.url);

/** A sandbox whose worker may do what deploy/iam says is enough for a migration. */
export async function startMigrationSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await startSandbox(options);
  const { aws } = sandbox;
  Object.assign(aws.eks, { updateMs: 20, entryDelayMs: 20 });
  aws.account.setAllowed(arns.worker, ["sts:*"]);
  aws.account.setPolicy(arns.worker, readFileSync(policyFile, "utf8").replaceAll("payments", "staging"));
  for (const [name, value] of Object.entries(sandbox.environmentOf("worker", { redisUrl: "" }))) {
    if (name.startsWith("AWS_")) vi.stubEnv(name, value);
  }
  return sandbox;
}

/** A worker that carries out migrations on the sandbox's cluster, step by step as a test says, with a clock of its own. */
export interface MigrationScene {
  readonly ledger: Ledger;
  readonly context: (ledger?: Ledger) => WorkerContext;
  /** A person asks for the migration, and the worker plans it. */
  ask: (told?: readonly string[], kind?: Migration["kind"], settlesAt?: Migration["settlesAt"]) => Promise<Migration>;
  /** These people approve what is in it. */
  approve: (...users: readonly string[]) => Promise<Migration>;
  now: () => Promise<Migration>;
  /** One look of a worker. */
  look: (ledger?: Ledger) => Promise<Migration>;
  /** Looks again and again, and lets time pass until nothing is due within a day; so many looks at the most. */
  toItsEnd: (ledger?: Ledger) => Promise<Migration>;
  pass: (seconds: number) => void;
}

export function migrationScene(
  ledger: Ledger,
  from: BothKeys = keys,
  { config, cluster }: ReturnType<typeof sceneConfig> = sceneConfig(),
): MigrationScene {
  let ahead = 0;
  const clock = () => new Date(Date.now() + ahead);
  const context = (own: Ledger = ledger): WorkerContext => ({
    ...silentContext(own),
    ...{ config, keys: from, now: clock, pause: async () => {} },
  });
  const now = async () => {
    const migration = await ledger.migrations.latestOf(cluster.name);
    if (!migration) throw new Error("Nobody asked for a move.");
    return migration;
  };
  const look = async (own: Ledger = ledger) => {
    await lookAtMigration(context(own), cluster);
    return now();
  };
  const pass = (seconds: number) => {
    ahead += seconds * 1000;
  };
  return {
    ledger,
    context,
    now,
    look,
    pass,
    ask: async (givenArns = [], kind = undefined, settlesAt = null) => {
      const id = nextMigrationId(cluster.name, await ledger.migrations.latestOf(cluster.name));
      const migration = createMigration(
        { id, cluster: cluster.name, requester: "U0ONCALL", givenArns, settlesAt, ...(kind && { kind }) },
        clock(),
        24 * 3600,
      );
      await ledger.commit({
        after: migration,
        event: eventOf("migration.asked", migration, "U0ONCALL", clock()),
      });
      return look();
    },
    approve: async (...users) => {
      for (const user of users) {
        const migration = await now();
        const click = { verdict: "approved", digest: migration.plan?.digest ?? "", why: "" } as const;
        const decided = decideMigration(migration, cluster, { user, memberships: [] }, click, from.decision, clock());
        if (decided.type === "refused") throw new Error(decided.code);
        const event = eventOf("migration.approved", decided.after, user, clock());
        await ledger.commit({ after: decided.after, event });
      }
      return now();
    },
    toItsEnd: async (own = ledger) => {
      let migration = await look(own);
      for (let looks = 0; looks < 20 && (migration.state === "running" || migration.begun); looks += 1) {
        pass(61);
        migration = await look(own);
      }
      return migration;
    },
  };
}

/** The ledger of a process that is killed at its nth commit: before it, or right after it. Nothing of it answers then. */
export function dyingAt(ledger: Ledger, nth: number, when: "before" | "after"): Ledger {
  let commits = 0;
  let isDead = false;
  const killed = () => new Error("killed");
  const commit = async (change: LedgerChange) => {
    if (isDead) throw killed();
    commits += 1;
    isDead = commits === nth;
    if (isDead && when === "before") throw killed();
    const result = await ledger.commit(change);
    if (isDead) throw killed();
    return result;
  };
  // A process that is dead reads nothing either.
  const get = async (id: string) => {
    if (isDead) throw killed();
    return ledger.migrations.get(id);
  };
  return { ...ledger, commit, migrations: { ...ledger.migrations, get } };
}
