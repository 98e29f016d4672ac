import type { WebClient } from "@slack/web-api";
import type { Logger } from "pino";
import { type Anchor, brokenLogBase, formatAnchor, type LogBase, verifyLog } from "../../access/audit/verify-log.ts";
import type { ChainVerdict } from "../../access/audit-event.ts";
import { groupsBy } from "../../access/collections.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { ClusterTrouble } from "../../access/retry.ts";
import type { SlackKeys } from "../../access/seal.ts";
import type { AuditSettings, Config } from "../../config/config.ts";
import { type AuditLog, pagesOf, type ReadableLog } from "../../ledger/audit-log.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { TurnLedger } from "../../ledger/turns.ts";
import { startTicking, type Ticking } from "../../operations/stoppable.ts";
import { slackFailure } from "../app/web-client.ts";
import {
  causeIn,
  clustersInWords,
  isNews,
  lookAtOutages,
  namedClusters,
  namesOf,
  type OutageNews,
  type OutagesLedger,
  onCallOf,
  outageMessage,
  outageOverMessage,
  type Troubled,
} from "./call-operators.ts";
import { announcement, type Message } from "./message.ts";
import { code, plainLine, time } from "./mrkdwn.ts";

const lookEveryMs = 5_000;

export interface AnchorContext {
  readonly auditLog: ReadableLog & Pick<AuditLog, "noteAnchor">;
  readonly ledger: Pick<TurnLedger, "takeTurn">;
  readonly client: WebClient;
  readonly settings: () => AuditSettings;
  readonly keys: Pick<SlackKeys, "preview">;
  readonly log: Logger;
}

/** Posts the audit log's anchor on a schedule, from one Slack process at a time. */
export function startAnchorPoster(context: AnchorContext): Ticking {
  return startTicking(lookEveryMs, anchorPoster(context));
}

/** Remembers the last anchor in this process, which an attacker with Redis can't reach. */
function anchorPoster({ auditLog, ledger, client, settings, keys, log }: AnchorContext): () => Promise<void> {
  let seen: Anchor | null = null;
  let isOwed = false;
  return async () => {
    const { channel, anchorEverySeconds } = settings();
    if (channel === null) return;
    try {
      isOwed ||= await ledger.takeTurn("anchor", anchorEverySeconds * 1000);
      if (!isOwed) return;
      const verdict = await verifyFrom(auditLog, keys, seen);
      const anchor = verdict.type === "whole" ? { count: verdict.count, hash: verdict.head } : null;
      if (anchor) await auditLog.noteAnchor(anchor);
      await client.chat.postMessage({ channel, ...anchorMessage(verdict) });
      isOwed = false;
      seen = anchor ?? seen;
      if (verdict.type === "broken") log.error({ message: verdict.message }, "the audit log is broken");
    } catch (error) {
      log.warn({ err: slackFailure(error, `the audit channel ${channel}`) }, "could not post an anchor yet");
    }
  };
}

/** From the last anchor on: its event must be unchanged, and everything after it must follow. */
async function verifyFrom(
  auditLog: ReadableLog,
  keys: AnchorContext["keys"],
  seen: Anchor | null,
): Promise<ChainVerdict> {
  for (;;) {
    const base = await auditLog.base();
    const verdict = brokenLogBase(base, keys.preview) ?? (await verifyAfter(auditLog, base, seen));
    // A worker may just have removed old events, which looks like a gap.
    if (verdict.type === "whole" || (await auditLog.base()).count === base.count) return verdict;
  }
}

async function verifyAfter(auditLog: ReadableLog, base: LogBase, seen: Anchor | null): Promise<ChainVerdict> {
  const start = await startOf(auditLog, base, seen);
  const verification = verifyLog(start, seen ? [seen] : []);
  for await (const page of pagesOf(auditLog, start.count + 1)) {
    const broken = verification.take(page);
    if (broken) return broken;
  }
  return verification.end();
}

async function startOf(auditLog: ReadableLog, base: LogBase, seen: Anchor | null): Promise<Omit<LogBase, "seal">> {
  if (!seen || seen.count <= base.count) return base;
  const [event] = await auditLog.events(seen.count, 1);
  const { erasures = new Map() } = base;
  return { count: seen.count - 1, hash: event?.previous ?? seen.hash, anchors: [], erasures };
}

/** The anchor in the audit channel, which an attacker with Redis can't change. */
export function anchorMessage(verdict: ChainVerdict): Message {
  if (verdict.type === "broken") {
    const text = `:rotating_light: *The audit log is broken* ${plainLine(verdict.message)} Copy Redis. Compare it with ${code("eks-access audit verify")} and the anchors above.`;
    return announcement(text);
  }
  const anchor: Anchor = { count: verdict.count, hash: verdict.head };
  const text = [
    `*Audit log* whole, ${verdict.count} events. Its anchor:`,
    code(formatAnchor(anchor)),
    `Check the log against it later: ${code("eks-access audit verify --anchor COUNT:HASH")}`,
  ].join("\n");
  return announcement(text);
}

export interface TroubleContext {
  readonly ledger: Pick<Ledger, "clusterTroubles" | "revertedAt" | "takeTurn"> & OutagesLedger;
  readonly configuration: () => Pick<Config, "clusters">;
  readonly client: WebClient;
  readonly log: Logger;
  readonly now: () => Date;
}

/** A shorter trouble gets no message. */
const lastsMs = 60_000;
/** A trouble is posted once in this time, for all processes. */
const postedForMs = 30 * 24 * 3_600_000;

/** An older end is no news. */
const newsForMs = 24 * 3_600_000;

/**
 * Posts in a cluster's channel when the worker can't open it for a minute, and when it can again; when requests no longer wait for an
 * outage; and when another writer keeps reverting aws-auth.
 */
export function startTroublePoster(context: TroubleContext): Ticking {
  return startTicking(lookEveryMs, () => postAll(context));
}

type ClosedCluster = Troubled<ClusterTrouble>;

async function postAll(context: TroubleContext): Promise<void> {
  const { ledger, log, now } = context;
  const config = context.configuration();
  try {
    // Two processes at a time would each post a part of the clusters.
    if (!(await ledger.takeTurn("look-for-trouble", lookEveryMs - 1_000))) return;
    const troubles = await ledger.clusterTroubles([...config.clusters.keys()]);
    const outages = await ledger.outages();
    const ago = (time: string | Date) => now().getTime() - new Date(time).getTime();
    const begun: ClosedCluster[] = [];
    const over: ClosedCluster[] = [];
    const news: OutageNews = { begun: [], ended: [] };
    const kindOf = (name: string, { code }: ClusterTrouble) => `${config.clusters.get(name)?.channel} ${code}`;
    const open = [...troubles].filter(([, trouble]) => trouble.overAt === null);
    // An outage reaches each cluster at another second: those of the last minute join the first.
    const lasting = new Set(
      open.filter(([, { since }]) => ago(since) >= lastsMs).map(([name, trouble]) => kindOf(name, trouble)),
    );
    try {
      for (const [name, trouble] of troubles) {
        const cluster = config.clusters.get(name);
        if (!cluster) continue;
        const isBegun = trouble.overAt === null && lasting.has(kindOf(name, trouble));
        const outage = outages.get(name);
        const isKnown = isBegun && outage && !(await isNews(ledger, name, outage, trouble.code));
        if (isBegun && !isKnown && (await isNewTrouble(ledger, cluster, trouble))) begun.push({ cluster, trouble });
        const isOver = trouble.overAt !== null && ago(trouble.overAt) < newsForMs;
        if (isOver && (await isNewEnd(ledger, cluster, trouble))) over.push({ cluster, trouble });
      }
      await lookAtOutages(ledger, config.clusters, troubles, news);
    } finally {
      // After a turn is taken no other look posts them.
      await postGrouped(context, begun, codeOf, clusterTroubleMessage);
      await postGrouped(context, over, codeOf, troubleOverMessage);
      await postGrouped(context, news.begun, codeOf, outageMessage);
      await postGrouped(context, news.ended, ({ works }) => String(works), outageOverMessage);
    }
    for (const [name, at] of await ledger.revertedAt([...config.clusters.keys()])) {
      const cluster = config.clusters.get(name);
      if (cluster && ago(at) < newsForMs && (await ledger.takeTurn(`reverted-${name}`, postedForMs)))
        await postInChannel(context, cluster, revertedMessage(name));
    }
  } catch (error) {
    log.warn({ err: error }, "could not look for clusters in trouble");
  }
}

/** Takes the turn before the message: two would confuse, and the log has a lost one. */
async function isNewTrouble(ledger: TroubleContext["ledger"], cluster: Cluster, trouble: ClusterTrouble) {
  const turn = turnOf(cluster, trouble);
  await ledger.takeTurn(turn, postedForMs);
  // Another cause needs another repair. The limit stops a text that always changes.
  return ledger.takeTurn(`${turn}-${trouble.causes.length}`, postedForMs);
}

/** The first process that sees the end posts it, but only after a post of the beginning. */
async function isNewEnd(ledger: TroubleContext["ledger"], cluster: Cluster, trouble: ClusterTrouble) {
  const turn = turnOf(cluster, trouble);
  return (await ledger.takeTurn(`${turn}-over`, postedForMs)) && !(await ledger.takeTurn(turn, postedForMs));
}

const codeOf = ({ trouble }: Troubled) => trouble.code;

/** One message for all clusters of a channel with the same news: an outage of AWS or a network calls people once. */
async function postGrouped<News extends { readonly cluster: Cluster }>(
  context: TroubleContext,
  news: readonly News[],
  kindOf: (each: News) => string,
  messageOf: (first: News, others: readonly News[]) => Message,
): Promise<void> {
  const groups = groupsBy(news, (each) => `${each.cluster.channel} ${kindOf(each)}`);
  for (const [first, ...others] of groups.values())
    await postInChannel(context, first.cluster, messageOf(first, others));
}

function turnOf({ name }: Cluster, { since }: ClusterTrouble): string {
  return `trouble-${name}-${since}`;
}

async function postInChannel({ client, log }: TroubleContext, cluster: Cluster, message: Message): Promise<void> {
  await client.chat.postMessage({ channel: cluster.channel, ...message }).catch((error: unknown) => {
    const err = slackFailure(error, `the channel ${cluster.channel}`);
    log.warn({ cluster: cluster.name, err }, "could not post about a cluster");
  });
}

export function clusterTroubleMessage(first: ClosedCluster, others: readonly ClosedCluster[]): Message {
  const clusters = clustersInWords(first, others);
  const since = time(first.trouble.since);
  const cause = causeIn(first, others);
  const text = [
    `:warning: *The worker can't work on ${clusters}* since ${since}. ${cause}`,
    ...namedClusters(first, others),
    "New access waits. The worker retries each minute where access must end, and otherwise within 15 minutes.",
    ...onCallOf(first, others),
  ].join("\n");
  return announcement(text);
}

function troubleOverMessage(first: ClosedCluster, others: readonly ClosedCluster[]): Message {
  const at = time(first.trouble.overAt ?? "");
  const text = [
    `:white_check_mark: *${clustersInWords(first, others)} ${others.length > 0 ? "work" : "works"} again* since ${at}. The worker is catching up.`,
    ...(others.length > 0 ? [`Clusters: ${namesOf(first, others)}.`] : []),
  ].join("\n");
  return announcement(text);
}

function revertedMessage(cluster: string): Message {
  const text = [
    `:warning: *Another writer keeps changing aws-auth of ${code(cluster)} back.* Leases lost access three times in a week.`,
    `${code(`/eks-access check ${cluster}`)} names them. Use levels that bind roles, or make it ignore leases.`,
  ].join("\n");
  return announcement(text);
}
