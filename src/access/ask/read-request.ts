import { noIdentities, type OwnIdentities } from "../identities.ts";
import type { Cluster } from "../policy/cluster.ts";
import type { RequestedAccess } from "../policy/may-ask.ts";
import type { TypedFields } from "../record.ts";
import { timeIn } from "./duration.ts";
import {
  askIfDuration,
  keepToPolicy,
  maxReasonLength,
  type NamedPerson,
  readArn,
  readCluster,
  readDuration,
  readLevel,
  readNamespaces,
  readOwnIdentity,
  readPerson,
  readReason,
  readTicket,
  takesTicket,
} from "./read-part.ts";

/** A complete request: the policy allows its parts. */
export interface RequestInput extends TypedFields, RequestedAccess {
  /** Slack user id of the person who gets the access; null: the person who asks. */
  readonly askedFor: string | null;
}

export type PartName = keyof RequestParts;

export type RequestReading =
  | { readonly type: "requested"; readonly requested: RequestInput }
  | {
      readonly type: "mistakes";
      readonly understood: readonly string[];
      readonly mistakes: readonly { readonly part: PartName; readonly message: string }[];
      /** The line to copy, with the mistakes corrected if possible, else with placeholders. */
      readonly corrected: string;
    };

/** Names every mistake at once, with a corrected line. @param own the identities of who gets the access @param names the clusters to name */
export function readRequest(
  parts: RequestParts,
  clusters: ReadonlyMap<string, Cluster>,
  own: OwnIdentities = noIdentities,
  names: readonly string[] = [...clusters.keys()],
): RequestReading {
  const cluster = readCluster(parts.cluster, clusters, names);
  const level = readLevel(parts.level, cluster.meant);
  const arn = parts.principal ? readArn(parts.principal, level.meant) : readOwnIdentity(own, level.meant);
  const principal = keepToPolicy(arn, cluster.meant, level.meant);
  const person = readPerson(parts.for);
  const namespaces = readNamespaces(parts.namespaces, level.meant);
  const found = parts.duration === null ? timeIn(parts.reason.slice(0, maxReasonLength)) : null;
  const duration = found ? askIfDuration(found.time, level.meant) : readDuration(parts.duration, level.meant);
  const ticket = readTicket(parts.ticket, cluster.meant);
  const reason = readReason(reasonOf(found ? { ...parts, reason: found.without } : parts, cluster.meant));
  const typed = [person, namespaces, ticket].every(({ mistake }) => mistake === null);
  if (cluster.value && level.value && principal.value && duration.value && typed && reason.value) {
    const requested = {
      cluster: cluster.value,
      level: level.value,
      principal: principal.value,
      askedFor: person.value,
    };
    const said = { namespaces: namespaces.value ?? "", ticket: ticket.value, reason: reason.value };
    return { type: "requested", requested: { ...requested, durationSeconds: duration.value, ...said } };
  }
  const words = [cluster, principal, level, namespaces, person, duration, ticket, reason].map((part) => part.corrected);
  const read = Object.entries({ cluster, principal, level, namespaces, for: person, duration, ticket, reason });
  return {
    type: "mistakes",
    understood: read.flatMap(([part, { value, shown }]) => (value && shown ? [`${part} ${shown}`] : [])),
    mistakes: read.flatMap(([part, { mistake }]) => (mistake ? [{ part: part as PartName, message: mistake }] : [])),
    corrected: `/eks-access request ${words.filter((word) => word !== "").join(" ")}`,
  };
}

/** A cluster without tickets lets a reason begin with that word. */
function reasonOf({ ticket, reason }: RequestParts, cluster: Cluster | null): string {
  if (ticket === null || !cluster || takesTicket(cluster)) return reason;
  return `ticket ${ticket} ${reason}`;
}

/** The parts of a request as typed, in a line or in a form. */
export interface RequestParts extends TypedFields {
  readonly cluster: string;
  /** Empty: not given. */
  readonly principal: string;
  readonly level: string;
  /** Null: for the person who asks. */
  readonly for: NamedPerson | null;
  /** Null: not given. */
  readonly duration: string | null;
}
