import { describe, expect, test } from "vitest";
import { nextMigration } from "../../src/access/migration.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import type { Job } from "../../src/ledger/jobs.ts";
import { eventOf, recordOnMigration, type UpdateStep, updateRequest } from "../../src/ledger/lifecycle.ts";
import type { Queues } from "../../src/ledger/queues.ts";
import { aMigration } from "../builders/a-migration.ts";
import { aRequest, revise } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { at } from "../builders/times.ts";
import { silentContext } from "../fault/silent-context.ts";
import { memoryLedger } from "./memory-ledger.ts";

const now = () => at(0);

/** A ledger with one request, and a second writer who comes between so many reads and their commits. */
async function aBusyLedger(times: number) {
  const ledger = memoryLedger();
  await ledger.commit(aChange(aRequest()));
  let left = times;
  const get = async (id: string) => {
    const found = await ledger.get(id);
    if (found && left > 0) {
      left -= 1;
      await ledger.commit(aChange(revise(found, { reason: `written ${times - left} times meanwhile` })));
    }
    return found;
  };
  return { ledger, context: { ...silentContext({ ...ledger, get }), now } };
}

const cancelled = (current: AccessRequest | null): UpdateStep<AccessRequest, string> => {
  if (!current) return { type: "stop", outcome: "none" };
  const after = revise(current, { state: "cancelled" });
  return { type: "write", after, event: eventOf("request.cancelled", after, "U1", now()), outcome: current.reason };
};

describe("an update", () => {
  test("decides again about another writer's record, and overwrites nothing", async () => {
    const { ledger, context } = await aBusyLedger(3);

    const outcome = await updateRequest(context, "r-1", cancelled);

    expect(outcome).toBe("written 3 times meanwhile");
    expect(await ledger.get("r-1")).toMatchObject({ version: 5, state: "cancelled", reason: outcome });
    expect((await ledger.eventsOf("r-1", 9)).filter(({ event }) => event.type === "request.cancelled")).toHaveLength(1);
  });

  test("ends with a failure that is tried again where the record does not stop changing", async () => {
    const { ledger, context } = await aBusyLedger(1_000);

    await expect(updateRequest(context, "r-1", cancelled)).rejects.toMatchObject({
      code: "record-changed",
      retryable: true,
    });

    expect(await ledger.get("r-1")).toMatchObject({ version: 11, state: "pending" });
  });

  test("that has something to write first decides again on what it wrote", async () => {
    const { ledger, context } = await aBusyLedger(0);

    const outcome = await updateRequest(context, "r-1", (current) => {
      if (!current || current.reason === "first") return cancelled(current);
      const after = revise(current, { reason: "first" });
      return { type: "write-first", after, event: eventOf("approval.dropped", after, "slack", now()) };
    });

    expect(outcome).toBe("first");
    expect(await ledger.get("r-1")).toMatchObject({ version: 3, state: "cancelled" });
  });

  test("of a record that is not there decides so, and writes nothing", async () => {
    const { ledger, context } = await aBusyLedger(0);

    expect(await updateRequest(context, "r-none", cancelled)).toBe("none");
    expect(await ledger.events(1, 9)).toHaveLength(1);
  });

  test("of a migration works the same way: it notes the step on another writer's record, and wakes its message", async () => {
    const ledger = memoryLedger();
    const migration = aMigration({ version: 1 });
    await ledger.commit({
      after: migration,
      event: eventOf("migration.asked", migration, "U1", now()),
    });
    const woken: Job[] = [];
    const add = async (_: string, job: Job) => void woken.push(job);
    const context = silentContext(ledger);
    const queues = { ...context.queues, messages: { add }, clusters: { add } } as unknown as Queues;

    const after = await recordOnMigration({ ...context, queues, now }, { id: migration.id }, (current) => ({
      type: "migration.delayed",
      after: nextMigration(current, { settlesAt: null }),
    }));

    expect(after.version).toBe(2);
    expect(woken).toContainEqual({ type: "show", record: migration.id });
  });
});
