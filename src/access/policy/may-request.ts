import type { Principal } from "../../aws-auth/index.ts";
import { partitionOfRegion } from "../../aws-auth/index.ts";
import { formatDuration, isPermanent } from "../request/duration.ts";
import type { Cluster, Level } from "./cluster.ts";
import { creatorArnOf, isSameCreator } from "./creator.ts";

export interface Wish {
  readonly cluster: Cluster;
  readonly level: Level;
  readonly principal: Principal;
  readonly durationSeconds: number;
}

export type RequestVerdict = { type: "allowed" } | { type: "refused"; code: RequestRefusal; message: string };

export type RequestRefusal = "too-long" | "foreign-account" | "wrong-partition" | "creator" | "level-not-offered";

/** Says whether the policy lets anybody ask for this. Each refusal says what would be allowed instead. */
export function mayRequest({ cluster, level, principal, durationSeconds }: Wish): RequestVerdict {
  if (!cluster.levels.some((offered) => offered.name === level.name)) {
    const offered = cluster.levels.map((each) => each.name).join(", ");
    return refused("level-not-offered", `${cluster.name} does not offer ${level.name}. It offers ${offered}.`);
  }
  const tooLong = refuseDuration(level, durationSeconds);
  if (tooLong !== null) return refused("too-long", tooLong);
  const creatorArn = creatorArnOf(cluster.creator);
  // A creator that is to be discovered is known to the worker alone, whose plan refuses it.
  if (creatorArn !== null && isSameCreator(principal.arn, creatorArn)) {
    return refused(
      "creator",
      `${principal.arn} created ${cluster.name}: it has full access already and must never be in aws-auth.`,
    );
  }
  if (principal.partition !== partitionOf(cluster)) {
    return refused(
      "wrong-partition",
      `${principal.arn} is of partition ${principal.partition}, ${cluster.name} of ${partitionOf(cluster)}: it can never sign in there.`,
    );
  }
  if (principal.account !== cluster.account && !cluster.foreignAccounts.includes(principal.account)) {
    return refused(
      "foreign-account",
      `${principal.arn} is of account ${principal.account}, ${cluster.name} of ${cluster.account}. An operator can allow the account with foreignAccounts in eks-access.yml.`,
    );
  }
  return { type: "allowed" };
}

/** Why a level can't be had for so long; null: it can. */
export function refuseDuration(level: Level, durationSeconds: number): string | null {
  // Whether something can be had for good is for the rule to say, in `mayAsk`.
  if (durationSeconds <= level.maxDurationSeconds || isPermanent(durationSeconds)) return null;
  return `${level.name} can be had for at most ${formatDuration(level.maxDurationSeconds)}.`;
}

/** The creator is of the cluster's own partition, always; where it is to be discovered, the region says it. */
export function partitionOf({ creator, region }: Cluster): string {
  return creatorArnOf(creator)?.split(":")[1] ?? partitionOfRegion(region) ?? "aws";
}

function refused(code: RequestRefusal, message: string): RequestVerdict {
  return { type: "refused", code, message };
}
