import type { KnownBlock } from "@slack/types";
import { AccessError, explainFailure, isLedgerFailure } from "../../access/access-error.ts";
import { formatDuration } from "../../access/ask/duration.ts";
import { shouldBeGoneAt } from "../../access/lists.ts";
import { type Cluster, hasNoWorker, type Zone, zonesOf } from "../../access/policy/cluster.ts";
import { isResponsibleFor } from "../../access/policy/rule.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import type { ClusterTrouble, Outage } from "../../access/retry.ts";
import { processName } from "../../ledger/clusters.ts";
import { stateOfQueues } from "../../ledger/queues.ts";
import type { RefusedFile } from "../../ledger/stored.ts";
import { takeWrite } from "../../ledger/turns.ts";
import type { QueueState } from "../../operations/metrics.ts";
import type { SlackContext } from "../app/context.ts";
import { personShown } from "../app/request-people.ts";
import { failureAnswer, type Message, messageOf, onlyResponsibleAnswer } from "../show/message.ts";
import { code, firstOf, mention, plainLine, section, styled, time } from "../show/mrkdwn.ts";
import { inZone, logStoppedText } from "../show/notice-poster.ts";

/** Work that waits longer is late. A lease that ends on time is gone by then. */
const lateAfterSeconds = 60;

/** Of each part: more rows, or characters of them, do not fit into one Slack message. */
const most = { rows: 10, characters: 2_300, problems: 5 } as const;

/** More than people read; the answer says that there are more. */
const maxOverdue = 500;

export interface Overview {
  readonly clusters: readonly string[];
  readonly queues: readonly QueueState[];
  readonly closed: ReadonlyMap<string, ClusterTrouble>;
  /** Other clusters where requests wait for operators. */
  readonly outages: ReadonlyMap<string, Pick<Outage, "since">>;
  readonly overdue: readonly ApprovedRequest[];
  /** Of processes that run on an old configuration; only administrators get the problems. */
  readonly refusals: readonly RefusedFile[];
  /** The audit log takes no event. */
  readonly isLogStopped: boolean;
  /** Zones without a worker. */
  readonly unserved: readonly Zone[];
}

/** `status` without an id. Approvers and on-call see their clusters, administrators all. @throws AccessError */
export async function readOverview(context: SlackContext, user: string): Promise<Message> {
  const { ledger } = context;
  const clusters = await clustersSeenBy(context, user);
  if (clusters.length === 0) return onlyResponsibleAnswer(`${code("/eks-access status <id>")} shows one request.`);
  const now = context.now();
  const since = new Date(now.getTime() - lateAfterSeconds * 1000);
  const found = await Promise.all([
    ledger.clusterTroubles(clusters),
    ledger.overdue(since, maxOverdue),
    queuesNow(context, now),
    ledger.refusals(now),
    ledger.logFlaw(),
    ledger.outages(),
    ledger.zonesSeen(),
    takeWrite(ledger),
  ]).catch((error: unknown) => {
    if (isLedgerFailure(error)) return failureAnswer(explainFailure(error));
    throw error;
  });
  if ("text" in found) return found;
  const [troubles, overdue, states, refusals, logFlaw, outages, zones] = found;
  const own = clusters.flatMap((name) => context.config.clusters.get(name) ?? []);
  const closed = new Map([...troubles].filter(([, { overAt }]) => overAt === null));
  return overviewAnswer({
    clusters,
    queues: states,
    closed,
    outages: new Map([...outages].filter(([name]) => clusters.includes(name) && !closed.has(name))),
    // Only administrators see the leases of a removed cluster.
    overdue: overdue.filter(({ cluster }) => clusters.includes(cluster) || seesAll(context, user)),
    refusals: seesAll(context, user) ? refusals : refusals.map((each) => ({ ...each, problems: [] })),
    isLogStopped: logFlaw !== null,
    unserved: zonesOf(own).filter((zone) => hasNoWorker(zones.get(zone), now)),
  });
}

/** BullMQ passes on the errors of its client. @throws AccessError */
async function queuesNow({ queues, config }: SlackContext, now: Date): Promise<readonly QueueState[]> {
  try {
    return await stateOfQueues(queues, zonesOf(config.clusters.values()), now);
  } catch (cause) {
    throw new AccessError("ledger-unreachable", "Redis did not answer", { cause });
  }
}

/** The clusters in which this person can see all leases: as approver or on-call, or all as administrator. */
export async function clustersSeenBy(context: SlackContext, user: string): Promise<readonly string[]> {
  const all = [...context.config.clusters.values()];
  if (seesAll(context, user)) return all.map(({ name }) => name);
  const person = await personShown(context, user);
  return all.filter((cluster: Cluster) => isResponsibleFor(cluster, person)).map(({ name }) => name);
}

const seesAll = ({ config }: SlackContext, user: string) => config.linking.administrators.includes(user);

export function overviewAnswer(overview: Overview): Message {
  const parts = [
    ...part("Audit log", overview.isLogStopped ? [logStoppedText] : []),
    ...[latePart, closedPart, waitingPart, overduePart, refusedPart].flatMap((partOf) => partOf(overview)),
  ];
  const count = overview.clusters.length;
  const of = count === 1 ? code(overview.clusters.join()) : `${count} clusters`;
  const where = count === 1 ? `with ${of}` : `among your ${of}`;
  const title = parts.length === 0 ? `:white_check_mark: No problems ${where}` : `:warning: *Problems ${where}*`;
  return messageOf([section(title), ...parts]);
}

const startWorker = "Check that a worker runs.";
const queueWords: Readonly<Record<string, readonly [what: string, hint: string]>> = {
  clusters: ["Work on clusters", startWorker],
  ends: ["The end of leases", startWorker],
  messages: ["Messages in Slack", "Check that a Slack process runs."],
};

function latePart({ queues, unserved }: Overview): KnownBlock[] {
  const without = unserved.map((zone) => `No worker serves ${inZone(zone)}. ${startWorker}`);
  const late = queues.filter(({ ageSeconds }) => ageSeconds > lateAfterSeconds);
  const rows = late.map(({ name, jobs, ageSeconds }) => {
    const waiting = Object.entries(jobs).reduce((sum, [state, count]) => (state === "active" ? sum : sum + count), 0);
    const oldest = formatDuration(Math.round(ageSeconds));
    const [, kind = name, zone] = /^(\w+)-(.+)$/.exec(name) ?? [];
    const [work, hint] = queueWords[kind] ?? [code(name), ""];
    const what = zone === undefined ? work : `${work} in zone ${code(zone)}`;
    const said = `${what}: ${waiting} waiting, the oldest for ${oldest}.`;
    return `${said} ${hint}`;
  });
  return part("Late work", [...without, ...rows]);
}

function closedPart({ closed }: Overview): KnownBlock[] {
  const first = [...closed].sort(([, one], [, other]) => one.since.localeCompare(other.since));
  // The remedy comes last, so few clusters show the whole text.
  const room = Math.max(200, Math.floor(1600 / first.length));
  const rows = first.map(
    ([name, { since, attempts, retryAt, message }]) =>
      `${code(name)} since ${time(since)}, ${tries(attempts)}, next ${time(retryAt)}: ${styled(message, room)}`,
  );
  return part("Clusters that no worker can open", rows);
}

function waitingPart({ outages }: Overview): KnownBlock[] {
  const rows = [...outages].map(
    ([name, { since }]) => `${code(name)} since ${time(since)}: ${code(`/eks-access check ${name}`)}`,
  );
  return part("Requests wait", rows);
}

function overduePart({ overdue }: Overview): KnownBlock[] {
  const rows = overdue.map((request) => {
    const { id, level, cluster, requester, trouble } = request;
    const at = new Date(shouldBeGoneAt(request) ?? 0).toISOString();
    const why = trouble ? ` ${tries(trouble.attempts)}: ${plainLine(trouble.message, 150)}` : "";
    return `${code(id)}: ${code(level)} on ${code(cluster)} of ${mention(requester)}, due to end ${time(at)}.${why}`;
  });
  return part("Leases that can't end", rows);
}

/** The longest refusal of each kind of process. */
function refusedPart({ refusals }: Overview): KnownBlock[] {
  const first = [...refusals].sort((one, other) => other.since.localeCompare(one.since));
  const ofKinds = [...new Map(first.map((refusal) => [refusal.kind, refusal])).values()];
  const rows = ofKinds.map(({ kind, since, problems }) => {
    const lines = firstOf(problems, most.problems, (left) => `and ${left} more`);
    const shown = lines.map((problem) => `\n    ◦ ${plainLine(problem, 200)}`).join("");
    return `The ${processName(kind)} has refused the new eks-access.yml since ${time(since)}.${shown || " Its log says why."}`;
  });
  return part("Old configuration", rows);
}

const tries = (attempts: number) => (attempts === 1 ? "1 try" : `${attempts} tries`);

function part(title: string, rows: readonly string[]): KnownBlock[] {
  if (rows.length === 0) return [];
  let shown = most.rows;
  while (shown > 1 && rows.slice(0, shown).join("\n• ").length > most.characters) shown -= 1;
  const lines = [`*${title}*`, ...firstOf(rows, shown, (left) => `and ${left} more`)];
  return [section(lines.join("\n• "))];
}
