import type { AccessRequest } from "../../access/request/record.ts";
import type { Message } from "../blocks/message.ts";
import { code, time } from "../blocks/mrkdwn.ts";
import { answer } from "./answers.ts";

/** One person has asked for as much as one may in this time. */
export function tooManyAnswer(what: "requests" | "questions", most: number, again: Date): Message {
  return answer(
    `:hourglass: You have sent ${most} ${what} in a short time. You can send more at ${time(again.toISOString())}.`,
  );
}

/** As many requests of one person wait as may. */
export function tooManyPendingAnswer(
  most: number,
  pending: readonly Pick<AccessRequest, "id" | "lapsesAt">[],
): Message {
  const [first] = pending.map(({ lapsesAt }) => lapsesAt).toSorted();
  const ids = pending.map(({ id }) => code(id)).join(", ");
  const until = first ? ` The first of them expires at ${time(first)}.` : "";
  return answer(
    `:hourglass: Nothing was requested: ${most} of your requests wait for a decision already (${ids}). Cancel one, or ask again when one is decided.${until}`,
  );
}

/** The very same request waits already. */
export function alreadyAskedAnswer({ id, lapsesAt }: Pick<AccessRequest, "id" | "lapsesAt">): Message {
  return answer(
    `You have asked for exactly this already: ${code(id)} waits for a decision. It expires at ${time(lapsesAt)}.`,
  );
}
