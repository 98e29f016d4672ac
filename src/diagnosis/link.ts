import { z } from "zod";
import { type Immutable, isPermanent } from "../access/lease/lease-record.ts";
import type { RunIdentities } from "../access/policy/creator.ts";
import type { AccessRequest } from "../access/record.ts";

/** The steps between a person in Slack and their pods, in order: each needs the ones before it. */
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

/** The result of one step. Backticks mark values to read or copy. Times are ISO 8601. */
export type Finding = Immutable<z.output<typeof findingForm>>;
export const marks: Readonly<Record<Finding["result"], string>> = { yes: "✓", no: "✗", "not asked": "–" };
const findingForm = z.object({
  /** `not asked`: an earlier step failed, or there is no identity to ask about. Never a yes. */
  result: z.enum(["yes", "no", "not asked"]),
  /** What was found, and where: a clause without a full stop. */
  detail: z.string(),
  /** How to fix it, in one sentence; null where there is nothing to fix. */
  remedy: z.string().nullable(),
});

export type Link = Immutable<z.output<typeof chainLinkForm>>;
export const chainLinkForm = findingForm.extend({
  name: z.enum(linkNames),
  /** Whether it was reached: otherwise the detail names the step that it needs. */
  isReached: z.boolean(),
});

export function found(detail: string): Finding {
  return { result: "yes", detail, remedy: null };
}

export function broken(detail: string, remedy: string): Finding {
  return { result: "no", detail, remedy };
}

export function notAsked(detail: string, remedy: string | null = null): Finding {
  return { result: "not asked", detail, remedy };
}

export function named(value: string): string {
  return `\`${value.replaceAll("`", "'")}\``;
}

/** The first of many values, and the count of the rest. */
export function someOf(values: readonly string[], most = 5): string {
  const shown = values.slice(0, most).map(named);
  const left = values.length - shown.length;
  return [...shown, ...(left > 0 ? [`${left} more`] : [])].join(", ");
}

export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

const sideLinks: readonly LinkName[] = ["write", "pods", "leases"];

export function untilWords({ durationSeconds, lease }: AccessRequest): string {
  if (isPermanent(durationSeconds)) return "until revoked";
  return lease ? `until ${lease.endsAt}` : "";
}

/** A text as a sentence, with a capital and a full stop; an empty text stays empty. */
export function sentence(words: string): string {
  return words.trim() && `${words.trimEnd().replace(/\.$/, "").trimEnd()}.`;
}

export function completeChain(links: readonly Link[], cluster: Operated): readonly Link[] {
  const taken = new Map(links.map((link) => [link.name, link]));
  let last = "no worker answered";
  return linkNames.map((name) => {
    const link = taken.get(name) ?? { name, isReached: false, ...notAsked(last) };
    if (taken.has(name) && link.result !== "yes" && !sideLinks.includes(name)) last = endsAt(name, cluster);
    return link;
  });
}

function endsAt(name: LinkName, cluster: Operated): string {
  return `needs ${name === "you" ? "your sign-in" : linkWords(name, cluster)}`;
}

/** The failed steps: those that no later step needs, and the one that stops the rest. */
export function brokenIn(
  links: readonly Link[],
  cluster: Operated,
): { readonly beside: readonly LinkName[]; readonly end: LinkName | null } {
  const broken = links.filter(({ result }) => result === "no").map(({ name }) => name);
  const isEnd = (name: LinkName) =>
    links.some(({ isReached, detail }) => !isReached && detail === endsAt(name, cluster));
  const end = broken.find(isEnd) ?? null;
  return { beside: broken.filter((name) => name !== end), end };
}

export function linkWords(name: LinkName, { operator }: Operated): string {
  return name === "creator" && operator ? "the operator" : words[name];
}

type Operated = Pick<RunIdentities, "operator">;

const words: Readonly<Record<LinkName, string>> = {
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
