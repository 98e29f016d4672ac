import type { Trouble } from "../../access/lease/lease-record.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/record.ts";
import {
  type ClusterTrouble,
  isClusterFailure,
  isEndFailing,
  isForOperators,
  type Outage,
  waitsForLateCall,
  waitsForRepair,
} from "../../access/retry.ts";
import type { OutageLedger } from "../../ledger/clusters.ts";
import type { RequestLedger } from "../../ledger/ledger.ts";
import { listedIn } from "../../ledger/look-ups.ts";
import type { TurnLedger } from "../../ledger/turns.ts";
import { quotedLine } from "./failure-words.ts";
import { announcement, type Message } from "./message.ts";
import { code, codeList, mentions } from "./mrkdwn.ts";
import { postedForMs } from "./notice-poster.ts";
import type { MessengerContext } from "./show-in-channel.ts";

/** The most people to mention. A user group counts as one. */
const maxCalled = 10;
const maxPending = 1000;

/** For the trouble poster: what only an operator can repair, or fails for a minute. A cluster that can't be opened has its own message. */
export async function noteOutage(
  { ledger, config, log }: MessengerContext<Pick<OutageLedger, "beginOutage" | "clusterTroubles">>,
  request: AccessRequest,
): Promise<void> {
  const { id, cluster: name } = request;
  const { trouble } = waitIn(request) ?? {};
  if (!config.clusters.has(name) || !trouble || !isForOperators(trouble)) return;
  try {
    if (isOldNews(trouble, (await ledger.clusterTroubles([name])).get(name))) return;
    await ledger.beginOutage(name, { since: trouble.at, request: id });
  } catch (error) {
    log.warn({ cluster: name, err: error }, "could not remember an outage");
  }
}

/** Why a request waits for operators: its cluster or AWS fails, or its end, which has to come whatever stops it. */
function waitIn(request: AccessRequest): Omit<Troubled, "cluster"> | null {
  const { trouble } = request;
  if (!trouble || waitsForLateCall(trouble.code)) return null;
  if (isClusterFailure(trouble.code)) return { trouble };
  return isEndFailing(request) ? { trouble, isEnd: true } : null;
}

/** After the end of what closed the cluster, its requests still have the failures from before. */
function isOldNews({ at }: Trouble, closed: ClusterTrouble | undefined): boolean {
  return closed !== undefined && (closed.overAt === null || closed.overAt >= at);
}

/** Each cause of an outage is news once, however it shows. */
export function causeTurn(cluster: string, { since }: Outage, cause: string): string {
  return `outage-${cluster}-${since}-${cause}`;
}

export type OutagesLedger = Pick<OutageLedger, "outages" | "endOutage"> &
  Pick<RequestLedger, "get" | "leasedOf" | "list"> &
  Pick<TurnLedger, "claimTurn" | "keepTurn" | "isTurnKept">;

export interface Troubled<Kind extends Trouble = Trouble> {
  readonly cluster: Cluster;
  readonly trouble: Kind;
  /** An end alone waits, not for its cluster or AWS. */
  readonly isEnd?: boolean;
}

export interface EndedOutage {
  readonly cluster: Cluster;
  /** False: no one can tell. */
  readonly works: boolean;
}

/** With the turns that its message keeps. */
export type Claimed<News> = News & { readonly turns: readonly string[] };

/** From the end of an outage on the same cause is news again: the caller ends it after its message. */
export async function lookAtOutages(
  ledger: OutagesLedger,
  clusters: ReadonlyMap<string, Cluster>,
  closed: ReadonlyMap<string, ClusterTrouble>,
) {
  const begun: Claimed<Troubled>[] = [];
  const ended: Claimed<EndedOutage>[] = [];
  for (const [name, outage] of await ledger.outages()) {
    const cluster = clusters.get(name);
    if (!cluster) continue;
    const waiting = await waitingFor(ledger, name);
    const turn = `outage-${name}-${outage.since}`;
    const end = `${turn}-over`;
    // Any cause counts: two in turn would otherwise be news each time.
    if (waiting.length === 0) {
      const isTold = !(await ledger.isTurnKept(turn)) || (await ledger.isTurnKept(end));
      if (isTold) await ledger.endOutage(name);
      else if (await ledger.claimTurn(end, postedForMs))
        ended.push({ cluster, works: isServed(await ledger.get(outage.request)), turns: [end] });
    }
    const causes = new Map(waiting.toReversed().map((wait) => [wait.trouble.code, wait]));
    for (const wait of causes.values()) {
      const { trouble } = wait;
      if (!isForOperators(trouble) || isOldNews(trouble, closed.get(name))) continue;
      const cause = causeTurn(name, outage, trouble.code);
      if (await ledger.claimTurn(cause, postedForMs)) begun.push({ cluster, ...wait, turns: [turn, cause] });
    }
  }
  return { begun, ended };
}

async function waitingFor(ledger: OutagesLedger, name: string) {
  const open = [...(await ledger.leasedOf(name)), ...(await listedIn(ledger, "pending", name, maxPending))];
  return open.map(waitIn).filter((wait) => wait !== null);
}

/** A request that expired or was cancelled meanwhile shows nothing. */
function isServed(first: AccessRequest | null): boolean {
  if (first?.state === "approved") return first.lease.state !== "failed";
  return first?.state === "pending" && first.preview !== null;
}

export function outageMessage(first: Troubled, others: readonly Troubled[]): Message {
  const isRepair = waitsForRepair(first.trouble.code);
  const clusters = clustersInWords(first, others);
  const cause = causeIn(first, others);
  return announcement(
    `:warning: *${first.isEnd ? `Leases of ${clusters} can't end` : `Requests for ${clusters} wait${isRepair ? " for a repair" : ""}`}.*${cause}`,
    ...namedClusters(first, others),
    isRepair
      ? `The worker retries within 15 minutes, or now by ${code(`/eks-access check ${others.length > 0 ? "CLUSTER" : first.cluster.name}`)}.`
      : "The worker retries each minute.",
    ...onCallOf(first, others),
  );
}

/** The others have the same kind of failure, each with its own names. Quoted: nothing seals it in Redis. */
export function causeIn({ cluster, trouble }: Troubled, others: readonly Troubled[]): string {
  return `${others.length > 0 ? ` For example ${code(cluster.name)}:` : ""}${quotedLine(trouble.message, 3000)}`;
}

export function namedClusters(first: Troubled, others: readonly Troubled[]): readonly string[] {
  return others.length > 0 ? [`Clusters: ${namesOf(first, others)}. ${code("/eks-access status")} lists all.`] : [];
}

export function onCallOf(first: Pick<Troubled, "cluster">, others: readonly Pick<Troubled, "cluster">[]) {
  const onCall = new Set([first, ...others].flatMap(({ cluster }) => cluster.onCall));
  return onCall.size > 0 ? [`On call: ${mentions([...onCall], maxCalled)}`] : [];
}

export function outageOverMessage(first: EndedOutage, others: readonly EndedOutage[]): Message {
  const clusters = clustersInWords(first, others);
  const many = others.length > 0;
  return announcement(
    first.works
      ? `:white_check_mark: *${clusters} ${many ? "work" : "works"} again.*`
      : `*No request for ${clusters} waits any more.*`,
    ...(many ? [`Clusters: ${namesOf(first, others)}.`] : []),
  );
}

type Named = Pick<Troubled, "cluster">;

export function clustersInWords({ cluster }: Named, others: readonly Named[]): string {
  return others.length === 0 ? code(cluster.name) : `${others.length + 1} clusters`;
}

const maxNames = 200;

export function namesOf(first: Named, others: readonly Named[]): string {
  const names = [first, ...others].map(({ cluster }) => cluster.name);
  return codeList(names, maxNames);
}
