import type { ClusterTrouble } from "../../access/request/cluster-trouble.ts";
import type { Message } from "../blocks/message.ts";
import { code, plainLine, section, time } from "../blocks/mrkdwn.ts";

/** What the channel of a cluster reads, once, when the worker can't get in. */
export function clusterTroubleMessage(cluster: string, { message, since }: ClusterTrouble): Message {
  const text = [
    `:warning: *The worker can't get into ${code(cluster)}* since ${time(since)}. ${plainLine(message)}`,
    "Access there begins late. Access that has to end is tried each minute, everything else up to 15 minutes apart.",
  ].join("\n");
  return { text: `The worker can't get into ${cluster}`, blocks: [section(text)] };
}
