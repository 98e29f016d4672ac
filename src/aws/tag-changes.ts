import { TagResourceCommand, UntagResourceCommand } from "@aws-sdk/client-eks";
import type { AccessEntries } from "./access-entries.ts";
import { type Calls, orGone } from "./entry-calls.ts";

/** Tags of access entries, and of the cluster itself: EKS has the same two calls for both. */
export function tagChanges({
  client,
  clusterArn,
  call,
}: Calls): Pick<AccessEntries, "tag" | "untag" | "tagCluster" | "untagCluster"> {
  const tag = async (resourceArn: string, about: string | null, tags: Readonly<Record<string, string>>) => {
    const command = new TagResourceCommand({ resourceArn, tags: { ...tags } });
    await call("TagResource", about, () => client.send(command));
  };
  const untag = async (resourceArn: string, about: string | null, keys: readonly string[]) => {
    const command = new UntagResourceCommand({ resourceArn, tagKeys: [...keys] });
    await call("UntagResource", about, () => orGone(client.send(command)));
  };
  return {
    tag: ({ arn, principalArn }, tags) => tag(arn, principalArn, tags),
    untag: ({ arn, principalArn }, keys) => untag(arn, principalArn, keys),
    tagCluster: (tags) => tag(clusterArn, null, tags),
    untagCluster: (keys) => untag(clusterArn, null, keys),
  };
}
