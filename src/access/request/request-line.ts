import type { Principal } from "../../aws-auth/index.ts";
import type { Cluster, Level } from "../policy/cluster.ts";
import {
  askIfDuration,
  keepToPolicy,
  readArn,
  readCluster,
  readDuration,
  readLevel,
  readReason,
  readTicket,
  takesTicket,
} from "./read-part.ts";
import { type RequestParts, timeAtEnd } from "./split-line.ts";

/** Everything that a request says, read and allowed by the policy. */
export interface RequestWish {
  readonly cluster: Cluster;
  readonly level: Level;
  readonly principal: Principal;
  readonly durationSeconds: number;
  readonly ticket: string | null;
  readonly reason: string;
}

export type PartName = keyof RequestParts;

export type RequestReading =
  | { readonly type: "wish"; readonly wish: RequestWish }
  | {
      readonly type: "mistakes";
      /** What was understood, for example `cluster staging`. */
      readonly understood: readonly string[];
      readonly mistakes: readonly { readonly part: PartName; readonly message: string }[];
      /** The line to copy, with the mistakes corrected as far as we can tell, or with a placeholder. */
      readonly corrected: string;
    };

/** Reads the parts of a request. Every mistake is told at once, with a corrected line. */
export function readRequest(parts: RequestParts, clusters: ReadonlyMap<string, Cluster>): RequestReading {
  const cluster = readCluster(parts.cluster, clusters);
  const level = readLevel(parts.level, cluster.meant);
  const principal = keepToPolicy(readArn(parts.principal), cluster.meant, level.meant);
  const end = parts.duration === undefined ? timeAtEnd(parts.reason) : null;
  const duration = end ? askIfDuration(end.time, level.meant) : readDuration(parts.duration, level.meant);
  const ticket = readTicket(parts.ticket, cluster.meant);
  const reason = readReason(reasonOf(end ? { ...parts, reason: end.before } : parts, cluster.meant));
  if (cluster.value && level.value && principal.value && duration.value && ticket.mistake === null && reason.value) {
    const wish = { cluster: cluster.value, level: level.value, principal: principal.value };
    const rest = { durationSeconds: duration.value, ticket: ticket.value, reason: reason.value };
    return { type: "wish", wish: { ...wish, ...rest } };
  }
  const words = [cluster, principal, level, duration, ticket, reason].map((part) => part.corrected);
  const read = Object.entries({ cluster, principal, level, duration, ticket, reason });
  return {
    type: "mistakes",
    understood: read.flatMap(([part, { value, shown }]) => (value ? [`${part} ${shown}`] : [])),
    mistakes: read.flatMap(([part, { mistake }]) => (mistake ? [{ part: part as PartName, message: mistake }] : [])),
    corrected: `/eks-access request ${words.filter((word) => word !== "").join(" ")}`,
  };
}

/** Where a cluster wants no ticket, a reason may begin with the word. */
function reasonOf({ ticket, reason }: RequestParts, cluster: Cluster | null): string {
  if (ticket === undefined || !cluster || takesTicket(cluster)) return reason;
  return `ticket ${ticket} ${reason}`;
}
