import {
  type AuditEvent,
  type BrokenChain,
  type ChainedEvent,
  type ChainVerdict,
  type Erasures,
  genesis,
  verifyChain,
} from "./audit-event.ts";
import { groupsBy } from "./collections.ts";
import { canonicalJson, digestOfEvent, type Json, type PreviewKeys, type PreviewPublicKeys } from "./seal.ts";

export interface LogVerification {
  /** Takes the next events in order. Null: nothing is wrong so far. */
  take(events: readonly ChainedEvent<object>[]): BrokenChain | null;
  /** After the last event: whether the log reaches each anchor. */
  end(): ChainVerdict;
}

/** @param base the verified beginning (`brokenLogBase`) @param anchors that people copied elsewhere */
export function verifyLog(base: Omit<LogBase, "seal">, anchors: readonly Anchor[]): LogVerification {
  let { count, hash } = base;
  // Several can be of one event: of the log, and of one that replaced it.
  const expected = groupsBy(anchors, (anchor) => anchor.count);
  const differs = (): BrokenChain | null => {
    const other = expected.get(count)?.find((anchor) => anchor.hash !== hash);
    if (!other) return null;
    return {
      type: "broken",
      sequence: count,
      message: `Event ${count} does not match the anchor ${formatAnchor(other)}.`,
    };
  };
  const atBase = beforeBase(base, anchors) ?? differs();
  return {
    take: (events) => {
      if (atBase) return atBase;
      for (const event of events) {
        const verdict = verifyChain([event], hash, count + 1, base.erasures);
        if (verdict.type === "broken") return verdict;
        count += 1;
        hash = verdict.head;
        const broken = differs();
        if (broken) return broken;
      }
      return null;
    },
    end: () => {
      if (anchors.some((anchor) => anchor.count > count)) {
        return { type: "broken", sequence: count + 1, message: `Event ${count + 1} is missing.` };
      }
      return atBase ?? { type: "whole", count, head: hash };
    },
  };
}

/** Finds an anchor of a removed event that the base does not know: the removed part can be from another log. */
function beforeBase({ count, anchors: known }: Omit<LogBase, "seal">, anchors: readonly Anchor[]): BrokenChain | null {
  const met = new Set([{ count: 0, hash: genesis }, ...known].map(formatAnchor));
  const stray = anchors.find((anchor) => anchor.count < count && !met.has(formatAnchor(anchor)));
  if (!stray) return null;
  return { type: "broken", sequence: stray.count, message: unsignedBeginning(count) };
}

/** The chain value after `count` events. A copy elsewhere reveals a log that was replaced as a whole. */
export interface Anchor {
  /** Events since the beginning, removed ones included. */
  readonly count: number;
  /** SHA-256, hex. */
  readonly hash: string;
}

/** The beginning of a log: the chain value after the newest removed event; count 0: none was removed. */
export interface LogBase extends Anchor {
  /** Anchors of removed events that people may hold. Each was on the chain when its event was removed. */
  readonly anchors: readonly Anchor[];
  /** Absent: none. */
  readonly erasures?: Erasures;
  /** The worker's, over all fields above; null: nothing was removed or erased. */
  readonly seal: string | null;
}

export function formatAnchor({ count, hash }: Anchor): string {
  return `${count}:${hash}`;
}

/** Reads `COUNT:HASH`; null: the text has another form. */
export function readAnchor(text: string): Anchor | null {
  const [, count, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  return count && hash ? { count: Number(count), hash } : null;
}

/** Signs the audit log's beginning. The caller has verified every removed event. */
export function sealLogBase(base: Omit<LogBase, "seal">, keys: PreviewKeys): LogBase {
  return { ...base, seal: keys.seal("log-base", baseValue(base)) };
}

/** What is wrong with the beginning of a log; null: it is complete, or the worker signed the removal. */
export function brokenLogBase(base: LogBase, keys: PreviewPublicKeys): BrokenChain | null {
  const isWhole = base.count === 0 && base.hash === genesis && !base.erasures?.size;
  if (isWhole || keys.isSealed("log-base", baseValue(base), base.seal)) return null;
  return { type: "broken", sequence: base.count, message: unsignedBeginning(base.count) };
}

const unsignedBeginning = (count: number) => `The log begins after event ${count} without the worker's signature.`;

function baseValue({ count, hash, anchors, erasures }: Omit<LogBase, "seal">): Json {
  const places = anchors.map(({ count, hash }: Anchor) => ({ count, hash }));
  return { count, hash, anchors: places, ...(erasures?.size && { erasures: Object.fromEntries(erasures) }) };
}

/** Recognises a person in a text: their Slack user id, and other texts that only they have, such as an e-mail address. Matches whole words. */
export function personPattern(texts: readonly [string, ...string[]]): RegExp {
  const escaped = texts.map((text) =>
    JSON.stringify(text)
      .slice(1, -1)
      .replace(/[.*+?^${}()|[\]\\]/g, "\\$&"),
  );
  return new RegExp(`(?<![A-Za-z0-9])(?:${escaped.join("|")})(?![A-Za-z0-9])`, "u");
}

/** The events with an actor who asked, for themselves or for the `requester` of the detail. */
const askingEvents: readonly string[] = ["request.created", "emergency.taken"];

/** The fields of the review report. All others can name the person, or have their words. */
const keptFields = ["level", "groups", "cause", "requester", "approvers"] as const;

/** The rest of an event, and the digest of the whole one in the chain. */
export type ErasedEvent = { readonly event: AuditEvent; readonly digest: string };

/** Finds the events of a person, or of their requests. Takes all events in order: the first event of a request names its person. */
export class PersonEraser {
  readonly #own: Set<string>;
  readonly #person: RegExp;
  readonly #pseudonym: string;

  /** @param requests ids of their known requests @param pseudonym their name in the log afterwards */
  constructor(person: RegExp, requests: readonly string[], pseudonym: string) {
    this.#own = new Set(requests);
    this.#person = person;
    this.#pseudonym = pseudonym;
  }

  /** Null: the event stays as it is. */
  take({ event, erased }: ChainedEvent): ErasedEvent | null {
    const { type, actor, request, detail } = event;
    const requester = typeof detail.requester === "string" ? detail.requester : actor;
    if (askingEvents.includes(type) && this.#person.test(requester)) this.#own.add(request);
    const text = canonicalJson(event as unknown as Json);
    if (!this.#own.has(request) && !this.#person.test(text)) return null;
    const left = this.#leftOf(event);
    const isNew = canonicalJson(left as unknown as Json) !== text;
    return isNew ? { event: left, digest: erased ?? digestOfEvent(event) } : null;
  }

  #leftOf({ type, at, actor, request, cluster, detail }: AuditEvent): AuditEvent {
    const kept = keptFields.flatMap((name) =>
      detail[name] === undefined ? [] : [[name, this.#without(detail[name])]],
    );
    return { type, at, actor: this.#text(actor), request, cluster, detail: Object.fromEntries(kept) };
  }

  #without(value: Json): Json {
    if (Array.isArray(value)) return value.map((each: Json) => this.#without(each));
    return typeof value === "string" ? this.#text(value) : null;
  }

  #text(text: string): string {
    return this.#person.test(text) ? this.#pseudonym : text;
  }
}
