import type { Holding } from "../../src/access/lease/lease-record.ts";
import { sealedClusterOf } from "../../src/access/policy/cluster.ts";
import { withoutRolePath } from "../../src/access/principal.ts";
import { type AccessEntry, readHoldingTags, writeHoldingTags } from "../../src/access-entry/entry-tags.ts";
import type { ReadEntry } from "../../src/diagnosis/leases.ts";
import { aCluster } from "./a-cluster.ts";
import { engineerArn } from "./a-request.ts";
import { keys } from "./keys.ts";

/** An access entry of others that gives the engineer one group. */
export function anEntry(change: Partial<AccessEntry> = {}): AccessEntry {
  return {
    principalArn: engineerArn,
    arn: "arn:aws:eks:eu-central-1:111122223333:access-entry/staging/user/111122223333/engineer/1",
    type: "STANDARD",
    username: "engineer",
    groups: ["eks-access:viewers"],
    policies: [],
    tags: {},
    ...change,
  };
}

/** The same as it is read, with the tags of what we hold of it. */
export function aReadEntry(change: Partial<AccessEntry> = {}, holding?: Holding, openSince?: string): ReadEntry {
  const when = { madeAt: new Date(0).toISOString(), openSince: openSince ?? null };
  const tags = holding ? writeHoldingTags(sealedClusterOf(aCluster()), holding, keys.memory, when) : {};
  const entry = anEntry({ tags, ...change });
  const arn = withoutRolePath(entry.principalArn);
  return { entry, tags: readHoldingTags(sealedClusterOf(aCluster()), arn, entry, keys.memory), rescue: null };
}
