import { beforeEach, expect, test } from "vitest";
import { createMigration } from "../../../src/access/migration.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import { readStatus } from "../../../src/slack/look/status.ts";
import { changedMigration } from "../../builders/a-migration.ts";
import { aRequest } from "../../builders/a-request.ts";
import { aChange, anEvent } from "../../builders/an-event.ts";
import { at, hours } from "../../builders/times.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aSlackContext } from "../slack-context.ts";

let ledger: Ledger;

beforeEach(() => {
  ledger = memoryLedger();
});

const shown = { version: 1, message: null, copies: [], direct: null, milestones: [] };

/** A request that was denied after an hour, and whose record was removed. */
async function removedRequest(): Promise<void> {
  const denied = aRequest({ state: "denied" });
  await ledger.commit(aChange(denied));
  await ledger.note(anEvent({ type: "request.denied", actor: "U0APPROVER", at: at(hours(1)).toISOString() }));
  await ledger.markShown("r-1", shown);
  await ledger.remove(denied, null);
}

const status = (user: string, id = "r-1") => readStatus(aSlackContext(ledger), user, id);

test.each(["U0ENGINEER", "U0APPROVER"])(
  "a removed request is answered from the audit log, for %s as before",
  async (user) => {
    await removedRequest();

    const { text, blocks } = await status(user);

    const closedAt = at(hours(1)).getTime() / 1000;
    expect(text).toMatch(
      new RegExp(
        `^\`r-1\` on \`staging\` closed <!date\\^${closedAt}\\^.*>\\. Records stay 90d; the audit log has it\\.\n`,
      ),
    );
    expect(JSON.stringify(blocks)).toMatch(/`#1`.*asked.*`#2`.*<@U0APPROVER> denied it/);
  },
);

test("a lease whose record a person deleted is not called closed: the audit log does not say that it ended", async () => {
  for (const type of ["request.created", "request.approved", "lease.active"] as const) {
    await ledger.commit(aChange(aRequest(), type));
    await ledger.append(anEvent({ type, actor: "U0ENGINEER" }));
  }

  const { text } = await readStatus(aSlackContext({ ...ledger, get: async () => null }), "U0ENGINEER", "r-1");

  expect(text).toContain("has no record in Redis, and no event closed it.");
  expect(text).toContain("Access still ends on time.");
  expect(text).not.toContain("closed on");
});

test("a request whose record can't be read is answered with what is wrong, to the same readers alone", async () => {
  await ledger.commit(aChange(aRequest()));
  const why = "The request r-1 in Redis can't be read (it is not JSON).";
  const broken: Ledger = { ...ledger, get: async () => null, whyUnreadable: async () => why };

  const [own, strangers] = await Promise.all(
    ["U0ENGINEER", "U0STRANGER"].map((user) => readStatus(aSlackContext(broken), user, "r-1")),
  );

  expect(own?.text).toContain(why);
  expect(strangers?.text).not.toContain(why);
});

test("no one else reads what the audit log says of a removed request", async () => {
  await removedRequest();

  const { text, blocks } = await status("U0STRANGER");

  expect(text).toBe("Only the requester, the approvers of `staging` and its on-call can do this.");
  expect(JSON.stringify(blocks)).not.toContain("denied");
});

test("a request without a record and without an event does not exist", async () => {
  expect((await status("U0ENGINEER", "r-2")).text).toMatch(/^There is no request `r-2`\./);
});

test("a removed migration is answered from the audit log as well", async () => {
  const requested = { cluster: "staging", requester: "U0APPROVER", givenArns: [] };
  const denied = (number: number) => {
    const migration = createMigration({ id: `migration-staging-${number}`, ...requested }, at(0), 3600);
    return changedMigration(migration, { state: "denied" });
  };
  for (const migration of [denied(1), denied(2)]) {
    await ledger.commit({
      after: migration,
      event: anEvent({ type: "migration.asked", request: migration.id }),
    });
    await ledger.markShown(migration.id, shown);
  }
  const isRemoved = await ledger.remove(denied(1), null);

  const { text } = await status("U0APPROVER", "migration-staging-1");

  expect(isRemoved).toBe(true);
  expect(text).toContain("Records stay 90d; the audit log has it.");
});
