import type { FailureCode } from "../../access/access-error.ts";
import type { CodedReason, Trouble } from "../../access/lease/lease-record.ts";
import type { AccessRequest } from "../../access/record.ts";
import { isClusterFailure, isEndFailing } from "../../access/retry.ts";
import { code, styled, time } from "./mrkdwn.ts";

/** A sentence inside another one: without its full stop. */
export function asClause(sentence: string, maxLength = 600): string {
  return styled(sentence.replace(/\.$/, ""), maxLength);
}

/** Failures of a write besides AWS's that only an operator can fix. */
const forOperators: readonly string[] = [
  "cluster-refused-write",
  "document-immutable",
  "document-changed",
  "binding-changed",
  "binding-exists",
] satisfies FailureCode[];

const maxInCard = 360;

/** What failed, for a card. Only operators need others' words and the remedy: the thread and Details have them. */
export function failureInShort({ code, message }: CodedReason, thread = "The thread"): string {
  const isTheirs = code.startsWith("aws-") || forOperators.includes(code);
  // A cut would take the remedy, which comes last.
  if (!isTheirs && message.length <= maxInCard) return asClause(message);
  const [what = ""] = message.split(/ \(|\. /, 1);
  return `${asClause(what, 120)}. ${thread} has the fix`;
}

export function troubleText({ trouble }: AccessRequest): string | null {
  return trouble && `:warning: ${triedText(trouble)}`;
}

/** On a card, the cause of a cluster's failure, or of an end that fails, would hide the request. */
export function shortTroubleText(request: AccessRequest): string | null {
  const { trouble, cluster } = request;
  if (!trouble) return null;
  const isEnd = isEndFailing(request);
  if (!isEnd && !isClusterFailure(trouble.code)) return `:warning: ${triedText(trouble, 240)}`;
  const message = isEnd ? cantEndYet : `I can't work on ${code(cluster)} now`;
  return `:warning: ${message}. ${triesText(trouble)} Details has the cause.`;
}

export const cantEndYet = "I can't remove the access now";

export function triedText(trouble: Trouble, maxLength = 600): string {
  return `${triesText(trouble)}${quotedLine(trouble.message, maxLength)}`;
}

function triesText({ attempts, retryAt }: Trouble): string {
  return `Tried ${attempts === 1 ? "once" : `${attempts} times`}; next try ${time(retryAt)}.`;
}

/** Words of a record that nothing seals, on a line of their own: who writes them into Redis does not speak as the bot. */
export function quotedLine(words: string, maxLength = 600): string {
  return `\n>${styled(words, maxLength)}`;
}

/** The same inside a line. @param styled as `asClause` does it */
export function inQuotes(styled: string): string {
  return `“${styled.replaceAll(/[“”]/g, "'")}”`;
}
