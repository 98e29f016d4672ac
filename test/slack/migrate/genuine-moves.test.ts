import { beforeEach, expect, test } from "vitest";
import { sealMovePlan } from "../../../src/access/approval/seal-move.ts";
import { createMove, type Move } from "../../../src/access/migration/move.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { moveEvent } from "../../../src/ledger/record-move.ts";
import { genuineLedger } from "../../../src/slack/decide/genuine-ledger.ts";
import { keys } from "../../builders/keys.ts";
import { at } from "../../builders/times.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aSlackContext } from "../slack-context.ts";

const id = "migration-staging-1";
const summary = { mode: "CONFIG_MAP", items: [], steps: [], keptBecause: null, before: [], digest: "d" };
const unsealed = { at: at(0).toISOString(), digest: "d", summary, outs: ["arn:aws:iam::111122223333:role/dev"] };
const plan = sealMovePlan({ id }, unsealed, keys.preview);

let plain: Ledger;
let genuine: Ledger;
beforeEach(() => {
  plain = memoryLedger();
  genuine = genuineLedger(aSlackContext(plain));
});

async function put(change: Partial<Move>): Promise<Move> {
  const asked = createMove({ id, cluster: "staging", requester: "U0ONCALL", told: [] }, at(0), 3600);
  const after = { ...asked, ...change };
  await plain.moves.commit({ after, event: moveEvent("migration.planned", after, "worker", at(0)) });
  return after;
}

test("a plan that the worker sealed is read as it stands", async () => {
  const move = await put({ plan });

  expect(await genuine.moves.get(id)).toEqual(move);
  expect(await genuine.moves.latestOf("staging")).toEqual(move);
  expect(await genuine.moves.open()).toEqual([move]);
});

test.each([
  ["says less than the worker's", { ...plan, outs: [] }],
  ["has another digest", { ...plan, digest: "e", summary: { ...summary, digest: "e" } }],
  ["says another digest than its own", sealMovePlan({ id }, { ...unsealed, digest: "e" }, keys.preview)],
  ["is of another move", sealMovePlan({ id: "migration-staging-2" }, unsealed, keys.preview)],
])("a plan that %s is none, and is made again once", async (_, forged) => {
  await put({ plan: forged });

  expect((await genuine.moves.latestOf("staging"))?.plan).toBeNull();
  expect(await genuine.moves.open()).toMatchObject([{ plan: null, approvals: [] }]);
  expect((await genuine.moves.get(id))?.plan).toBeNull();
  await genuine.moves.get(id);

  expect(await plain.moves.get(id)).toMatchObject({ version: 2, plan: null });
  expect((await plain.events(1, 9)).map(({ event }) => event.type)).toEqual(["migration.planned", "migration.void"]);
});
