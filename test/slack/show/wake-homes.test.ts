import { expect, test } from "vitest";
import { eventOf } from "../../../src/ledger/lifecycle.ts";
import type { Directory } from "../../../src/slack/app/directory.ts";
import { showMigration } from "../../../src/slack/migrate/migration-message.ts";
import { wakeHomes } from "../../../src/slack/show/messenger.ts";
import type { MessengerContext } from "../../../src/slack/show/show-in-channel.ts";
import { configOf, configText } from "../../builders/a-cluster.ts";
import { aMigration } from "../../builders/a-migration.ts";
import { aPreviewedRequest } from "../../builders/a-request.ts";
import { at } from "../../builders/times.ts";
import { silentContext } from "../../fault/silent-context.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { noGroups } from "../slack-context.ts";

/** Whose App Homes are woken by a change of a request of `U0ENGINEER`, where these people have opened theirs. */
async function wokenBy(
  opened: readonly string[],
  directory: Directory = noGroups,
  text = configText,
  change = (context: MessengerContext) => wakeHomes(context, aPreviewedRequest()),
) {
  const config = configOf(text);
  const ledger = memoryLedger();
  for (const user of opened) await ledger.rememberHome(user, "1.abc");
  const woken: string[] = [];
  const { queues, log } = silentContext(ledger);
  const addBulk = async (jobs: readonly { data: { type: string; user?: string } }[]) =>
    void woken.push(...jobs.flatMap(({ data }) => (data.type === "show-home" && data.user ? [data.user] : [])));
  const messages = { ...queues.messages, addBulk };
  const context = {
    ledger,
    log,
    queues: { ...queues, messages },
    config,
    directory,
    updates: { noteShown: () => {}, remember: () => {}, known: new Map() },
  };
  await change(context as unknown as MessengerContext);
  return woken.toSorted();
}

test("a change updates the App Home of the requester and of the people who can decide, and no other", async () => {
  expect(await wokenBy(["U0ENGINEER", "U0APPROVER", "U0ONCALL"])).toEqual(["U0APPROVER", "U0ENGINEER"]);
});

test("the people who can approve by a rule alone, or by the cluster alone, is not forgotten", async () => {
  const text = `${configText}policy:\n  rules:\n    - name: on call decides\n      approvers: [U0ONCALL]\n`;

  expect(await wokenBy(["U0APPROVER", "U0ONCALL", "U0STRANGER"], noGroups, text)).toEqual(["U0APPROVER", "U0ONCALL"]);
});

test("a change of a migration updates the App Homes of the same people", async () => {
  const showing = async (context: MessengerContext) => {
    const migration = aMigration();
    await context.ledger.commit({
      after: migration,
      event: eventOf("migration.asked", migration, "U0ONCALL", at(0)),
    });
    await showMigration(context, migration.id);
  };

  const woken = await wokenBy(["U0ENGINEER", "U0APPROVER", "U0ONCALL"], noGroups, configText, showing);

  expect(woken).toEqual(["U0APPROVER", "U0ONCALL"]);
});

test("who never opened App Home is not sent one", async () => {
  expect(await wokenBy([])).toEqual([]);
});

test("the people of a user group of approvers are found; without an answer of Slack the others are all the same", async () => {
  const text = configText.replace("[U0APPROVER, U0APPROVER2]", "[S0PLATFORM, U0APPROVER2]");
  const opened = ["U0ENGINEER", "U0APPROVER", "U0APPROVER2"];
  const directory = { ...noGroups, membersOf: async () => ["U0APPROVER"] };
  const silent = { ...noGroups, membersOf: () => Promise.reject(new Error("no answer")) };

  expect(await wokenBy(opened, directory, text)).toEqual(["U0APPROVER", "U0APPROVER2", "U0ENGINEER"]);
  expect(await wokenBy(opened, silent, text)).toEqual(["U0APPROVER2", "U0ENGINEER"]);
});
