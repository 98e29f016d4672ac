import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { type SandboxSlack, startSandboxSlack } from "../../../sandbox/slack/workspace.ts";
import { isMigration, type LedgerRecord } from "../../../src/access/lists.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import type { Config } from "../../../src/config/config.ts";
import { connectRedis, connectRedisBlocking, type RedisConnection } from "../../../src/ledger/connect.ts";
import { openQueues, type Queues } from "../../../src/ledger/queues.ts";
import { settleClicked } from "../../../src/slack/app/answer.ts";
import type { ButtonClick } from "../../../src/slack/app/payload.ts";
import { publishHome } from "../../../src/slack/look/home.ts";
import { showMigration } from "../../../src/slack/migrate/migration-message.ts";
import { startMessageWorker } from "../../../src/slack/show/message-worker.ts";
import { showRequest } from "../../../src/slack/show/messenger.ts";
import { showMoved, showOtherApprovers } from "../../../src/slack/show/show-moved.ts";
import { showThread } from "../../../src/slack/show/thread.ts";
import { configOf, configText } from "../../builders/a-cluster.ts";
import { aPlannedMigration } from "../../builders/a-migration.ts";
import { aLeasedRequest, aPreviewedRequest } from "../../builders/a-request.ts";
import { anEmergency } from "../../builders/an-emergency.ts";
import { aChange } from "../../builders/an-event.ts";
import { at } from "../../builders/times.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aRedis, type TestRedis } from "../../redis.ts";
import { aSlackContext, callsTo, noGroups } from "../slack-context.ts";

const whole = configOf(configText);
const withoutIt = configOf(configText.replace("  staging:", "  another:"));

let database: TestRedis;
let connection: RedisConnection;
let queues: Queues;
let slack: SandboxSlack;
let ledger: ReturnType<typeof memoryLedger>;
let config: Config;
let members: readonly string[];
let guests: readonly string[];
let stop: () => Promise<void>;

const directory = {
  ...noGroups,
  accountOf: async (user: string) => (guests.includes(user) ? ("guest" as const) : ("active" as const)),
  membersOf: async () => members,
  membershipsOf: async (user: string, named: readonly string[]) =>
    members.includes(user) ? named.filter((name) => name.startsWith("S")) : [],
};
const contextNow = () => ({ ...aSlackContext(ledger), ...callsTo(slack), queues, config, directory });

beforeEach(async () => {
  database = await aRedis();
  connection = await connectRedis(database.url);
  queues = openQueues(connection.redis);
  slack = await startSandboxSlack({ rateLimits: false });
  ledger = memoryLedger();
  config = whole;
  members = [];
  guests = [];
  await showMoved(contextNow(), null);
  const blocking = connectRedisBlocking(database.url);
  const worker = startMessageWorker(
    { ...contextNow(), configuration: () => config, backgroundClient: contextNow().client },
    blocking,
  );
  stop = async () => {
    await worker.stop(AbortSignal.timeout(10_000));
    blocking.disconnect();
  };
});

afterEach(async () => {
  await stop();
  await queues.close();
  await connection.close();
  await database.close();
  await slack.stop();
});

/** What Slack is still to show: now, or a moment later. */
const jobs = () => queues.messages.getJobCounts("waiting", "active", "delayed");
const none = { waiting: 0, active: 0, delayed: 0 };

async function shown(request: AccessRequest): Promise<void> {
  await ledger.commit(aChange({ ...request, version: 1 }));
  await showRequest(contextNow(), request.id);
}

/** The process follows another file, as if it were new or had just read it. */
async function follow(next: Config, isStart = false): Promise<void> {
  const before = config;
  config = next;
  await showMoved(contextNow(), isStart ? null : before);
}

const card = () => textOf(slack.messages("C0ACCESS")[0] ?? expect.unreachable("there is no card"));
const home = (user: string) => textOf(slack.person(user).home() ?? expect.unreachable("no Home"));
/** What waits a moment for more to show is shown now. */
async function hurried<T>(look: () => T): Promise<T> {
  for (const job of await queues.messages.getDelayed()) await job.promote();
  return look();
}
const toEngineer = () => textOf(slack.person("U0ENGINEER").directMessages()[0] ?? expect.unreachable("no message"));
const buttonsOf = (text: string) => text.match(/\[[A-Z][^\]]*\]/g)?.join(" ");

describe("a card that waits for a decision, whose cluster leaves eks-access.yml,", () => {
  test.each([false, true])("says so by itself, without Approve and Deny (at a start: %s)", async (isStart) => {
    await shown(aPreviewedRequest());

    await follow(withoutIt, isStart);

    await expect.poll(card).toContain("`staging` was removed from eks-access.yml");
    expect(card()).toContain("Ask an operator to add it again. Expires");
    expect(buttonsOf(card())).toBe("[Details]");
  });

  test("tells the requester, who can still cancel, and nudge no one", async () => {
    await shown(aPreviewedRequest());

    await follow(withoutIt);

    await expect.poll(toEngineer).toContain("`staging` was removed from eks-access.yml");
    expect(buttonsOf(toEngineer())).toBe("[Details] [Cancel]");
    await expect.poll(() => slack.person("U0ENGINEER").directMessages().map(textOf)).toHaveLength(2);
  });

  test.each([false, true])("works again when the cluster comes back (at a start: %s)", async (isStart) => {
    await shown(aPreviewedRequest());
    const [before, told] = [card(), toEngineer()];
    await follow(withoutIt);
    await expect.poll(async () => (await ledger.shown("r-1"))?.isRemoved).toBe(true);

    await follow(whole, isStart);

    await expect.poll(card).toBe(before);
    await expect.poll(toEngineer).toBe(told);
  });

  test.each(["request", "migration"])(
    "works again when the cluster comes back, although the process that changed the card of the %s died before it noted that",
    async (kind) => {
      const [record, show] =
        kind === "request" ? [aPreviewedRequest(), showRequest] : [aPlannedMigration(), showMigration];
      await ledger.commit({ after: { ...record, version: 1 }, event: null });
      await show(contextNow(), record.id);
      const before = card();
      let isDead = false;
      const die = () => {
        isDead = true;
      };
      slack.faults.plan("slack.chat.update", { type: "watch" }, { onStrike: die });
      const markShown: typeof ledger.markShown = (...given) =>
        isDead ? Promise.reject(new Error("The process is dead.")) : ledger.markShown(...given);
      const dying = { ...contextNow(), config: withoutIt, ledger: { ...ledger, markShown } };
      await expect(show(dying, record.id)).rejects.toThrow("The process is dead.");
      expect(buttonsOf(card())).toBe("[Details]");

      await show(contextNow(), record.id);

      expect(card()).toBe(before);
    },
  );

  const leaving =
    "leaves the App Home of its approvers, and its requester's has only the buttons that work (at a start: %s)";
  test.each([false, true])(leaving, async (isStart) => {
    await shown(aPreviewedRequest());
    for (const user of ["U0APPROVER", "U0ENGINEER"]) await publishHome(contextNow(), user);

    await follow(withoutIt, isStart);

    await expect.poll(() => hurried(() => home("U0APPROVER"))).not.toContain("r-1");
    await expect.poll(() => hurried(() => home("U0ENGINEER"))).toContain("`staging` was removed from eks-access.yml");
    expect(home("U0ENGINEER")).not.toContain("[Nudge]");
    expect(home("U0ENGINEER")).toContain("[Cancel]");
  });
});

const named = (whole: string, who: string) => configOf(whole.replace("[U0APPROVER, U0APPROVER2]", who));

describe("approvers who are none any more", () => {
  const withGroup = named(configText, "[S0PLATFORM]");
  const others = named(configText, "[U0APPROVER2]");
  const leaves = {
    "while the process runs": () => follow(others),
    "while no process runs": () => follow(others, true),
    "of a user group, without a change of the file": () => {
      members = ["U0APPROVER2"];
      return showOtherApprovers(contextNow());
    },
    "because they are guests now": () => {
      guests = ["U0APPROVER"];
      return showOtherApprovers(contextNow());
    },
  };
  const ways = Object.keys(leaves) as (keyof typeof leaves)[];

  async function shownTo(way: keyof typeof leaves, record: LedgerRecord, inChannel: boolean): Promise<void> {
    members = ["U0APPROVER", "U0APPROVER2"];
    if (way.startsWith("of a user group")) await follow(withGroup, true);
    await ledger.commit({ after: { ...record, version: 1 } as LedgerRecord, event: null });
    if (!inChannel) slack.addChannel({ id: "C0ACCESS", name: "cluster-access", members: ["U0ENGINEER"] });
    const showing = isMigration(record) ? showMigration : showRequest;
    await showing(contextNow(), record.id);
  }

  const copy = (user: string) => textOf(slack.person(user).directMessages()[0] ?? expect.unreachable("no copy"));

  test.each(ways)("%s: App Home and card say so by themselves", async (way) => {
    await shownTo(way, aPreviewedRequest(), true);
    await publishHome(contextNow(), "U0APPROVER");
    const before = home("U0APPROVER");

    await leaves[way]();

    await expect.poll(() => hurried(() => home("U0APPROVER"))).not.toContain("r-1");
    expect(before).toContain("[Review]");
    if (config === others) await expect.poll(card).toContain("Waiting for <@U0APPROVER2>");
    if (guests.length > 0) await expect.poll(card).toContain("Can't approve: <@U0APPROVER>");
  });

  test.each(
    ways.flatMap(
      (way) =>
        [
          [way, "a request", aPreviewedRequest(), "[Approve] [Deny] [Details]"],
          [way, "a migration", aPlannedMigration(), "[Review] [Deny] [Stop]"],
          [way, "a repair", { ...aPlannedMigration(), kind: "repair" }, "[Review] [Deny] [Stop]"],
        ] as const,
    ),
  )(
    "%s: their copy of %s in direct messages loses its buttons, and the others keep theirs",
    async (way, _, record, buttons) => {
      await shownTo(way, record, false);
      const before = copy("U0APPROVER");

      await leaves[way]();

      await expect.poll(() => copy("U0APPROVER")).toContain("You are no longer an approver of this.");
      expect([before, copy("U0APPROVER"), copy("U0APPROVER2")].map(buttonsOf)).toEqual([buttons, undefined, buttons]);
    },
  );

  test.each(ways)("%s: no reminder follows under their copy, and the others get theirs", async (way) => {
    await shownTo(way, aPreviewedRequest(), false);
    await leaves[way]();
    await expect.poll(() => copy("U0APPROVER")).toContain("You are no longer an approver of this.");
    const reminders = { sent: 1, nextAt: at(9).toISOString() };
    await ledger.commit(aChange({ ...aPreviewedRequest({ reminders }), version: 2 }));

    await showThread(contextNow(), "r-1");

    const messages = (user: string) => slack.person(user).directMessages().map(textOf).slice(1);
    expect(messages("U0APPROVER")).toEqual([]);
    expect(messages("U0APPROVER2")).toEqual([expect.stringContaining("waits for your decision")]);
  });

  test("of a cluster that Slack does not answer about, keep theirs until it answers", async () => {
    await shownTo("of a user group, without a change of the file", aPreviewedRequest(), true);
    await publishHome(contextNow(), "U0APPROVER");
    await expect.poll(() => hurried(jobs)).toEqual(none);
    const silent = { ...directory, membersOf: () => Promise.reject(new Error("no answer")) };
    await showOtherApprovers({ ...contextNow(), directory: silent });
    const during = await jobs();

    members = [];
    await showOtherApprovers(contextNow());

    expect(during).toEqual(none);
    await expect.poll(() => hurried(() => home("U0APPROVER"))).not.toContain("r-1");
  });
});

describe("a person who can't use emergency access any more", () => {
  const withGlass = (who: string) =>
    configOf(
      `${configText}policy:\n  rules: [{ name: all }]\n  breakGlass:\n    - { who: [${who}], level: admin, for: 1h }\n`,
    );

  test.each([
    ["while the process runs", () => follow(whole)],
    ["while no process runs", () => follow(whole, true)],
    [
      "because a user group has other people",
      () => {
        members = [];
        return showOtherApprovers(contextNow());
      },
    ],
    ["with all people of a domain", () => follow(whole), "'@example.com'"],
  ])("%s: App Home loses its button by itself", async (_, lose, who = "S0NIGHT") => {
    members = ["U0ONCALL"];
    await follow(withGlass(who), true);
    await publishHome(
      { ...contextNow(), directory: { ...directory, membershipsOf: async () => [who.replaceAll("'", "")] } },
      "U0ONCALL",
    );
    const before = home("U0ONCALL");

    await lose();

    await expect.poll(() => hurried(() => home("U0ONCALL"))).not.toContain("[Emergency access]");
    expect(before).toContain("[Emergency access]");
  });

  test("no card is shown again for another person in a user group of theirs", async () => {
    members = ["U0ONCALL"];
    await follow(withGlass("S0NIGHT"), true);
    await shown(aPreviewedRequest());
    await expect.poll(() => hurried(jobs)).toEqual(none);
    await stop();
    stop = async () => {};

    members = [];
    await showOtherApprovers(contextNow());

    expect(await queues.messages.getJobCounts("waiting")).toEqual({ waiting: 0 });
  });
});

test.each([
  ["active", "is active"],
  ["scheduled", "Applying"],
] as const)("of a lease that is %s, no message offers what can't work", async (state, words) => {
  await shown(aLeasedRequest({ state }));

  await follow(withoutIt, true);

  await expect.poll(card).toContain("removed from eks-access.yml");
  await expect.poll(toEngineer).toContain("removed from eks-access.yml");
  expect(toEngineer()).toContain(words);
  expect([buttonsOf(card()), buttonsOf(toEngineer())]).toEqual(["[Details]", "[Details]"]);
});

test.each([false, true])(
  "a request that was over before loses Request again by itself (at a start: %s)",
  async (isStart) => {
    await shown(aPreviewedRequest({ state: "cancelled" }));
    const before = [card(), toEngineer()];

    await follow(withoutIt, isStart);
    await expect.poll(() => buttonsOf(card())).toBe("[Details]");
    await expect.poll(() => buttonsOf(toEngineer())).toBe("[Details]");
    await expect.poll(async () => (await ledger.shown("r-1"))?.isRemoved).toBe(true);
    await follow(whole, isStart);

    await expect.poll(() => [card(), toEngineer()]).toEqual(before);
    expect(before.join()).toContain("[Request again]");
  },
);

test("a request that no message shows gets none when its cluster leaves", async () => {
  await ledger.commit(aChange({ ...aPreviewedRequest({ id: "r-2", state: "cancelled" }), version: 1 }));
  await shown(aPreviewedRequest({ state: "cancelled" }));

  await follow(withoutIt);

  await expect.poll(() => buttonsOf(card())).toBe("[Details]");
  expect(slack.messages("C0ACCESS")).toHaveLength(1);
});

test("a request that was over before loses Request again at the first click", async () => {
  await shown(aPreviewedRequest({ state: "cancelled" }));
  const before = card();
  config = withoutIt;

  await settleClicked(contextNow(), { action: { value: "r-1" }, body: {} } as unknown as ButtonClick);

  await expect.poll(card).not.toContain("[Request again]");
  expect([buttonsOf(before), buttonsOf(card())]).toEqual(["[Request again] [Details]", "[Details]"]);
});

test.each([false, true])(
  "App Home offers no request again where it can't be made (at a start: %s)",
  async (isStart) => {
    await ledger.commit(aChange({ ...aPreviewedRequest({ state: "cancelled" }), version: 1 }));
    await publishHome(contextNow(), "U0ENGINEER");
    const before = home("U0ENGINEER");

    await follow(withoutIt, isStart);
    await expect.poll(() => hurried(() => home("U0ENGINEER"))).not.toContain("[Request again]");
    await follow(whole, isStart);

    await expect.poll(() => hurried(() => home("U0ENGINEER"))).toBe(before);
    expect(before).toContain("[Request again]");
  },
);

describe("a request whose level leaves the file", () => {
  const without = configOf(configText.replace("levels: [viewer, admin]", "levels: [admin]"));

  test.each([false, true])(
    "can only be denied and cancelled, until it comes back (at a start: %s)",
    async (isStart) => {
      await shown(aPreviewedRequest());
      await publishHome(contextNow(), "U0ENGINEER");
      const before = [card(), toEngineer(), home("U0ENGINEER")];

      await follow(without, isStart);
      await expect.poll(card).toContain("The policy changed: no one can approve it.");
      await expect.poll(toEngineer).toContain("The policy changed: no one can approve it.");
      await expect.poll(() => hurried(() => home("U0ENGINEER"))).not.toContain("[Nudge]");
      const changed = [card(), toEngineer(), home("U0ENGINEER")];
      await follow(whole, isStart);

      await expect.poll(() => hurried(() => [card(), toEngineer(), home("U0ENGINEER")])).toEqual(before);
      expect(changed.map(buttonsOf)).toEqual([
        "[Deny] [Details]",
        "[Details] [Cancel]",
        "[Ask for access] [Details] [Cancel]",
      ]);
    },
  );

  test("calls no one to approve it", async () => {
    config = without;
    await shown(aPreviewedRequest({ reminders: { sent: 1, nextAt: at(9).toISOString() } }));

    await showThread(contextNow(), "r-1");

    expect(slack.replies(slack.messages("C0ACCESS")[0] ?? expect.unreachable("there is no card"))).toEqual([]);
    expect(card()).not.toContain("Ask an operator to add approvers");
  });
});

test("a review that is due after the end of emergency access has no button meanwhile", async () => {
  const ended = aLeasedRequest({ state: "ended", endedAt: at(9).toISOString() });
  await shown({ ...anEmergency(), id: "r-1", lease: ended.lease });
  const before = card();

  await follow(withoutIt);
  await expect.poll(async () => (await ledger.shown("r-1"))?.isRemoved).toBe(true);
  const removed = card();
  await follow(whole);

  await expect.poll(card).toBe(before);
  expect([buttonsOf(before), buttonsOf(removed)]).toEqual([expect.stringContaining("[Mark reviewed]"), "[Details]"]);
});

test("a migration's card says so, without Deny and Stop, and has them again later", async () => {
  const migration = aPlannedMigration();
  await ledger.commit({ after: { ...migration, version: 1 } as LedgerRecord, event: null });
  await showMigration(contextNow(), migration.id);
  const before = card();

  await follow(withoutIt, true);
  await expect.poll(async () => (await ledger.shown(migration.id))?.isRemoved).toBe(true);
  const removed = card();
  await follow(whole, true);

  await expect.poll(card).toBe(before);
  expect(removed).toContain("`staging` was removed from eks-access.yml");
  expect(buttonsOf(removed)).toBe("[Details]");
});

test("nothing is shown again where nothing left the file", async () => {
  await shown(aPreviewedRequest());

  await follow(withoutIt);
  await expect.poll(async () => (await ledger.shown("r-1"))?.isRemoved).toBe(true);
  await expect.poll(() => hurried(jobs)).toEqual(none);
  await stop();
  stop = async () => {};
  await follow(withoutIt);
  await follow(withoutIt, true);

  expect(await jobs()).toEqual(none);
});
