import type { ClusterTrouble } from "../../request/cluster-trouble.ts";
import { code, plainLine, section, time } from "../mrkdwn.ts";
import type { Message } from "./message.ts";

/** What the channel of a cluster reads, once, when the worker can't get in. */
export function clusterTroubleMessage(cluster: string, { message, since }: ClusterTrouble): Message {
  const text = [
    `:warning: *The worker can't get into ${code(cluster)}* since ${time(since)}. ${plainLine(message)}`,
    "Access there begins late. Access that has to end is tried each minute, everything else up to 15 minutes apart.",
  ].join("\n");
  return { text: `The worker can't get into ${cluster}`, blocks: [section(text)] };
}
