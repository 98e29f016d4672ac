import { hash } from "node:crypto";
import { isMigration, type LedgerRecord } from "../../access/lists.ts";
import { canonicalJson, type Json } from "../../access/seal.ts";
import type { Config } from "../../config/config.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { DirectMessages, MessageRef, ShownMessages } from "../../ledger/stored.ts";
import type { MessageUpdates } from "./message-updates.ts";

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
