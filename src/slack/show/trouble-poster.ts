import type { WebClient } from "@slack/web-api";
import type { Logger } from "pino";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { ClusterTrouble } from "../../access/request/cluster-trouble.ts";
import type { Config } from "../../config/config.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { slackFailure } from "../app/slack-failure.ts";
import type { Message } from "../blocks/message.ts";
import { code, plainLine, section, time } from "../blocks/mrkdwn.ts";

export interface TroubleContext {
  readonly ledger: Pick<Ledger, "clusterTroubles" | "takeTurn">;
  readonly config: Pick<Config, "clusters">;
  readonly client: WebClient;
  readonly log: Logger;
  readonly now: () => Date;
}

const lookEveryMs = 5_000;
/** What is over sooner is no message. */
const lastsMs = 60_000;
/** A trouble is posted once in this time, by all processes together. */
const postedForMs = 30 * 24 * 3_600_000;

/** What was over before this is no news any more. */
const newsForMs = 24 * 3_600_000;

/** Posts one message in the channel of a cluster that can't be worked on for a minute, and one when it is over: its approvers can correct that. */
export function startTroublePoster(context: TroubleContext): { stop: () => Promise<void> } {
  let posting: Promise<void> = Promise.resolve();
  let isIdle = true;
  const tick = () => {
    if (!isIdle) return;
    isIdle = false;
    posting = postAll(context).finally(() => {
      isIdle = true;
    });
  };
  const timer = setInterval(tick, lookEveryMs);
  tick();
  return {
    stop: () => {
      clearInterval(timer);
      return posting;
    },
  };
}

async function postAll(context: TroubleContext): Promise<void> {
  const { ledger, config, log, now } = context;
  try {
    const troubles = await ledger.clusterTroubles([...config.clusters.keys()]);
    for (const [name, trouble] of troubles) {
      const cluster = config.clusters.get(name);
      const ago = (time: string) => now().getTime() - Date.parse(time);
      if (!cluster) continue;
      if (trouble.overAt === null && ago(trouble.since) >= lastsMs) await postOnce(context, cluster, trouble);
      if (trouble.overAt !== null && ago(trouble.overAt) < newsForMs) await postOver(context, cluster, trouble);
    }
  } catch (error) {
    log.warn({ err: error }, "could not look for clusters that can't be worked on");
  }
}

/** The turn is taken first: a message that is lost is in the log, and one that comes twice is two. */
async function postOnce(context: TroubleContext, cluster: Cluster, trouble: ClusterTrouble): Promise<void> {
  if (!(await context.ledger.takeTurn(turnOf(cluster, trouble), postedForMs))) return;
  await post(context, cluster, clusterTroubleMessage(cluster.name, trouble));
}

/** The first that sees the end posts it, and only where somebody has posted the beginning. */
async function postOver(context: TroubleContext, cluster: Cluster, trouble: ClusterTrouble): Promise<void> {
  const turn = turnOf(cluster, trouble);
  if (!(await context.ledger.takeTurn(`${turn}-over`, postedForMs))) return;
  const isUntold = await context.ledger.takeTurn(turn, postedForMs);
  if (!isUntold) await post(context, cluster, troubleOverMessage(cluster.name, trouble));
}

function turnOf({ name }: Cluster, { since }: ClusterTrouble): string {
  return `trouble-${name}-${since}`;
}

async function post({ client, log }: TroubleContext, cluster: Cluster, { text, blocks }: Message): Promise<void> {
  await client.chat.postMessage({ channel: cluster.channel, text, blocks: [...blocks] }).catch((error: unknown) => {
    const err = slackFailure(error, `The channel ${cluster.channel}`);
    log.warn({ cluster: cluster.name, err }, "nobody could be told that a cluster can't be worked on");
  });
}

/** What the channel of a cluster reads, once, when the worker can't get in. */
function clusterTroubleMessage(cluster: string, { message, since }: ClusterTrouble): Message {
  const text = [
    `:warning: *The worker can't get into ${code(cluster)}* since ${time(since)}. ${plainLine(message)}`,
    "Access there begins late. Access that has to end is tried each minute, everything else up to 15 minutes apart.",
  ].join("\n");
  return { text: `The worker can't get into ${cluster}`, blocks: [section(text)] };
}

/** What the channel reads when the worker gets in again. */
function troubleOverMessage(cluster: string, { overAt }: ClusterTrouble): Message {
  const text = `:white_check_mark: *The worker can get into ${code(cluster)} again* since ${time(overAt ?? "")}. It now does what had to wait.`;
  return { text: `The worker can get into ${cluster} again`, blocks: [section(text)] };
}
