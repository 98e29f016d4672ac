import { randomInt } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { arns } from "../../../sandbox/scene.ts";
import { signRequest } from "../../../sandbox/slack/delivery.ts";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { aPreviewedRequest } from "../../builders/a-request.ts";
import { isLong } from "../../form.ts";
import { aSlackApp, type SlackApp } from "../../slack/a-slack-app.ts";
import { type Letter, letters } from "./letters.ts";

let app: SlackApp;
beforeAll(async () => {
  app = await aSlackApp();
});
afterAll(() => app.stop());

const count = isLong ? 10_000 : 200;
/** As many as are under way at once: what no handler takes is answered after three seconds. */
const atOnce = 500;

/** Signed as Slack would: it passes the receiver, into Bolt and the handlers. */
async function send({ contentType, body }: Letter): Promise<number> {
  const timestamp = Math.floor(Date.now() / 1000);
  const signature = signRequest(body, { timestamp, secret: app.slack.signingSecret });
  const response = await fetch(app.eventsUrl, {
    method: "POST",
    headers: { ...signature, "content-type": contentType },
    body,
    signal: AbortSignal.timeout(60_000),
  });
  await response.arrayBuffer();
  return response.status;
}

/** In bytes, what is garbage not counted. */
function heapInUse(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc()");
  return process.memoryUsage().heapUsed;
}

/** What a stranger could have changed: a refused click is noted in the log, and counts as a version. */
async function decided(): Promise<unknown> {
  const { version: _, ...request } = (await app.ledger.get("r-1")) ?? { version: 0 };
  return request;
}

test(`${count} malformed and hostile requests crash nothing and change nothing`, { timeout: 600_000 }, async () => {
  const seed = Number(process.env.EKS_ACCESS_SEED ?? randomInt(2 ** 31));
  await app.put(aPreviewedRequest());
  const before = await decided();
  const heapBefore = heapInUse();
  const statuses = new Map<number, number>();

  for (let from = 0; from < count; from += atOnce) {
    const some = fc.sample(letters(app.slack.teamId, new URL("/never", app.slack.apiUrl).href), {
      numRuns: Math.min(atOnce, count - from),
      seed: seed + from,
    });
    for (const status of await Promise.all(some.map(send))) statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }

  const grownMiB = (heapInUse() - heapBefore) / 2 ** 20;
  console.log(
    `hostile requests: ${count}, seed ${seed}, by status ${JSON.stringify([...statuses])}, heap +${grownMiB.toFixed(0)} MiB`,
  );
  expect([...statuses.keys()].filter((status) => ![200, 400, 401, 404, 409, 413, 415].includes(status))).toEqual([]);
  expect(await decided(), `seed ${seed}`).toEqual(before);
  expect(
    await app.ledger.list({ list: "all", clusters: ["staging"], requester: null, match: "any" }, 0, 9),
  ).toMatchObject({ total: 1 });
  expect(grownMiB).toBeLessThan(30);
  expect(textOf(await app.say("U0ENGINEER", "help all"))).toContain("/eks-access");
});

const digest = aPreviewedRequest().preview?.digest ?? "";
const shown = (request: string, of = digest, more = {}) => JSON.stringify({ request, digest: of, ...more });
const option = (value: string) => ({ value: { type: "static_select", selected_option: { value } } });
const typed = (value: string) => ({ value: { type: "plain_text_input", value } });
const asked = (change: object) => ({
  ...{ cluster: option("staging"), level: option("viewer"), duration: option("30m") },
  ...{ principal: typed(arns.engineer), reason: typed("because"), ...change },
});
const why = { why: { value: { type: "plain_text_input", value: "because" } } };

const link = JSON.stringify({ user: "U0ENGINEER", id: "p-1", arn: arns.engineer });
const moved = (cluster: string) => JSON.stringify({ cluster, givenArns: [] });

/** Signed by Slack, from real people: only their values were never shown to anyone. */
type Tampered = [what: string, user: string, act: "click" | "form", id: string, value: unknown, values?: object];

const tampered: readonly Tampered[] = [
  [
    "a level that the cluster does not offer",
    "U0ENGINEER",
    "form",
    "request",
    "{}",
    asked({ level: option("__proto__") }),
  ],
  [
    "a cluster that nobody configured",
    "U0ENGINEER",
    "form",
    "request",
    "{}",
    asked({ cluster: option("constructor") }),
  ],
  ["a time above the level's", "U0ENGINEER", "form", "request", "{}", asked({ duration: option("9000h") })],
  ["a permanent lease", "U0ENGINEER", "form", "request", "{}", asked({ duration: option("permanent") })],
  [
    "a role of a foreign account",
    "U0ENGINEER",
    "form",
    "request",
    "{}",
    asked({ principal: typed("arn:aws:iam::999988887777:role/x") }),
  ],
  [
    "a person of nowhere",
    "U0ENGINEER",
    "form",
    "request",
    "{}",
    asked({ for: { value: { type: "users_select", selected_user: "<!channel>" } } }),
  ],
  ["an approval of one's own in Details", "U0ENGINEER", "form", "details", shown("r-1")],
  ["an approval by a person on call", "U0ONCALL", "form", "details", shown("r-1")],
  ["an approval of another change", "U0APPROVER", "form", "details", shown("r-1", "0".repeat(64))],
  [
    "an approval with another name in it",
    "U0APPROVER",
    "click",
    "approve",
    shown("r-1", digest, { by: "U0APPROVER2" }),
  ],
  ["an approval in a list", "U0APPROVER", "click", "approve", `[${shown("r-1")}]`],
  ["an approval that is a number", "U0APPROVER", "click", "approve", 1],
  [
    "an approval of a request as of a migration",
    "U0APPROVER",
    "click",
    "approve",
    JSON.stringify({ migration: "r-1", digest }),
  ],
  ["an approval a hundred thousand lists deep", "U0APPROVER", "click", "approve", "[".repeat(100_000)],
  ["another's cancellation", "U0ONCALL", "click", "cancel", "r-1"],
  ["another's nudge", "U0ONCALL", "click", "nudge", "r-1"],
  ["another's end", "U0ONCALL", "click", "done", "r-1"],
  ["another's revocation", "U0ONCALL", "form", "revoke", "r-1", why],
  ["another's request again", "U0ONCALL", "click", "ask-again", "r-1"],
  ["a link that nobody proposed", "U0APPROVER", "click", "confirm-link", link],
  ["a refusal of one", "U0APPROVER", "click", "refuse-link", link],
  ["an approval by a corrected line", "U0ONCALL", "click", "run", "approve r-1"],
  ["a cancellation by a corrected line", "U0ONCALL", "click", "run", "cancel r-1"],
  ["a migration of a cluster that nobody configured", "U0APPROVER", "click", "ask-migration", moved("constructor")],
  ["a migration by its requester alone", "U0ENGINEER", "click", "ask-migration", moved("staging")],
  ["a stop of a request as of a migration", "U0APPROVER", "click", "stop-migration", "r-1"],
  ["a retry of a request as of a migration", "U0APPROVER", "click", "retry-migration", "r-1"],
  ["a list of a view that there is not", "U0ONCALL", "click", "list-next", '{"view":{"kind":"__proto__"},"offset":0}'],
  ["another's extension", "U0ONCALL", "form", "extend", "r-1", { extend: option("1h") }],
  ["a denial by the requester", "U0ENGINEER", "form", "deny", shown("r-1"), why],
  ["an emergency that the policy gives nobody", "U0ENGINEER", "form", "break-glass", "", asked({})],
  ["a review of what was no emergency", "U0APPROVER", "form", "reviewed", "r-1", why],
];

/** What Slack sends of this person's click or form. */
function tell(
  what: string,
  user: string,
  act: "click" | "form",
  id: string,
  value: unknown,
  values = {},
): Promise<number> {
  const { teamId: team } = app.slack;
  const body = { user: { id: user, team_id: team }, team: { id: team }, trigger_id: `trigger of ${what}` };
  const kept = { private_metadata: value, state: { values } };
  const view = { id: "V1", type: "modal", callback_id: id, hash: "1.a", blocks: [], ...kept };
  const action = { type: "button", action_id: id, block_id: "b", value, action_ts: "1.2" };
  const sent =
    act === "form" ? { ...body, type: "view_submission", view } : { ...body, type: "block_actions", actions: [action] };
  const payload = JSON.stringify(sent);
  return send({
    contentType: "application/x-www-form-urlencoded",
    body: new URLSearchParams({ payload }).toString(),
  });
}

test.each<Tampered>(tampered)(
  "%s, by %s, is refused although Slack signed it",
  async (what, user, act, id, value, values) => {
    const [before, events] = [await decided(), (await app.ledger.events(1, 1_000)).length];

    const status = await tell(what, user, act, id, value, values);

    expect(status).toBe(typeof value === "number" ? 400 : 200);
    expect(await decided()).toEqual(before);
    const noted = (await app.ledger.events(events + 1, 10)).map(({ event }) => event.type);
    expect(noted.filter((type) => !type.endsWith(".refused"))).toEqual([]);
    expect(
      await app.ledger.list({ list: "all", clusters: ["staging"], requester: null, match: "any" }, 0, 9),
    ).toMatchObject({ total: 1 });
  },
);

test("the same with what an approver and a requester were shown counts", async () => {
  await tell("a request", "U0ENGINEER", "form", "request", "{}", asked({}));
  await tell("an approval", "U0APPROVER", "click", "approve", shown("r-1"));

  expect(await decided()).toMatchObject({ state: "approved" });
  expect(
    await app.ledger.list({ list: "all", clusters: ["staging"], requester: null, match: "any" }, 0, 9),
  ).toMatchObject({ total: 2 });
});
