import type { AccessEntry as KeptEntry } from "../../../sandbox/aws/eks-cluster.ts";
import type { Sandbox } from "../../../sandbox/sandbox.ts";
import { type Cluster, clusterArnOf } from "../../../src/access/policy/cluster.ts";
import type { AccessEntry } from "../../../src/access-entry/entry-tags.ts";
import { type AccessEntries, accessEntriesOf } from "../../../src/aws/access-entries.ts";
import { openEks } from "../../../src/worker/open-eks.ts";

/**
 * The access entries of a cluster, for a person who may do everything with them. Changes go through the API of EKS; what is there is
 * read without it, because a test looks often, and each look would be several calls.
 */
export type OutsideEntries = Omit<AccessEntries, "identityOf">;

/** By sandbox and cluster: each opening is a client and a call, and a test asks for them again and again. */
const opened = new WeakMap<Sandbox["aws"], Map<string, Promise<AccessEntries>>>();

export function entriesOf({ aws }: Sandbox, cluster: Cluster): OutsideEntries {
  const place = clusterArnOf(cluster);
  const kept = () => aws.cluster(place)?.accessEntries ?? [];
  const all = opened.get(aws) ?? new Map<string, Promise<AccessEntries>>();
  opened.set(aws, all);
  const open = () => {
    const entries = all.get(place) ?? openAsAdmin(aws, cluster);
    all.set(place, entries);
    return entries;
  };
  return {
    list: async () => kept().map(({ principalArn }) => principalArn),
    describe: async (principalArn) => {
      const entry = kept().find((each) => each.principalArn === principalArn);
      return entry ? asDescribed(entry) : null;
    },
    create: async (...asked) => (await open()).create(...asked),
    setGroups: async (...asked) => (await open()).setGroups(...asked),
    remove: async (...asked) => (await open()).remove(...asked),
    associate: async (...asked) => (await open()).associate(...asked),
    disassociate: async (...asked) => (await open()).disassociate(...asked),
    tag: async (...asked) => (await open()).tag(...asked),
    untag: async (...asked) => (await open()).untag(...asked),
    tagCluster: async (...asked) => (await open()).tagCluster(...asked),
    untagCluster: async (...asked) => (await open()).untagCluster(...asked),
  };
}

async function openAsAdmin({ account }: Sandbox["aws"], cluster: Cluster): Promise<AccessEntries> {
  const { arn } = account.addRole({ name: `eks-admin-${crypto.randomUUID()}`, allow: ["eks:*"] });
  return accessEntriesOf(await openEks(account.sessionFor(arn, "somebody"), cluster));
}

function asDescribed({
  principalArn,
  entryArn,
  type,
  username,
  groups,
  policies,
  tags,
  createdAt,
}: KeptEntry): AccessEntry {
  const associated = policies.map(({ policyArn, namespaces }) => ({
    name: policyArn.split("/").at(-1) ?? "",
    namespaces,
  }));
  const entry = { principalArn, arn: entryArn, type, username, groups, policies: associated, tags };
  return { ...entry, createdAt: createdAt.toISOString() };
}
