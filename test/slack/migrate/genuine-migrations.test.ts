import { beforeEach, expect, test } from "vitest";
import { createMigration, type Migration } from "../../../src/access/migration.ts";
import { sealMigrationPlan } from "../../../src/access/seals.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { eventOf } from "../../../src/ledger/lifecycle.ts";
import { genuineLedger } from "../../../src/slack/decide/genuine-ledger.ts";
import { changedMigration, type MigrationChange } from "../../builders/a-migration.ts";
import { keys } from "../../builders/keys.ts";
import { at } from "../../builders/times.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aGenuineContext } from "../slack-context.ts";

const id = "migration-staging-1";
const summary = { mode: "CONFIG_MAP", items: [], steps: [], keptBecause: null, before: [], digest: "d" };
const unsealed = { at: at(0).toISOString(), digest: "d", summary, outs: ["arn:aws:iam::111122223333:role/dev"] };
const plan = sealMigrationPlan({ id }, unsealed, keys.preview);

let plain: Ledger;
let genuine: Ledger;
beforeEach(() => {
  plain = memoryLedger();
  genuine = genuineLedger(aGenuineContext(plain));
});

async function put(change: MigrationChange): Promise<Migration> {
  const asked = createMigration({ id, cluster: "staging", requester: "U0ONCALL", givenArns: [] }, at(0), 3600);
  const after = changedMigration(asked, change);
  await plain.commit({ after, event: eventOf("migration.planned", after, "worker", at(0)) });
  return after;
}

test("a plan that the worker sealed is read as it is", async () => {
  const migration = await put({ plan });

  expect(await genuine.migrations.get(id)).toEqual(migration);
  expect(await genuine.migrations.latestOf("staging")).toEqual(migration);
  expect(await genuine.migrations.open()).toEqual([migration]);
});

test.each([
  ["says less than the worker's", { ...plan, outs: [] }],
  ["has another digest", { ...plan, digest: "e", summary: { ...summary, digest: "e" } }],
  ["says another digest than its own", sealMigrationPlan({ id }, { ...unsealed, digest: "e" }, keys.preview)],
  ["is of another move", sealMigrationPlan({ id: "migration-staging-2" }, unsealed, keys.preview)],
])("a plan that %s does not count, and is made again once", async (_, forged) => {
  await put({ plan: forged });

  expect((await genuine.migrations.latestOf("staging"))?.plan).toBeNull();
  expect(await genuine.migrations.open()).toMatchObject([{ plan: null, approvals: [] }]);
  expect((await genuine.migrations.get(id))?.plan).toBeNull();
  await genuine.migrations.get(id);

  expect(await plain.migrations.get(id)).toMatchObject({ version: 2, plan: null });
  expect((await plain.events(1, 9)).map(({ event }) => event.type)).toEqual(["migration.planned", "migration.void"]);
});
