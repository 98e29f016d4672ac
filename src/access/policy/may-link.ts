import type { Principal } from "../../aws-auth/index.ts";
import { type CallerReading, readCaller } from "../../aws-auth/index.ts";
import type { Cluster } from "./cluster.ts";
import { creatorArnOf, isSameCreator } from "./creator.ts";
import { partitionOf } from "./may-request.ts";

export type LinkVerdict =
  | {
      readonly type: "linkable";
      readonly principal: Principal;
      /** What was different about the ARN that was given; null: nothing. */
      readonly noticed: string | null;
    }
  | { readonly type: "refused"; readonly code: LinkRefusal; readonly message: string };

export type LinkRefusal = "not-a-principal" | "creator" | "unknown-account";

/** Whether somebody may be linked with this principal: one with which they could ask for access somewhere. */
export function mayLink(given: string, clusters: readonly Cluster[]): LinkVerdict {
  const reading = readIn(given, clusters);
  if (reading.type === "nobody") return refused("not-a-principal", reading.message);
  const { principal, noticed } = reading.caller;
  const created = clusters.find((cluster) => isCreatorOf(cluster, principal.arn));
  if (created) {
    return refused(
      "creator",
      `${principal.arn} created ${created.name}: it has full access there already, and nobody goes by it.`,
    );
  }
  if (!clusters.some((cluster) => takes(cluster, principal))) {
    return refused(
      "unknown-account",
      `No cluster takes principals of account ${principal.account} in the partition ${principal.partition}. See who you are with aws sts get-caller-identity.`,
    );
  }
  return { type: "linkable", principal, noticed };
}

/** A cluster's own partition may be newer than the ones that we know. */
function readIn(given: string, clusters: readonly Cluster[]): CallerReading {
  const partitions = [undefined, ...new Set(clusters.map(partitionOf))];
  const readings = partitions.map((partition) => readCaller(given, partition));
  const [first] = readings;
  return readings.find(({ type }) => type === "caller") ?? first ?? readCaller(given);
}

function isCreatorOf({ creator }: Cluster, arn: string): boolean {
  const creatorArn = creatorArnOf(creator);
  return creatorArn !== null && isSameCreator(arn, creatorArn);
}

function takes(cluster: Cluster, { account, partition }: Principal): boolean {
  return partition === partitionOf(cluster) && [cluster.account, ...cluster.foreignAccounts].includes(account);
}

function refused(code: LinkRefusal, message: string): LinkVerdict {
  return { type: "refused", code, message };
}
