import { isPermanent } from "../access/request/duration.ts";
import type { AccessRequest } from "../access/request/record.ts";

/** What has to hold between a person in Slack and their pods, in this order: each link needs the ones before it. */
export const linkNames = [
  "worker",
  "creator",
  "cluster",
  "api-server",
  "write",
  "mode",
  "document",
  "entries",
  "you",
  "pods",
  "leases",
  "drift",
] as const;
export type LinkName = (typeof linkNames)[number];

/** What was found at one link. Values to read or to copy stand between backticks, times as ISO 8601. */
export interface Finding {
  /** `not asked`: an earlier link broke, or there is nobody to ask about. Never read as a yes. */
  readonly result: "yes" | "no" | "not asked";
  /** What was found, and where: a clause without a full stop. */
  readonly detail: string;
  /** How to mend it, in one sentence; null where there is nothing to mend. */
  readonly mend: string | null;
}

export interface Link extends Finding {
  readonly name: LinkName;
  /** How long it took, in milliseconds; null where nothing was asked. */
  readonly ms: number | null;
}

export function found(detail: string): Finding {
  return { result: "yes", detail, mend: null };
}

export function broken(detail: string, mend: string): Finding {
  return { result: "no", detail, mend };
}

export function notAsked(detail: string, mend: string | null = null): Finding {
  return { result: "not asked", detail, mend };
}

/** A value as it is to be read or copied, whatever it holds. */
export function named(value: string): string {
  return `\`${value.replaceAll("`", "'")}\``;
}

/** Some of many values, in the order given; what is left out is counted. */
export function someOf(values: readonly string[], most = 5): string {
  const shown = values.slice(0, most).map(named);
  const left = values.length - shown.length;
  return [...shown, ...(left > 0 ? [`${left} more`] : [])].join(", ");
}

export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

/** Links that others do not need: the chain goes on behind them. */
const sideLinks: readonly LinkName[] = ["write", "pods", "leases"];

/** When a lease is over, as a clause; a permanent one has no end that anybody would read. */
export function untilWords({ durationSeconds, lease }: AccessRequest): string {
  if (isPermanent(durationSeconds)) return "until somebody takes it away";
  return lease ? `until ${lease.endsAt}` : "";
}

/** Somebody else's words as a sentence of ours; nothing stays nothing. */
export function sentence(words: string): string {
  return words.replace(/\s*\.?\s*$/, words.trim() ? "." : "");
}

/** The whole chain in its order: a link that nobody came to says behind which one. */
export function completeChain(links: readonly Link[]): readonly Link[] {
  const taken = new Map(links.map((link) => [link.name, link]));
  let last = "no worker answered";
  return linkNames.map((name) => {
    const link = taken.get(name) ?? { name, ms: null, ...notAsked(last) };
    const isEnd = taken.has(name) && link.result !== "yes" && !sideLinks.includes(name);
    if (isEnd) last = endsAt(name);
    return link;
  });
}

function endsAt(name: LinkName): string {
  return `the chain ends at ${linkWords[name]}`;
}

/** What does not hold: links behind which others were asked all the same, and the one at which the chain ends. */
export function brokenIn(links: readonly Link[]): {
  readonly beside: readonly LinkName[];
  readonly end: LinkName | null;
} {
  const broken = links.filter(({ result }) => result === "no").map(({ name }) => name);
  const end = broken.find((name) => links.some(({ ms, detail }) => ms === null && detail === endsAt(name))) ?? null;
  return { beside: broken.filter((name) => name !== end), end };
}

/** What people read for each link. */
export const linkWords: Readonly<Record<LinkName, string>> = {
  worker: "the worker's identity",
  creator: "the creator",
  cluster: "EKS",
  "api-server": "the API server",
  write: "the right to write",
  mode: "the authentication mode",
  document: "the document",
  entries: "the access entries",
  you: "you",
  pods: "your pods",
  leases: "your leases",
  drift: "drift",
};
