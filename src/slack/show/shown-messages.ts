import { hash } from "node:crypto";
import { WebAPIRateLimitedError, type WebClient } from "@slack/web-api";
import { z } from "zod";
import { putNewest } from "../../access/collections.ts";
import { isMigration, type LedgerRecord } from "../../access/lists.ts";
import { canonicalJson, type Json } from "../../access/seal.ts";
import type { Config } from "../../config/config.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { MessageLedger } from "../../ledger/messages.ts";
import type { DirectMessages, MessageRef, ShownMessages } from "../../ledger/stored.ts";
import { isGone, observedFetch } from "../app/web-client.ts";
import type { Message } from "./message.ts";

/** A click in a message that is not for one person alone: only those follow a record. */
const clickForm = z.object({
  container: z.object({
    type: z.literal("message"),
    channel_id: z.string(),
    message_ts: z.string(),
    is_ephemeral: z.literal(false).optional(),
  }),
  response_url: z.string(),
});

/** Where a person clicked; null: only they see it. */
export function placeOfClick(body: object): MessageRef | null {
  const { container } = clickForm.safeParse(body).data ?? {};
  return container ? { channel: container.channel_id, ts: container.message_ts } : null;
}

/** https://docs.slack.dev/interactivity/handling-user-interaction#message_responses */
const lifetimeMs = 30 * 60_000;
const maxUses = 5;

/** More clicks than people make in half an hour. */
const maxClicked = 1_000;
/** More messages than change within the tries of a job. */
const maxWritten = 10_000;

interface Click {
  /** A secret: with it, anyone can change the message. */
  readonly url: string;
  readonly until: number;
  left: number;
}

/** More than are open, or were just now. */
const maxKnown = 1_000;

/** A record as this process showed it last. If a restored Redis lacks it, or its messages, nothing else knows where they are. */
export interface KnownCard {
  readonly record: LedgerRecord;
  readonly shown: ShownMessages;
  /** Its buttons are gone. */
  readonly isLost: boolean;
}

/**
 * Changes messages. While Slack limits the rate of updates, a message that someone clicked is changed with the `response_url` of the
 * click, which has no such limit. So no one clicks a button that was handled. Only the memory of this process has these addresses.
 */
export class MessageUpdates {
  readonly #client: Pick<WebClient, "chat">;
  #limitedUntil = 0;
  /** By the message's place, the oldest first. */
  readonly #clicks = new Map<string, Click>();
  /**
   * What each message shows, as a digest, until all of its record is shown: a job that comes back spends Slack's next update on what is
   * still missing. Later another process can write.
   */
  readonly #written = new Map<string, string>();
  /** By the record's id, the oldest first. */
  readonly known = new Map<string, KnownCard>();
  /** By the record's id: the entries of its thread that Slack has and Redis did not take. Another try would send them again. */
  readonly #replied = new Map<string, readonly string[]>();

  /** @param client fails when Slack limits the rate */
  constructor(client: Pick<WebClient, "chat">) {
    this.#client = client;
  }

  /** Whether Slack limits updates now, and this message can change all the same. */
  noteClick(body: object): boolean {
    const click = clickForm.safeParse(body).data;
    if (!click) return false;
    const { container, response_url: url } = click;
    const now = Date.now();
    const place = placeOf({ channel: container.channel_id, ts: container.message_ts });
    putNewest(this.#clicks, place, { url, until: now + lifetimeMs, left: maxUses }, maxClicked);
    for (const [oldest, { until }] of this.#clicks) {
      if (until > now) break;
      this.#clicks.delete(oldest);
    }
    return now < this.#limitedUntil;
  }

  /** Some of a record's messages show it, and the others have a place. */
  remember(record: LedgerRecord, shown: ShownMessages): void {
    putNewest(this.known, record.id, { record, shown, isLost: false }, maxKnown);
  }

  /** Remembers entries of a thread, first without Redis. @param names besides those that Redis did not take before */
  async rememberReplies(
    { addThreadEntries }: Pick<MessageLedger, "addThreadEntries">,
    id: string,
    names: readonly string[],
  ): Promise<void> {
    const all = [...(this.#replied.get(id) ?? []), ...names];
    if (all.length === 0) return;
    putNewest(this.#replied, id, all, maxKnown);
    await addThreadEntries(id, all);
    this.#replied.delete(id);
  }

  /** All messages of a record are shown. @param places theirs */
  noteShown(places: readonly MessageRef[]): void {
    for (const ref of places) this.#written.delete(placeOf(ref));
  }

  /** The limit that keeps Slack from updating any of these now; null: there is none, or someone clicked one of them. */
  limitOf(places: readonly MessageRef[]): WebAPIRateLimitedError | null {
    if (Date.now() >= this.#limitedUntil || places.some((ref) => this.#clicks.has(placeOf(ref)))) return null;
    return this.#limit();
  }

  /** @param version the record's @throws WebAPIRateLimitedError with the time until Slack takes updates again, or as the client */
  async update(ref: MessageRef, message: Message, version: number): Promise<void> {
    const place = placeOf(ref);
    const digest = hash("sha256", JSON.stringify([version, message]), "base64");
    if (this.#written.get(place) === digest) return;
    // Without an answer, no one knows what it shows.
    this.#written.delete(place);
    const limited = await this.#call(ref, message).catch(async (error: unknown) => {
      // Outside the channel the bot can still change a message that someone clicked. Its people get direct messages all the same.
      if (isGone(error)) await this.#replace(place, message);
      throw error;
    });
    if (limited && !(await this.#replace(place, message))) throw limited;
    putNewest(this.#written, place, digest, maxWritten);
  }

  /** The limit that keeps Slack from updating it; null: it is updated. */
  async #call({ channel, ts }: MessageRef, message: Message): Promise<WebAPIRateLimitedError | null> {
    if (Date.now() >= this.#limitedUntil) {
      try {
        await this.#client.chat.update({ channel, ts, ...message });
        return null;
      } catch (error) {
        if (!(error instanceof WebAPIRateLimitedError)) throw error;
        this.#limitedUntil = Date.now() + error.retryAfter * 1000;
      }
    }
    return this.#limit();
  }

  #limit(): WebAPIRateLimitedError {
    return new WebAPIRateLimitedError((this.#limitedUntil - Date.now()) / 1000);
  }

  /** False: there is no address that works. */
  async #replace(place: string, message: Message): Promise<boolean> {
    const click = this.#clicks.get(place);
    if (!click) return false;
    if (click.left > 0 && Date.now() < click.until) {
      click.left -= 1;
      const headers = { "content-type": "application/json" };
      const body = JSON.stringify({ replace_original: true, ...message });
      // An error can hold the address.
      const answer = await observedFetch(click.url, { method: "POST", headers, body }).catch(() => null);
      if (answer?.ok) return true;
    }
    this.#clicks.delete(place);
    return false;
  }
}

function placeOf({ channel, ts }: MessageRef): string {
  return `${channel} ${ts}`;
}

export const nothingShown: ShownMessages = { version: 0, message: null, copies: [], direct: null, milestones: [] };

/** Whether its cluster left eks-access.yml since the last update of the messages, or came back. */
export function isMoved({ isRemoved = false }: ShownMessages, cluster: string, { clusters }: Pick<Config, "clusters">) {
  return isRemoved === clusters.has(cluster);
}

/** Comes before their messages change: if this process dies after that, the next one must not take them for shown. */
export async function noteMoved(
  context: Showing & { readonly config: Pick<Config, "clusters"> },
  record: LedgerRecord,
  shown: ShownMessages,
): Promise<void> {
  if (isMoved(shown, record.cluster, context.config)) await rememberShown(context, record, { ...shown, version: 0 });
}

export function placesIn({ message, copies, direct, asker }: ShownMessages): readonly MessageRef[] {
  return [message, direct, asker?.direct ?? null, ...copies].filter((place) => place !== null);
}

/** Whether the messages show this record, as this process reads it. */
export function isShown({ version, digest }: ShownMessages, record: LedgerRecord): boolean {
  return version === record.version && digest === digestOf(record);
}

function digestOf(record: LedgerRecord): string {
  return hash("sha1", JSON.stringify(record));
}

/** A migration's number can come twice. A lease that the cluster remembers comes back as if it were asked for then. */
export function isSame(known: LedgerRecord, record: LedgerRecord): boolean {
  return !isMigration(record) || known.createdAt === record.createdAt;
}

interface Showing {
  readonly ledger: Pick<Ledger, "shown" | "markShown">;
  readonly updates: MessageUpdates;
}

/** The messages of a record: as Redis has them, with those that this process made and a restored Redis lost. */
export async function shownNow({ ledger, updates }: Showing, record: LedgerRecord): Promise<ShownMessages> {
  const stored = (await ledger.shown(record.id)) ?? nothingShown;
  const known = updates.known.get(record.id);
  if (!known || !isSame(known.record, record)) return stored;
  const { message, direct, copies, asker } = known.shown;
  const isWhole = (stored.message || !message) && (stored.direct || !direct);
  // Redis may not have taken what an earlier try to show this record sent.
  const isAgain = digestOf(known.record) === digestOf(record);
  const others = copies.filter(({ user }) => !stored.copies.some((copy) => copy.user === user));
  return {
    ...stored,
    version: isWhole ? stored.version : 0,
    message: stored.message ?? message,
    ...directNow(stored, known.shown, isAgain),
    copies: isAgain || stored.copies.length === 0 ? [...stored.copies, ...others] : stored.copies,
    ...(asker && { asker: directNow(stored.asker ?? nothingShown, asker, isAgain) }),
  };
}

function directNow(stored: DirectMessages, { direct, milestones }: DirectMessages, isAgain: boolean): DirectMessages {
  if (!stored.direct) return { direct, milestones };
  const also = isAgain ? milestones.filter((name) => !stored.milestones.includes(name)) : [];
  return { direct: stored.direct, milestones: [...stored.milestones, ...also] };
}

/** Remembers messages of a record, first without Redis. */
export async function rememberShown(context: Showing, record: LedgerRecord, shown: ShownMessages): Promise<void> {
  context.updates.remember(record, shown);
  await context.ledger.markShown(record.id, shown);
}

/** The messages show the record. A process that stood still, or a call that was late, can still write an older one. */
export async function noteShown(context: Showing, record: LedgerRecord, messages: ShownMessages): Promise<void> {
  const shown = { ...messages, version: record.version, digest: digestOf(record) };
  await rememberShown(context, record, shown);
  context.updates.noteShown(placesIn(shown));
}

/** Marks over nothing that another process marked since this job's read: its messages would be posted again. The next try reads anew. */
export function unlessChanged(ledger: Ledger): Ledger {
  const contentOf = ({ seal: _, ...shown }: ShownMessages) => canonicalJson(shown as unknown as Json);
  let known = "";
  return {
    ...ledger,
    shown: async (id) => {
      const shown = await ledger.shown(id);
      known = shown ? contentOf(shown) : "";
      return shown;
    },
    markShown: async (id, shown) => {
      const last = await ledger.shown(id);
      if (last && contentOf(last) !== known) throw new Error("another process has shown the record meanwhile");
      await ledger.markShown(id, shown);
      known = contentOf(shown);
    },
  };
}
