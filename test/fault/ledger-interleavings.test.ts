import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyChain } from "../../src/access/audit-event.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { SlackContext } from "../../src/slack/app/context.ts";
import { cancelRequest, revokeLease } from "../../src/slack/decide/end-access.ts";
import type { WorkerContext } from "../../src/worker/context.ts";
import { sweep } from "../../src/worker/sweep.ts";
import { configOf, configText } from "../builders/a-cluster.ts";
import { aPreviewedRequest, aRequest } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { keys } from "../builders/keys.ts";
import { at, hours, minutes } from "../builders/times.ts";
import { stories } from "../form.ts";
import { aLedger } from "../ledger/a-ledger.ts";
import type { OpenLedger } from "../ledger/contract.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import { noGroups } from "../slack/slack-context.ts";
import { click } from "./click.ts";
import { silentContext } from "./silent-context.ts";
import { inTurns, turnsOf } from "./turns.ts";

/** A person who acts on the request; gives what only this person was answered. */
type Actor = (context: WorkerContext & SlackContext, request: AccessRequest) => Promise<readonly string[]>;

const clickOf =
  (verdict: "approved" | "denied", user: string): Actor =>
  (context, request) =>
    click(context, verdict, request, user);

const actors: Readonly<Record<string, Actor>> = {
  "first approver approves": clickOf("approved", "U0APPROVER"),
  "first approver clicks again": clickOf("approved", "U0APPROVER"),
  "second approver denies": clickOf("denied", "U0APPROVER2"),
  "second approver approves": clickOf("approved", "U0APPROVER2"),
  "somebody else clicks": clickOf("approved", "U0ONCALL"),
  "requester approves": clickOf("approved", "U0ENGINEER"),
  "requester cancels": async (context, { id }) => [(await cancelRequest(context, "U0ENGINEER", id)).text],
  "requester revokes": async (context, { id }) => [(await revokeLease(context, "U0ENGINEER", id, "")).text],
  // A worker whose clock is ahead of the others' finds the request expired.
  "it expires": async (context, { id }) => {
    const early = { ...context, now: () => at(hours(25)) };
    while ((await context.ledger.get(id))?.state === "pending") await sweep(early);
    return [];
  },
};

const decisive = ["request.approved", "request.denied", "request.cancelled", "request.expired"];

function contextOf(ledger: Ledger): WorkerContext & SlackContext {
  const config = configOf(configText);
  const workers = { ask: async () => null, close: async () => {} };
  let clock = minutes(5);
  // It continues: two clicks of one person in one millisecond are the same decision, and both win.
  const now = () => {
    clock += 0.001;
    return at(clock);
  };
  return {
    ...silentContext(ledger),
    config,
    keys,
    workers,
    directory: noGroups,
    now,
    newRequestId: () => "r-new",
    opensTooMany: () => false,
  };
}

/** Only this request is anyone's business, however many others share the Redis. */
function about(id: string, ledger: Ledger): Ledger {
  return { ...ledger, due: async (now, limit) => (await ledger.due(now, limit)).filter((each) => each.id === id) };
}

function interleavings(open: () => Promise<OpenLedger>): void {
  let opened: OpenLedger;
  let run = 0;

  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened.close());

  test("one decision wins, each change is reported once, and everyone else reads who was first", async () => {
    const everybody = fc.shuffledSubarray(Object.keys(actors), { minLength: 2 });

    await fc.assert(
      fc.asyncProperty(fc.scheduler(), everybody, async (scheduler, names) => {
        run += 1;
        const { ledger } = opened;
        const id = `r-${run}`;
        // What a run before gave would be another lease of the same principal, which no one was shown.
        const principal = `arn:aws:iam::111122223333:user/engineer-${run}`;
        const request = { ...aPreviewedRequest({ id, principal }), version: 2 };
        await ledger.commit(aChange(aRequest({ id, principal })));
        await ledger.commit(aChange(request, "request.previewed"));
        const turns = turnsOf(scheduler);
        const context = contextOf(inTurns(about(id, ledger), turns));
        const answers = new Map<string, readonly string[]>();

        await turns.play(
          names.map((name) => async () => {
            answers.set(name, (await actors[name]?.(context, request)) ?? []);
          }),
        );

        await holds(ledger, id, names, answers);
      }),
      stories({ short: 35, long: 1_000 }),
    );

    expect(verifyChain(await opened.ledger.events(1, 100_000))).toMatchObject({ type: "whole" });
  }, 300_000);
}

async function holds(
  ledger: Ledger,
  id: string,
  names: readonly string[],
  answers: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  const record = await ledger.get(id);
  const events = (await ledger.events(1, 100_000)).map(({ event }) => event).filter((event) => event.request === id);
  const decisions = events.filter(({ type }) => decisive.includes(type));
  const isDecidable = names.some((name) => /approver (approves|denies|clicks)|cancels|expires/.test(name));
  const clicks = names.filter((name) => /approves|denies|clicks/.test(name));
  const silent = clicks.filter((name) => answers.get(name)?.length === 0);

  expect(decisions.map(({ type }) => type)).toEqual(isDecidable ? [`request.${record?.state}`] : []);
  // A late click has an event too, and changed nothing.
  const changes = events.filter(({ type }) => type !== "attempt.refused" && type !== "decision.refused");
  expect(changes).toHaveLength(record?.version ?? 0);
  expect(events.filter(({ type }) => type === "lease.ending").length).toBe(record?.lease?.end ? 1 : 0);
  const decision = record?.denial ?? record?.approvals[0];
  expect(decision?.by).toBe(decision ? decisions[0]?.actor : undefined);
  // Only the click that won has no answer: the message itself shows what it did.
  expect(silent).toHaveLength(decision ? 1 : 0);
}

describe("on Redis", () => interleavings(aLedger));

describe("in memory", () => interleavings(async () => ({ ledger: memoryLedger(), close: async () => {} })));
