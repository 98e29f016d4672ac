import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { AccessRequest } from "../../access/request/record.ts";
import type { RequestWish } from "../../access/request/request-line.ts";
import type { SlackContext } from "../app/context.ts";
import type { Message } from "../blocks/message.ts";
import { code, time } from "../blocks/mrkdwn.ts";
import { answer } from "./answers.ts";

/**
 * Counts one more of these of a person, for all Slack processes together. Null: there is room. The time is cut into equal parts, so that
 * the answer can say when there is room again.
 */
export async function refuseTooMany(
  { ledger, config, now }: SlackContext,
  user: string,
  what: "requests" | "questions",
): Promise<Message | null> {
  const { everySeconds, [what]: most } = config.limits;
  const part = Math.floor(now().getTime() / 1000 / everySeconds);
  if (await ledger.takeTurn(`${what}-${user}-${part}`, everySeconds * 1000, most)) return null;
  return tooManyAnswer(what, most, new Date((part + 1) * everySeconds * 1000));
}

/** How long the same request is looked for that is being recorded at this moment. In milliseconds. */
const recording = { everyMs: 100, times: 10, forMs: 5_000 };

/**
 * Whether a person may ask for this now: not for the very same twice, and not for more than can be decided. Null: they may.
 *
 * @param extended the id of the lease that it would extend
 */
export async function refuseToAsk(
  context: SlackContext,
  requester: string,
  wish: RequestWish,
  extended: string | null = null,
): Promise<Message | null> {
  const pending = await pendingOf(context, requester);
  const same =
    pending.find((request) => isSame(request, wish, extended)) ?? (await sameOfNow(context, requester, wish, extended));
  if (same) return alreadyAskedAnswer(same);
  const most = context.config.limits.pending;
  if (pending.length >= most) return tooManyPendingAnswer(most, pending);
  return refuseTooMany(context, requester, "requests");
}

/** Of more than may wait, the first are enough to say so. */
async function pendingOf({ ledger, config }: SlackContext, requester: string): Promise<readonly AccessRequest[]> {
  const own = { list: "pending", clusters: [], requester, match: "any" } as const;
  return (await ledger.list(own, 0, Math.max(config.limits.pending, 1))).requests;
}

/** Two clicks at once find nothing of each other in the ledger: one of them takes the turn, and the other waits for its record. */
async function sameOfNow(
  context: SlackContext,
  requester: string,
  wish: RequestWish,
  extended: string | null,
): Promise<AccessRequest | null> {
  const name = createHash("sha256")
    .update(JSON.stringify([requester, ...partsOf(wish), extended]))
    .digest("base64url");
  if (await context.ledger.takeTurn(`same-${name}`, recording.forMs)) return null;
  for (let time = 0; time < recording.times; time += 1) {
    const same = (await pendingOf(context, requester)).find((request) => isSame(request, wish, extended));
    if (same) return same;
    await pause(recording.everyMs);
  }
  return null;
}

function partsOf({ cluster, level, principal, durationSeconds, ticket, reason }: RequestWish): readonly unknown[] {
  return [cluster.name, level.name, principal.arn, durationSeconds, ticket, reason];
}

function isSame(request: AccessRequest, wish: RequestWish, extended: string | null): boolean {
  const { cluster, level, principal, durationSeconds, ticket, reason } = request;
  const parts = [cluster, level, principal, durationSeconds, ticket, reason];
  return request.extends === extended && JSON.stringify(parts) === JSON.stringify(partsOf(wish));
}

/** One person has asked for as much as one may in this time. */
function tooManyAnswer(what: "requests" | "questions", most: number, again: Date): Message {
  return answer(
    `:hourglass: You have sent ${most} ${what} in a short time. You can send more at ${time(again.toISOString())}.`,
  );
}

/** As many requests of one person wait as may. */
function tooManyPendingAnswer(most: number, pending: readonly Pick<AccessRequest, "id" | "lapsesAt">[]): Message {
  const [first] = pending.map(({ lapsesAt }) => lapsesAt).toSorted();
  const ids = pending.map(({ id }) => code(id)).join(", ");
  const until = first ? ` The first of them expires at ${time(first)}.` : "";
  return answer(
    `:hourglass: Nothing was requested: ${most} of your requests wait for a decision already (${ids}). Cancel one, or ask again when one is decided.${until}`,
  );
}

/** The very same request waits already. */
function alreadyAskedAnswer({ id, lapsesAt }: Pick<AccessRequest, "id" | "lapsesAt">): Message {
  return answer(
    `You have asked for exactly this already: ${code(id)} waits for a decision. It expires at ${time(lapsesAt)}.`,
  );
}
