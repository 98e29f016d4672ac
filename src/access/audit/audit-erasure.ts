import type { AuditEvent, ChainedEvent } from "../audit-event.ts";
import { canonicalJson, digestOfEvent, type Json } from "../seal.ts";

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
export interface ErasedEvent {
  readonly event: AuditEvent;
  readonly digest: string;
}

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
