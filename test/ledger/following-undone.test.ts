import { afterEach, expect, test, vi } from "vitest";
import type { LedgerRecord } from "../../src/access/lists.ts";
import { startFollowingUndone } from "../../src/ledger/lifecycle.ts";
import { recordWith } from "../../src/ledger/look-ups.ts";
import type { Lost, UndoneLedger } from "../../src/ledger/own-commits.ts";
import { aMigration, aPlannedMigration, changedMigration } from "../builders/a-migration.ts";
import { aDecision, aLeasedRequest, aPreviewedRequest, changed, revise } from "../builders/a-request.ts";
import { anEvent } from "../builders/an-event.ts";
import { at, hours, minutes } from "../builders/times.ts";
import { silentContext } from "../fault/silent-context.ts";
import { memoryLedger } from "./memory-ledger.ts";

afterEach(() => void vi.useRealTimers());

/** The events of a record that is left after a failover, by each of two looks at it, and the record then. */
async function followed(left: LedgerRecord, lost: Partial<Lost> = {}) {
  vi.useFakeTimers();
  const ledger = memoryLedger();
  const event = anEvent({ request: left.id });
  for (let version = 1; version <= left.version; version += 1)
    await ledger.commit({ after: { ...left, version }, event });
  let isFound = true;
  const eachUndone: UndoneLedger["eachUndone"] = async (act) => {
    if (isFound)
      isFound = (await act(left.cluster, left, { ended: null, approvers: [], begun: null, ...lost })) === "again";
  };
  const following = startFollowingUndone({
    ...silentContext({ ...ledger, eachUndone } as never),
    now: () => at(0),
  } as never);
  const events = async () =>
    (await ledger.eventsOf(left.id, 100))
      .slice(left.version)
      .map(({ event: { type, actor } }) => `${type} by ${actor}`);

  await vi.advanceTimersByTimeAsync(1_000);
  const first = await events();
  await vi.advanceTimersByTimeAsync(30_000);
  await following.stop();
  return { looks: [first, await events()], record: await recordWith(ledger, left.id) };
}

const undone = "record.undone by worker";

test("a request that waits again is shown at once", async () => {
  const { looks } = await followed(aPreviewedRequest({ version: 2 }));

  expect(looks).toEqual([[undone], [undone]]);
});

test.each([
  ["a request", aPreviewedRequest({ version: 2 })],
  ["a migration", aPlannedMigration({ version: 2 })],
])("%s whose approval is lost names its approver, who must decide again", async (_, left) => {
  const { record } = await followed(left, { approvers: ["U0APPROVER"] });

  expect(record?.voided).toEqual({ by: ["U0APPROVER"], message: "Redis lost it" });
});

test("an approval that is still there is not called lost", async () => {
  const { record } = await followed(aPreviewedRequest({ version: 2, approvals: [aDecision()] }), {
    approvers: ["U0APPROVER"],
  });

  expect(record?.voided).toBeNull();
});

test("a lease that is active again in the ledger is shown once its cluster was read: its access can be gone", async () => {
  const { looks } = await followed(aLeasedRequest({}, { version: 2 }));

  expect(looks).toEqual([[], [undone]]);
});

const active = aLeasedRequest({}, { version: 2 });
const end = { cause: "revoked", by: "U0APPROVER", at: at(minutes(5)).toISOString(), why: "done" } as const;
const revoked = revise(active, { lease: { ...active.lease, end } });
const waiting = aPreviewedRequest({ version: 2 });
const denial = aDecision({ verdict: "denied" });
const planned = aPlannedMigration({ version: 2 });
const stop = { by: "U0ONCALL", at: at(minutes(5)).toISOString(), why: "not today" };
const endedAt = at(minutes(5)).toISOString();
const done = changedMigration(planned, { state: "done", version: 9, endedAt });
const nothingLeft = { code: "nothing-to-migrate", message: "Nothing to do." };

test.each([
  ["a revocation", active, revoked, "lease.ending by U0APPROVER"],
  ["a denial", waiting, revise(waiting, { state: "denied", denial }), "request.denied by U0APPROVER"],
  ["a cancellation", waiting, revise(waiting, { state: "cancelled" }), "request.cancelled by worker"],
  [
    "a stop of a migration",
    changedMigration(planned, { state: "running" }),
    changedMigration(planned, { state: "stopped", stop, endedAt, version: 5 }),
    "migration.stopped by U0ONCALL",
  ],
  [
    "a denial of a migration",
    planned,
    changedMigration(planned, { state: "denied", denial, endedAt, version: 3 }),
    "migration.denied by U0APPROVER",
  ],
  [
    "the end of a migration that found nothing to do since",
    changedMigration(planned, { state: "refused", refusal: nothingLeft, endedAt }),
    done,
    "migration.done by worker",
  ],
])("%s that Redis lost comes again at once", async (_, left, ended, event) => {
  const { looks, record } = await followed(left, { ended });

  expect(looks).toEqual([[event], [event]]);
  expect(record).toEqual({ ...ended, version: left.version + 1 });
});

const anotherOne = aMigration({ createdAt: at(hours(1)).toISOString(), version: 2 });
const step = { name: "switch-mode", at: at(minutes(4)).toISOString(), place: { cluster: "c", seal: "s" } };
const approvedAgain = changed(active, { approvals: [aDecision({ at: at(minutes(9)).toISOString() })] });

test.each([
  ["a migration with the number of the lost one", anotherOne, done],
  ["a migration whose step began meanwhile", changedMigration(planned, { state: "running", begun: step }), done],
])("what is over ends no other record: %s", async (_, left, ended) => {
  const { looks, record } = await followed(left, { ended });

  expect(looks[1]).toEqual([undone]);
  expect(record).toEqual({ ...left, version: left.version + 1 });
});

const stopped = changedMigration(planned, { state: "stopped", stop, endedAt });

test.each([
  ["was stopped since", stopped],
  ["can still be stopped", changedMigration(planned, { state: "running" })],
  ["lost its approval too, and can be denied", planned],
])("a step that began is known again where its migration %s, so that a worker closes it", async (_, left) => {
  const { looks, record } = await followed(left, { begun: step });

  expect(looks[1]).toEqual([undone]);
  expect(record).toEqual({ ...left, version: left.version + 1, begun: step });
});

test.each([
  ["is closed since", changedMigration(stopped, { done: [{ ...step, proof: [] }] })],
  ["was another migration's, of the same number", { ...stopped, createdAt: at(hours(1)).toISOString() }],
])("a step that %s does not begin again", async (_, left) => {
  const { record } = await followed(left, { begun: step });

  expect(record).toEqual({ ...left, version: left.version + 1 });
});

test("a lease that was approved again after its lost revocation stays", async () => {
  const { record } = await followed(approvedAgain, { ended: revoked });

  expect(record?.state === "approved" && record.lease.end).toBeNull();
});
