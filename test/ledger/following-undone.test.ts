import { afterEach, expect, test, vi } from "vitest";
import type { AccessRequest } from "../../src/access/record.ts";
import { startFollowingUndone } from "../../src/ledger/lifecycle.ts";
import type { UndoneLedger } from "../../src/ledger/records.ts";
import { aLeasedRequest, aPreviewedRequest } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { at } from "../builders/times.ts";
import { silentContext } from "../fault/silent-context.ts";
import { memoryLedger } from "./memory-ledger.ts";

afterEach(() => void vi.useRealTimers());

/** What is recorded of a record that is left after a failover, by each of two looks at it. */
async function recorded(left: AccessRequest): Promise<readonly number[]> {
  vi.useFakeTimers();
  const ledger = memoryLedger();
  for (const record of [{ ...left, version: 1 }, left]) await ledger.commit(aChange(record));
  let isFound = true;
  const eachUndone: UndoneLedger["eachUndone"] = async (act) => {
    if (isFound) isFound = (await act(left.cluster, left)) === "again";
  };
  const following = startFollowingUndone({
    ...silentContext({ ...ledger, eachUndone } as never),
    now: () => at(0),
  } as never);
  const undone = async () =>
    (await ledger.eventsOf(left.id, 100)).filter(({ event }) => event.type === "record.undone").length;

  await vi.advanceTimersByTimeAsync(1_000);
  const first = await undone();
  await vi.advanceTimersByTimeAsync(30_000);
  await following.stop();
  return [first, await undone()];
}

test("a request that waits again is shown at once", async () => {
  expect(await recorded(aPreviewedRequest({ version: 2 }))).toEqual([1, 1]);
});

test("a lease that is active again in the ledger is shown once its cluster was read: its access can be gone", async () => {
  expect(await recorded(aLeasedRequest({}, { version: 2 }))).toEqual([0, 1]);
});
