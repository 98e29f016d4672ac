import { beforeEach, describe, expect, test } from "vitest";
import type { AccessRequest } from "../../../src/access/record.ts";
import { sealPreview } from "../../../src/access/seals.ts";
import type { Ledger } from "../../../src/ledger/ledger.ts";
import type { ShownMessages } from "../../../src/ledger/stored.ts";
import { genuineLedger } from "../../../src/slack/decide/genuine-ledger.ts";
import { anApprovedRequest, aPreviewedRequest, revise } from "../../builders/a-request.ts";
import { anEmergency } from "../../builders/an-emergency.ts";
import { aChange } from "../../builders/an-event.ts";
import { keys } from "../../builders/keys.ts";
import { click } from "../../fault/click.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aGenuineContext, aSlackContext } from "../slack-context.ts";

let plain: Ledger;
let genuine: Ledger;

beforeEach(() => {
  plain = memoryLedger();
  genuine = genuineLedger(aGenuineContext(plain));
});

async function put(change: Partial<AccessRequest> = {}): Promise<AccessRequest> {
  const request = aPreviewedRequest();
  const preview = request.preview && sealPreview(request, request.preview, keys.preview);
  const written = { ...request, preview, version: 1 };
  await plain.commit(aChange(written));
  if (Object.keys(change).length === 0) return written;
  const changed = revise(written, change);
  await plain.commit(aChange(changed));
  return changed;
}

const intruder = { principal: "arn:aws:iam::111122223333:user/intruder" };
const endOfTime = new Date(8.64e15);
const all = { list: "all", clusters: ["staging"], requester: null, match: "any" } as const;

test("what the worker saw is read as it is, everywhere", async () => {
  const request = await put();

  expect(await genuine.get(request.id)).toEqual(request);
  expect(await genuine.duePendingOf("staging", endOfTime, 10)).toEqual([request]);
  expect(await genuine.ofRequester(request.requester, 10)).toEqual([request]);
  expect((await genuine.list(all, 0, 10)).requests).toEqual([request]);
});

test("a preview is verified once, however often the record is read: a click must not wait for that", async () => {
  let verified = 0;
  const isSealed: typeof keys.preview.isSealed = (...given) => {
    verified += 1;
    return keys.preview.isSealed(...given);
  };
  const counted = { ...keys, preview: { ...keys.preview, isSealed } };
  const { id } = await put();
  genuine = genuineLedger({ ...aGenuineContext(plain), keys: counted });

  for (let time = 0; time < 5; time += 1) await genuine.get(id);

  expect(verified).toBe(1);
});

describe("a record that a person changed in Redis after the worker had looked", () => {
  test("has no preview anywhere, so that nothing has a button", async () => {
    const request = await put(intruder);

    expect((await genuine.duePendingOf("staging", endOfTime, 10))[0]?.preview).toBeNull();
    expect((await genuine.ofRequester(request.requester, 10))[0]?.preview).toBeNull();
    expect((await genuine.list(all, 0, 10)).requests[0]?.preview).toBeNull();
    expect((await genuine.get(request.id))?.preview).toBeNull();
  });

  test("gets another look of the worker, with an event, only once in a while", async () => {
    const request = await put(intruder);

    await genuine.get(request.id);
    const stored = await plain.get(request.id);
    if (stored) await plain.commit(aChange(revise(stored, { preview: request.preview })));
    await genuine.get(request.id);

    const types = (await plain.events(1, 100)).map(({ event }) => event.type);
    expect(stored).toMatchObject({ version: request.version + 1, preview: null, approvals: [] });
    expect(types.filter((type) => type === "preview.refused")).toHaveLength(1);
  });

  test("is shown again a minute later: this process can get the worker's key or file last", async () => {
    const { id: record } = await put(intruder);
    const context = aGenuineContext(plain);
    const later: unknown[] = [];
    const messages = Object.assign(Object.create(context.queues.messages), {
      add: async (...[type, job, options]: Parameters<typeof context.queues.messages.add>) =>
        void later.push([type, job, options]),
    });
    genuine = genuineLedger({ ...context, queues: { ...context.queues, messages } });

    await genuine.get(record);
    await genuine.get(record);

    const inAMinute = later.filter((each) => JSON.stringify(each).includes("66000"));
    expect(inAMinute).toEqual([["show", { type: "show", record }, { delay: 66_000 }]]);
  });

  test("can't be approved, also with the digest that the change would have", async () => {
    const request = await put(intruder);
    const context = { ...aSlackContext(plain), ledger: genuine };

    const answers = await click(context, "approved", request, "U0APPROVER");

    expect(answers.join()).toContain("The worker must check the cluster first.");
    expect(await plain.get(request.id)).toMatchObject({ state: "pending", approvals: [], lease: null });
  });
});

test("what is decided already is history, and shown as it is", async () => {
  const approved = { ...anApprovedRequest(), version: 1 };
  await plain.commit(aChange(approved));

  expect(await genuine.get(approved.id)).toEqual(approved);
});

test("a review that a person wrote into Redis does not count", async () => {
  const broken = anEmergency({ version: 1 });
  const review = { by: "U0APPROVER", at: broken.createdAt, seal: "00000000.00" };
  await plain.commit(aChange({ ...broken, emergency: { ...broken.emergency, review } }));

  expect((await genuine.get(broken.id))?.emergency?.review).toBeNull();
  expect((await genuine.list(all, 0, 10)).requests[0]?.emergency?.review).toBeNull();
});

const shown: ShownMessages = {
  version: 1,
  message: { channel: "C0ACCESS", ts: "1.000100" },
  copies: [],
  direct: { channel: "D0ENGINEER", ts: "1.000200" },
  milestones: ["asked"],
};

test("the places of a record's messages are read as this process wrote them", async () => {
  await put();
  await genuine.markShown("r-1", shown);
  const once = await genuine.shown("r-1");
  await genuine.markShown("r-1", { ...once, ...shown, version: 2 });

  expect(once).toMatchObject(shown);
  expect(await genuine.shown("r-1")).toMatchObject({ ...shown, version: 2 });
});

test.each<[string, (stored: ShownMessages) => ShownMessages]>([
  ["an anchor of the audit log", (stored) => ({ ...stored, message: { channel: "C0AUDIT", ts: "1.000300" } })],
  ["a message to another person", (stored) => ({ ...stored, direct: { channel: "D0OTHER", ts: "1.000400" } })],
  [
    "what an approver was asked",
    (stored) => ({ ...stored, copies: [{ channel: "D0", ts: "1.1", user: "U0APPROVER" }] }),
  ],
  ["the message of another request", ({ seal: _, ...stored }) => stored],
])("no place that a person wrote into Redis counts: the bot would overwrite %s", async (_, forge) => {
  await put();
  await plain.commit(aChange({ ...aPreviewedRequest(), id: "r-2", version: 1 }));
  await genuine.markShown("r-1", shown);
  const stored = await plain.shown("r-1");
  if (stored) await plain.markShown("r-1", forge(stored));
  if (stored) await plain.markShown("r-2", stored);

  expect(await genuine.shown("r-1")).toBeNull();
  expect(await genuine.shown("r-2")).toBeNull();
});
