import { groupsBy } from "../../access/collections.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { ClusterTrouble, Outage } from "../../access/retry.ts";
import type { Config } from "../../config/config.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { Ticking } from "../../operations/stoppable.ts";
import {
  type Claimed,
  causeIn,
  causeTurn,
  clustersInWords,
  lookAtOutages,
  namedClusters,
  namesOf,
  type OutagesLedger,
  onCallOf,
  outageMessage,
  outageOverMessage,
  type Troubled,
} from "./call-operators.ts";
import { announcement, type Message } from "./message.ts";
import { code, time } from "./mrkdwn.ts";
import { type PostContext, postClaimed, postedForMs, startPosting } from "./notice-poster.ts";

export interface TroubleContext extends PostContext {
  readonly ledger: Pick<Ledger, "clusterTroubles" | "revertedAt" | "takeTurn"> & OutagesLedger;
  readonly configuration: () => Pick<Config, "clusters">;
  readonly now: () => Date;
}

/** Two processes at a time would each post a part of the clusters. */
const onePostsForMs = 4_000;

/** A shorter trouble gets no message. */
const lastsMs = 60_000;

/** An older end is no news. */
const newsForMs = 24 * 3_600_000;

/** Posts that the worker can't open a cluster for a minute, or can again, that no request waits any more, and who reverts aws-auth. */
export function startTroublePoster(context: TroubleContext): Ticking {
  return startPosting(context.log, "could not look for clusters in trouble", () => postAll(context));
}

type ClosedCluster = Troubled<ClusterTrouble>;

async function postAll(context: TroubleContext): Promise<void> {
  const { ledger, now } = context;
  const { clusters } = context.configuration();
  if (!(await ledger.takeTurn("look-for-trouble", onePostsForMs))) return;
  const troubles = await ledger.clusterTroubles([...clusters.keys()]);
  const closed = await lookAtTroubles(context, troubles);
  await postGrouped(context, closed.begun, codeOf, clusterTroubleMessage);
  await postGrouped(context, closed.ended, codeOf, troubleOverMessage);
  const waiting = await lookAtOutages(ledger, clusters, troubles);
  await postGrouped(context, waiting.begun, codeOf, outageMessage);
  const ended = await postGrouped(context, waiting.ended, ({ works }) => String(works), outageOverMessage);
  for (const { cluster } of ended) await ledger.endOutage(cluster.name);
  for (const [name, at] of await ledger.revertedAt([...clusters.keys()])) {
    const cluster = clusters.get(name);
    const turn = `reverted-${name}`;
    if (cluster && now().getTime() - at.getTime() < newsForMs && (await ledger.claimTurn(turn, postedForMs)))
      await postClaimed(context, { turns: [turn], channel: cluster.channel }, revertedMessage(name));
  }
}

type OwedNews = Claimed<ClosedCluster> & { readonly kind: string; readonly agoMs: number };

/** An outage reaches each cluster, and leaves it, at another second: news of the last minute joins the first of its kind. */
async function lookAtTroubles(
  { ledger, configuration, now }: TroubleContext,
  troubles: ReadonlyMap<string, ClusterTrouble>,
) {
  const { clusters } = configuration();
  const outages = await ledger.outages();
  const begun: OwedNews[] = [];
  const ended: OwedNews[] = [];
  const open = new Set<string>();
  for (const [name, trouble] of troubles) {
    const cluster = clusters.get(name);
    if (!cluster) continue;
    const kind = `${cluster.channel} ${trouble.code}`;
    if (trouble.overAt === null) open.add(kind);
    const agoMs = now().getTime() - Date.parse(trouble.overAt ?? trouble.since);
    const turns = await turnsOwed(ledger, cluster, trouble, outages.get(name));
    if (turns) (trouble.overAt === null ? begun : ended).push({ cluster, trouble, turns, kind, agoMs });
  }
  const late = (news: readonly OwedNews[]) =>
    new Set(news.filter(({ agoMs }) => agoMs >= lastsMs).map(({ kind }) => kind));
  const [lasting, over] = [late(begun), late(ended)];
  const begunLong = begun.filter(({ kind }) => lasting.has(kind));
  const endedNow = ended.filter(({ kind, agoMs }) => agoMs < newsForMs && (over.has(kind) || !open.has(kind)));
  return { begun: await claimed(ledger, begunLong), ended: await claimed(ledger, endedNow) };
}

/** The turns of its message, first the one to claim. Null: the channel has it, or has not heard of the beginning of this end. */
async function turnsOwed(
  { isTurnKept }: Pick<TroubleContext["ledger"], "isTurnKept">,
  { name }: Cluster,
  { code, since, causes, overAt }: ClusterTrouble,
  outage: Outage | undefined,
): Promise<readonly string[] | null> {
  const turn = `trouble-${name}-${since}`;
  const end = `${turn}-over`;
  if (overAt !== null) return (await isTurnKept(turn)) && !(await isTurnKept(end)) ? [end] : null;
  const known = outage ? [causeTurn(name, outage, code)] : [];
  // Another cause needs another repair. The limit stops a text that always changes.
  const cause = `${turn}-${causes.length}`;
  const isKept = await Promise.all([cause, ...known].map((each) => isTurnKept(each)));
  return isKept.includes(true) ? null : [cause, turn, ...known];
}

async function claimed(ledger: TroubleContext["ledger"], news: readonly OwedNews[]): Promise<readonly OwedNews[]> {
  const isMine = await Promise.all(news.map(({ turns: [turn = ""] }) => ledger.claimTurn(turn, postedForMs)));
  return news.filter((_, index) => isMine[index]);
}

const codeOf = ({ trouble }: Troubled) => trouble.code;

/** One message for all clusters of a channel with the same news: an outage of AWS or a network calls people once. @returns what Slack did not refuse */
async function postGrouped<One extends { readonly cluster: Cluster }>(
  context: TroubleContext,
  news: readonly Claimed<One>[],
  kindOf: (each: One) => string,
  messageOf: (first: One, others: readonly One[]) => Message,
): Promise<readonly One[]> {
  const groups = groupsBy(news, (each) => `${each.cluster.channel} ${kindOf(each)}`);
  const heard: One[] = [];
  for (const group of groups.values()) {
    const [first, ...others] = group;
    const place = { turns: group.flatMap(({ turns }) => turns), channel: first.cluster.channel };
    if ((await postClaimed(context, place, messageOf(first, others))) !== "refused") heard.push(...group);
  }
  return heard;
}

export function clusterTroubleMessage(first: ClosedCluster, others: readonly ClosedCluster[]): Message {
  const clusters = clustersInWords(first, others);
  const since = time(first.trouble.since);
  const cause = causeIn(first, others);
  return announcement(
    `:warning: *The worker can't work on ${clusters}* since ${since}.${cause}`,
    ...namedClusters(first, others),
    "New access waits. The worker retries each minute where access must end, and otherwise within 15 minutes.",
    ...onCallOf(first, others),
  );
}

function troubleOverMessage(first: ClosedCluster, others: readonly ClosedCluster[]): Message {
  const last = [first, ...others].map(({ trouble }) => trouble.overAt ?? "").toSorted();
  const at = time(last.at(-1) ?? "");
  return announcement(
    `:white_check_mark: *${clustersInWords(first, others)} ${others.length > 0 ? "work" : "works"} again* since ${at}.`,
    ...(others.length > 0 ? [`Clusters: ${namesOf(first, others)}.`] : []),
  );
}

function revertedMessage(cluster: string): Message {
  return announcement(
    `:warning: *Another writer keeps changing aws-auth of ${code(cluster)} back.*`,
    `${code(`/eks-access check ${cluster}`)} names it. Use levels that bind roles, or make it ignore leases.`,
  );
}
