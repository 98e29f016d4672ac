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

/** Posts one message in the channel of a cluster that can't be worked on for a minute: its approvers can correct that. */
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
      const isLasting = now().getTime() - Date.parse(trouble.since) >= lastsMs;
      if (cluster && isLasting) await postOnce(context, cluster, trouble);
    }
  } catch (error) {
    log.warn({ err: error }, "could not look for clusters that can't be worked on");
  }
}

/** The turn is taken first: a message that is lost is in the log, and one that comes twice is two. */
async function postOnce(
  { ledger, client, log }: TroubleContext,
  cluster: Cluster,
  trouble: ClusterTrouble,
): Promise<void> {
  if (!(await ledger.takeTurn(`trouble-${cluster.name}-${trouble.since}`, postedForMs))) return;
  const { text, blocks } = clusterTroubleMessage(cluster.name, trouble);
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
