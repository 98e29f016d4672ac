import type { EndRefusal } from "../../access/lease/may-revoke.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { formatDuration } from "../../access/request/duration.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import type { RequestReading } from "../../access/request/request-line.ts";
import type { Message } from "../blocks/message.ts";
import {
  code,
  codeBlock,
  cut,
  mention,
  mentions,
  plainLine,
  preformatted,
  section,
  time,
  told,
} from "../blocks/mrkdwn.ts";
import { stateOf } from "../blocks/words.ts";

/** An answer that only the person who asked sees. */
export function answer(said: string): Message {
  const text = cut(said, 3000);
  return { text, blocks: [section(text)] };
}

export function requestedAnswer(request: AccessRequest): Message {
  if (request.refusal) return answer(`Nothing was requested. ${plainLine(request.refusal.message)}`);
  return answer(
    `Request ${code(request.id)} is recorded: ${code(request.level)} on ${code(request.cluster)} for ${code(request.principal)}, ` +
      `for ${formatDuration(request.durationSeconds)}${ticketWords(request)}. Reason: ${plainLine(request.reason)}\n` +
      "A worker checks the cluster, then the approvers are asked. You get a message.",
  );
}

function ticketWords({ ticket }: AccessRequest): string {
  return ticket === null ? "" : `, ticket ${code(ticket)}`;
}

export function mistakesAnswer(reading: Extract<RequestReading, { type: "mistakes" }>): Message {
  const understood =
    reading.understood.length > 0 ? ` Understood: ${plainLine(reading.understood.join(", "), 1400)}` : "";
  const parts = [
    cut(`Nothing was requested.${understood}`, 1500),
    ...reading.mistakes.map((mistake) => `✗ *${mistake.part}*: ${plainLine(mistake.message, 1400)}`),
    "Copy this line:",
  ];
  const text = `${parts.join("\n")}\n${codeBlock(reading.corrected)}`;
  return { text, blocks: [...parts.map(section), preformatted(reading.corrected)] };
}

export function noSuchRequestAnswer(id: string): Message {
  return answer(
    id ? `There is no request ${code(id)}. Look at its message for the id.` : "Say which request, by its id.",
  );
}

/** Slack does not wait any longer, and it is not known what comes of it. */
export function notRecordedYetAnswer(): Message {
  return answer(
    ":hourglass_flowing_sand: This takes longer than usual and is not saved yet. The answer follows. Check `/eks-access list` before you try again.",
  );
}

/** No rule of the policy names this person. */
export function nothingOfferedAnswer(): Message {
  return answer("You can't request any cluster now: the policy names none for you, or all are closed.");
}

/** A denial without a reason, or with a longer one than can be shown, is none yet. */
export function missingReasonAnswer(id: string, length: number, most: number): Message {
  const line = code(`/eks-access deny ${id} <why>`);
  return answer(
    length > most
      ? `Nothing was denied: the reason has ${length} characters, and ${most} are the most.`
      : `Nothing was denied. Give a reason, so that the requester knows what to do instead. ${line}`,
  );
}

export function deniedAnswer(id: string): Message {
  return answer(`Request ${code(id)} is denied. The requester gets your reason.`);
}

export function notYoursToExtendAnswer({ id, requester }: AccessRequest): Message {
  return answer(`Only ${mention(requester)} can ask to extend ${code(id)}.`);
}

export function extensionAnswer(request: AccessRequest, extended: AccessRequest): Message {
  if (request.refusal) return requestedAnswer(request);
  return answer(
    `Requested: extend ${code(extended.id)} until ${time(request.until ?? "")} (${code(request.id)}). I'll DM you. ` +
      `Without an approval it ends ${time(extended.lease?.endsAt ?? extended.lapsesAt)}.`,
  );
}

/** What a revocation or a cancellation set off. */
/** @param extensions ids of leases that extend it, and end with it */
export function endedAnswer(after: AccessRequest, extensions: readonly string[] = []): Message {
  if (after.state === "cancelled") return answer(`Request ${code(after.id)} is cancelled.`);
  if (extensions.length > 0) {
    const ids = extensions.map((id) => code(id)).join(", ");
    return answer(`Revoking ${code(after.id)} and what extends it: ${ids}. The messages of the requests will confirm.`);
  }
  return answer(`${code(after.id)} is being revoked. The request's message will confirm.`);
}

export function endRefusedAnswer(refusal: EndRefusal, request: AccessRequest, cluster: Cluster): Message {
  const who = mentions([...new Set([request.requester, ...cluster.approvers, ...cluster.onCall])]);
  const reasons: Readonly<Record<EndRefusal, string>> = {
    "not-active": `There is nothing to revoke. ${stateOf(request)}.`,
    "not-pending": `It can't be cancelled any more. ${stateOf(request)}.`,
    "not-yours":
      request.state === "pending"
        ? `Only ${mention(request.requester)} can cancel it.`
        : `Only ${who} can revoke this.`,
    "ending-already": `It is being revoked already. ${stateOf(request)}.`,
  };
  return answer(reasons[refusal]);
}

export function failureAnswer(sentence: string): Message {
  return answer(`:warning: ${told(sentence, 2900)}`);
}
