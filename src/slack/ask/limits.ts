import { hash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Extension } from "../../access/ask/extension.ts";
import type { RequestInput } from "../../access/ask/read-request.ts";
import { type AccessRequest, askerOf, typedFieldsOf } from "../../access/record.ts";
import type { EventLedger } from "../../ledger/audit-log.ts";
import type { RequestLedger } from "../../ledger/ledger.ts";
import type { TurnLedger } from "../../ledger/turns.ts";
import type { SlackContext } from "../app/context.ts";
import { answer, type Message } from "../show/message.ts";
import { code, oneOf, styled, time } from "../show/mrkdwn.ts";

/** Emergencies have a count of their own: no request keeps a person from one. */
type Counted = "requests" | "questions" | "emergencies";

/** Null: there is room. @param onCall who can help in an emergency */
export async function refuseTooMany(
  context: CountContext,
  user: string,
  what: Counted,
  onCall: readonly string[] = [],
): Promise<Message | null> {
  const full = await countOne(context, user, what);
  if (!full) return null;
  if (what !== "emergencies") return answer(`:hourglass: ${styled(tooManySent(what, full))}`);
  const others = oneOf(onCall.filter((each) => each !== user)) || "an approver";
  const again = time(full.again);
  return answer(`:hourglass: You took emergency access ${full.most} times. Try again at ${again}, or ask ${others}.`);
}

/** The same as a sentence of the domain. */
export async function whyTooManyQuestions(context: CountContext, user: string): Promise<string | null> {
  const full = await countOne(context, user, "questions");
  return full && tooManySent("questions", full);
}

type CountContext = Pick<SlackContext<TurnLedger>, "ledger" | "config" | "now">;

/** `again`: when the person has room again, ISO 8601. */
interface Full {
  readonly most: number;
  readonly again: string;
}

/** Counts one more for a person in all Slack processes, in fixed periods. Null: there is room. */
async function countOne({ ledger, config, now }: CountContext, user: string, what: Counted): Promise<Full | null> {
  const { everySeconds, requests, questions } = config.limits;
  const most = what === "questions" ? questions : requests;
  const part = Math.floor(now().getTime() / 1000 / everySeconds);
  if (await ledger.takeTurn(`${what}-${user}-${part}`, everySeconds * 1000, most)) return null;
  return { most, again: new Date((part + 1) * everySeconds * 1000).toISOString() };
}

const tooManySent = (what: Counted, { most, again }: Full) => `You sent ${most} ${what}. Try again at ${again}.`;

/** Milliseconds, for another process's equal request: longer than an acknowledgement, shorter than Slack's three seconds. */
const recording = { everyMs: 100, times: 10, forMs: 2_500 };

/** Also a duplicate. Null: the person may ask. @param extension the extended lease and the new end */
export async function refuseToAsk(
  context: SlackContext<RequestLedger & TurnLedger & EventLedger>,
  asker: string,
  requested: RequestInput,
  extension: Extension | null = null,
): Promise<Message | null> {
  const pending = await pendingOf(context, asker);
  const known = pending.find((request) => isSame(request, requested, extension));
  if (known) return alreadyAskedAnswer(known);
  const most = context.config.limits.pending;
  if (pending.length >= most) return tooManyPendingAnswer(most, pending);
  const same = await recordedBeside(context, [asker, ...partsOf(requested, extension)], async () =>
    (await pendingOf(context, asker)).find((request) => isSame(request, requested, extension)),
  );
  if (same) return alreadyAskedAnswer(same);
  return refuseTooMany(context, asker, "requests");
}

/** The most that wait for one person: others can ask for them too. */
const maxWaiting = 200;

/** A person's own requests. Those that others made for them do not count. */
async function pendingOf(
  { ledger, directory }: Pick<SlackContext<RequestLedger>, "ledger" | "directory">,
  asker: string,
): Promise<readonly AccessRequest[]> {
  const olderIds = await directory.idsOf(asker).catch(() => []);
  const own = { list: "pending", clusters: [], requester: asker, olderIds, match: "any" } as const;
  const { requests } = await ledger.list(own, 0, maxWaiting);
  return requests.filter((request) => [asker, ...olderIds].includes(askerOf(request)));
}

/** Of two simultaneous requests one takes the turn, and the other waits for its record. Null: none. @param what equal for both */
export async function recordedBeside(
  { ledger }: Pick<SlackContext<TurnLedger>, "ledger">,
  what: readonly unknown[],
  find: () => Promise<AccessRequest | undefined>,
): Promise<AccessRequest | null> {
  const name = hash("sha256", JSON.stringify(what), "base64url");
  if (await ledger.takeTurn(`same-${name}`, recording.forMs)) return null;
  for (let time = 0; time < recording.times; time += 1) {
    const same = await find();
    if (same) return same;
    await pause(recording.everyMs);
  }
  return null;
}

/** Extensions compare by their end: their duration from now differs with each click. */
function partsOf(requested: RequestInput, extension: Extension | null): readonly unknown[] {
  const { cluster, level, principal, durationSeconds, askedFor } = requested;
  const time = extension ? [extension.of, extension.until] : [durationSeconds];
  return [askedFor, cluster.name, level.name, principal.arn, typedFieldsOf(requested), ...time];
}

function isSame(request: AccessRequest, requested: RequestInput, extension: Extension | null): boolean {
  const { requester, cluster, level, principal, durationSeconds, extends: extended, until } = request;
  const askedFor = askerOf(request) === requester ? null : requester;
  const time = extended ? [extended, until] : [durationSeconds];
  const parts = [askedFor, cluster, level, principal, typedFieldsOf(request), ...time];
  return JSON.stringify(parts) === JSON.stringify(partsOf(requested, extension));
}

export function tooManyPendingAnswer(
  most: number,
  pending: readonly Pick<AccessRequest, "id" | "expiresAt">[],
): Message {
  const [first] = pending.map(({ expiresAt }) => expiresAt).toSorted();
  const ids = pending.map(({ id }) => code(id)).join(", ");
  const until = first ? ` The first expires ${time(first)}.` : "";
  return answer(
    `:hourglass: No request made: you already have ${most} requests waiting (${ids}). Cancel one, or ask again later.${until}`,
  );
}

export function alreadyAskedAnswer({ id, expiresAt }: Pick<AccessRequest, "id" | "expiresAt">): Message {
  return answer(`Already requested: ${code(id)} is waiting. Expires ${time(expiresAt)}.`);
}
