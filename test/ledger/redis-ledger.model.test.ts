import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { verifyChain } from "../../src/access/audit-event.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { aRequest } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { at, hours } from "../builders/times.ts";
import { aLedger } from "./a-ledger.ts";
import type { OpenLedger } from "./contract.ts";
import { memoryLedger } from "./memory-ledger.ts";

let open: OpenLedger;

beforeAll(async () => {
  open = await aLedger();
});

afterAll(() => open.close());

/** Ids, people and clusters carry the run's number, so that all runs share one Redis and none sees another's. */
interface Both {
  readonly run: number;
  readonly model: Ledger;
  readonly real: Ledger;
}

type Step = (both: Both) => Promise<void>;

const slot = fc.integer({ min: 0, max: 3 });
const state = fc.constantFrom<AccessRequest["state"]>("pending", "denied", "cancelled", "expired");
const idOf = (run: number, index: number) => `run-${run}-r-${index}`;

/** Commits a version near the stored one: right, stale and skipped ones. */
const commit = fc.record({ index: slot, ahead: fc.integer({ min: -1, max: 2 }), state }).map(
  ({ index, ahead, state: next }): Step =>
    async ({ run, model, real }) => {
      const id = idOf(run, index);
      const current = await model.get(id);
      const change = aChange(
        aRequest({
          id,
          version: Math.max(1, (current?.version ?? 0) + ahead),
          state: next,
          requester: `U${run}`,
          cluster: `cluster-${run}`,
          createdAt: at(hours(index)).toISOString(),
        }),
      );

      expect(await real.commit(change)).toEqual(await model.commit(change));
    },
);

const markShown = fc.record({ index: slot, version: fc.integer({ min: 0, max: 4 }) }).map(
  ({ index, version }): Step =>
    async ({ run, model, real }) => {
      const shown = { version, message: null, copies: [], direct: null, milestones: [] };
      await model.markShown(idOf(run, index), shown);
      await real.markShown(idOf(run, index), shown);
    },
);

const remove = slot.map(
  (index): Step =>
    async ({ run, model, real }) => {
      const request = await model.get(idOf(run, index));
      if (!request) return;

      expect(await real.remove(request, null)).toBe(await model.remove(request, null));
    },
);

/** Everything that can be asked of a ledger, in an order that both share. */
async function viewOf(ledger: Ledger, run: number): Promise<unknown> {
  const isOwn = (id: string) => id.startsWith(`run-${run}-`);
  const ids = [0, 1, 2, 3].map((index) => idOf(run, index));
  return {
    records: await Promise.all(ids.map((id) => ledger.get(id))),
    shown: await Promise.all(ids.map((id) => ledger.shown(id))),
    openCount: (await ledger.openByCluster()).get(`cluster-${run}`),
    leased: (await ledger.leasedOf(`cluster-${run}`)).map(({ id }) => id),
    duePending: (await ledger.duePendingOf(`cluster-${run}`, at(hours(30)), 1_000)).map(({ id }) => id),
    own: (await ledger.ofRequester(`U${run}`, 10)).map(({ id }) => id),
    due: (await ledger.due(at(hours(30)), 1_000)).map(({ id }) => id).filter(isOwn),
    unshown: (await ledger.unshown(1_000)).filter(isOwn).sort(),
    events: (await ledger.events(1, 10_000))
      .map(({ event: { salt, ...event } }) => event)
      .filter((event) => isOwn(event.request)),
  };
}

test("whatever is written in whatever order, Redis answers as the model does and its chain is whole", async () => {
  let run = 0;

  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(commit, commit, markShown, remove), { maxLength: 25 }), async (steps) => {
      run += 1;
      const both = { run, model: memoryLedger(), real: open.ledger };
      for (const step of steps) await step(both);

      expect(await viewOf(both.real, run)).toEqual(await viewOf(both.model, run));
    }),
    { numRuns: 60 },
  );

  expect(verifyChain(await open.ledger.events(1, 10_000))).toMatchObject({ type: "whole" });
});
