import { createHmac, hash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { parse } from "node:querystring";
import { z } from "zod";
import { parseJson } from "../../access/seal.ts";
import type { TurnLedger } from "../../ledger/turns.ts";
import { ArrivedBytes } from "../../operations/bounds.ts";
import { usualDeadlines, withinTime } from "../../operations/deadlines.ts";
import { deliveryId, field, isRetry } from "./payload.ts";

const text = z.string();

const named = z.looseObject({ id: text });

const input = z.looseObject({
  value: text.nullish(),
  selected_user: text.nullish(),
  selected_options: z.array(z.looseObject({ value: text })).nullish(),
  selected_option: z.looseObject({ value: text }).nullish(),
});

const values = z.record(text, z.record(text, input));

/** What Bolt reads of every action of a person, before any handler. */
const byPerson = {
  user: named,
  team: named.nullish(),
  enterprise: named.nullish(),
  channel: z.looseObject({}).optional(),
  trigger_id: text.optional(),
  response_url: text.optional(),
  // Always empty: none of our forms asks for one. Bolt would answer there.
  response_urls: z.tuple([]).optional(),
  function_data: z.looseObject({}).nullish(),
};

const shapes = {
  event: z.looseObject({
    event: z.union([
      z.looseObject({
        type: z.literal("app_home_opened"),
        user: text,
        tab: text,
        channel: text.optional(),
        view: z.looseObject({}).nullish(),
      }),
      z.looseObject({
        type: text.refine((type) => type !== "app_home_opened"),
        user: z.union([text, z.looseObject({})]).optional(),
        channel: z.union([text, z.looseObject({})]).optional(),
        item: z.looseObject({}).optional(),
        subteam: z.looseObject({}).optional(),
      }),
    ]),
    authorizations: z.array(z.looseObject({})).nullish(),
    response_url: z.undefined().optional(),
    response_urls: z.undefined().optional(),
    function_data: z.undefined().optional(),
  }),
  command: z.looseObject({
    command: text,
    text,
    user_id: text,
    trigger_id: text.optional(),
    channel_id: text.optional(),
    response_url: text.optional(),
    response_urls: z.undefined().optional(),
    function_data: z.undefined().optional(),
  }),
  search: z.looseObject({ ...byPerson, type: z.literal("block_suggestion"), action_id: text, value: text }),
  click: z.looseObject({
    ...byPerson,
    type: z.literal("block_actions"),
    actions: z
      .array(z.looseObject({ type: text, action_id: text, value: text.nullish(), action_ts: text.optional() }))
      .min(1),
    view: named
      .extend({ callback_id: text, private_metadata: text, state: z.looseObject({ values }).optional() })
      .nullish(),
  }),
  form: z.looseObject({
    ...byPerson,
    type: z.literal("view_submission"),
    view: named.extend({ callback_id: text, private_metadata: text, state: z.looseObject({ values }) }),
  }),
  closed: z.looseObject({ ...byPerson, type: z.literal("view_closed"), view: z.looseObject({}) }),
  challenge: z.looseObject({ type: z.literal("url_verification"), challenge: text }),
  sslCheck: z.looseObject({ ssl_check: z.literal("1") }),
};

export interface AdmissionSettings {
  readonly signingSecret: string;
  /** The origin of `SLACK_API_URL`, with its `/`; absent: Slack itself. */
  readonly apiPlace?: string | undefined;
  readonly seen: SeenRequests;
  readonly now: () => Date;
  /** Called for a repeated request that Slack did not retry. */
  readonly replayed: (body: object) => void;
}

export type Admission =
  | { readonly type: "admitted"; readonly body: object }
  | ({ readonly type: "refused" } & HeaderRefusal);

/** Its form, size, time and signature, and whether it is new. @throws if the connection ends before the body does */
export async function admit(settings: AdmissionSettings, request: IncomingMessage): Promise<Admission> {
  const { headers } = request;
  const refusal = refuseHeaders(headers, settings.now());
  if (refusal) return { type: "refused", ...refusal };
  const body = await readBody(request);
  if (typeof body !== "string") return { type: "refused", ...body };
  const signature = String(headers["x-slack-signature"]);
  if (!isSigned(settings.signingSecret, headers, body))
    return refused(401, "its signature does not match the signing secret");
  const sent = readObject(body);
  // A signature proves the sender, not the form: Bolt does not check it, and would fail later.
  if (!sent || !shapes[kindOf(sent)].safeParse(sent).success || !isAnsweredAtSlack(sent, settings.apiPlace))
    return refused(400, "Slack sends no such body");
  // `onlyOnce` looks up a body with an id: two look-ups would make acks late.
  const isNew = deliveryId(sent) === null ? await settings.seen.isNew(signature) : settings.seen.isNewHere(signature);
  if (isNew) return { type: "admitted", body: sent };
  // Slack can send again within a second, and needs a 200 to know that the request arrived.
  const retryNumber = headers["x-slack-retry-num"];
  if (!isRetry(sent, retryNumber, "http")) settings.replayed(sent);
  return refused(retryNumber === undefined ? 409 : 200, "it came before");
}

/** https://docs.slack.dev/authentication/verifying-requests-from-slack; compared in constant time. */
function isSigned(secret: string, headers: IncomingHttpHeaders, body: string): boolean {
  const signed = createHmac("sha256", secret).update(`v0:${headers["x-slack-request-timestamp"]}:${body}`).digest();
  const signature = Buffer.from(String(headers["x-slack-signature"]).slice("v0=".length), "hex");
  return signature.length === signed.length && timingSafeEqual(signature, signed);
}

function refused(status: HeaderRefusal["status"], why: string): Admission {
  return { type: "refused", status, why };
}

/** All unfinished bodies together: anyone can begin one. Slack's own are small, and whole at once. */
const unfinishedLimitBytes = 16 * 1024 * 1024;
let unfinishedBytes = 0;
/** How to refuse each of them, the oldest first. */
const unfinished = new Set<(refusal: HeaderRefusal) => void>();

/** @throws if the connection ends before the body does */
function readBody(request: IncomingMessage): Promise<string | HeaderRefusal> {
  return new Promise((resolve, reject) => {
    const arrived = new ArrivedBytes();
    const refuse = (refusal: HeaderRefusal) => {
      forget();
      request.removeAllListeners("data").pause();
      resolve(refusal);
    };
    const forget = () => {
      if (unfinished.delete(refuse)) unfinishedBytes -= arrived.length;
    };
    unfinished.add(refuse);
    request.on("data", (part: Buffer) => {
      arrived.add(part);
      unfinishedBytes += part.length;
      if (arrived.length > bodyLimitBytes) refuse(tooLarge);
      for (const refuseOldest of unfinished) {
        if (unfinishedBytes <= unfinishedLimitBytes) return;
        refuseOldest({ status: 503, why: "too much of other bodies arrived after it" });
      }
    });
    request.once("end", () => {
      forget();
      resolve(arrived.whole().toString("utf8"));
    });
    request.once("error", reject);
    request.once("close", () => {
      forget();
      if (!request.complete) reject(new Error("the connection ended before the body did"));
    });
  });
}

/** No signature covers the content type: texts that people choose in an event must not become the parts of a form. */
function readObject(body: string): object | null {
  if (body.startsWith("{")) return objectIn(body);
  const form = parse(body);
  return typeof form.payload === "string" ? objectIn(form.payload) : form;
}

function objectIn(text: string): object | null {
  const value = parseJson(text);
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
}

/** With the signing secret alone, no one sends our answers elsewhere. */
function isAnsweredAtSlack(body: object, apiPlace: string = answerPlaces[0]): boolean {
  const url = field(body, "response_url");
  return typeof url !== "string" || url === "" || [...answerPlaces, apiPlace].some((place) => url.startsWith(place));
}

const answerPlaces = ["https://hooks.slack.com/", "https://hooks.slack-gov.com/"] as const;

/** In Bolt's order, which decides about an ambiguous body. */
function kindOf(body: object): keyof typeof shapes {
  const has = (name: string) => Object.hasOwn(body, name);
  if (has("ssl_check")) return "sslCheck";
  const type = field(body, "type");
  if (type === "url_verification") return "challenge";
  if (has("event")) return "event";
  if (has("command")) return "command";
  if (has("name") || type === "block_suggestion") return "search";
  if (has("actions")) return "click";
  return type === "view_closed" ? "closed" : "form";
}

export interface HeaderRefusal {
  readonly status: 200 | 400 | 401 | 409 | 413 | 415 | 503;
  readonly why: string;
}

const tooLarge: HeaderRefusal = { status: 413, why: "its body is too large" };

/** Slack's interactive payloads are below 100 KiB; a view has at most 250,000 characters. */
export const bodyLimitBytes = 1024 * 1024;

const contentTypes = ["application/x-www-form-urlencoded", "application/json"];

/** Why these headers do not belong to a current request of Slack. Null: they do. */
function refuseHeaders(headers: IncomingHttpHeaders, now: Date): HeaderRefusal | null {
  const type = headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (!contentTypes.includes(type)) return { status: 415, why: "Slack sends no such body" };
  if (Number(headers["content-length"] ?? 0) > bodyLimitBytes) return tooLarge;
  const signature = headers["x-slack-signature"];
  if (typeof signature !== "string" || !/^v0=[0-9a-f]{64}$/.test(signature)) {
    return { status: 401, why: "it has no signature of Slack's form" };
  }
  const timestamp = headers["x-slack-request-timestamp"];
  if (typeof timestamp !== "string" || !/^\d{1,12}$/.test(timestamp)) {
    return { status: 401, why: "it has no time" };
  }
  const aheadSeconds = Number(timestamp) - now.getTime() / 1000;
  if (aheadSeconds < -toleranceSeconds) return { status: 401, why: "it is more than five minutes old" };
  if (aheadSeconds > toleranceSeconds) return { status: 401, why: "it is from more than five minutes ahead" };
  return null;
}

/** How far a clock may differ from Slack's: five minutes, as Slack asks. Not ahead either: a future signature could be used later. */
const toleranceSeconds = 300;

/** How long a signature could be replayed: while its time is within the tolerance. */
const rememberMs = 2 * toleranceSeconds * 1000;

export interface SeenRequests {
  /** True the first time that this signature or id arrives. */
  isNew(signature: string): Promise<boolean>;
  isNewHere(signature: string): boolean;
}

/**
 * Remembers requests in the ledger, for all processes. Without the ledger only this process's memory counts: no request
 * can change anything then.
 * @param withinMs an acknowledgement must not wait for a silent ledger (`seenBefore` of the deadlines)
 */
export function seenRequests(ledger: Pick<TurnLedger, "takeTurn">, withinMs = usualDeadlines.seenBefore): SeenRequests {
  const own = new NewestNames();
  const isNew = async (name: string) => {
    if (!own.add(name)) return false;
    const first = ledger.takeTurn(name, rememberMs).catch(() => true);
    return withinTime(first, withinMs, true);
  };
  return { isNew: (signature) => isNew(nameOf(signature)), isNewHere: (signature) => own.add(nameOf(signature)) };
}

function nameOf(signature: string): string {
  return `slack:${hash("sha256", signature, "base64url")}`;
}

/** The newest five to ten thousand names. It drops five thousand at a time, because dropping one by one is slow. */
class NewestNames {
  #newest = new Set<string>();
  #older = new Set<string>();

  /** False: it is known already. */
  add(name: string): boolean {
    if (this.#newest.has(name) || this.#older.has(name)) return false;
    if (this.#newest.size >= 5_000) [this.#older, this.#newest] = [this.#newest, new Set()];
    this.#newest.add(name);
    return true;
  }
}
