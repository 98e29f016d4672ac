import type { AccessEntry } from "./access-entry.ts";
import { textMapOf } from "./eks-calls.ts";
import type { EksCluster } from "./eks-cluster.ts";
import { type AllowedCall, done, type EksHandler, type EksService } from "./eks-service.ts";
import { type Refusal, refuse } from "./refusal.ts";
import { tagsProblem } from "./tag-rules.ts";

/** The calls about tags, of clusters and of access entries (EKS API reference). They have errors of their own. */

export const listTagsForResource: EksHandler = (service, call) => {
  const tagged = findTagged(service, call);
  return "code" in tagged ? tagged : done({ tags: tagged.tags });
};

export const tagResource: EksHandler = (service, call) => {
  const tagged = findTagged(service, call);
  if ("code" in tagged) return tagged;
  const added = textMapOf(call.body.tags);
  if (Object.keys(added).length === 0) return refuse("BadRequestException", "No tags were provided");
  const tags = { ...tagged.tags, ...added };
  const problem = tagsProblem(added) ?? tagsProblem(tags);
  if (problem) return refuse("BadRequestException", problem);
  tagged.store(tags);
  return done({});
};

/** Keys that are not there are passed over. */
export const untagResource: EksHandler = (service, call) => {
  const tagged = findTagged(service, call);
  if ("code" in tagged) return tagged;
  const keys = call.query.getAll("tagKeys");
  if (keys.length === 0) return refuse("BadRequestException", "No tag keys were provided");
  tagged.store(Object.fromEntries(Object.entries(tagged.tags).filter(([key]) => !keys.includes(key))));
  return done({});
};

interface Tagged {
  tags: Readonly<Record<string, string>>;
  store: (tags: Readonly<Record<string, string>>) => void;
}

function findTagged({ clusters }: EksService, { resourceArn, arnOf }: AllowedCall): Tagged | Refusal {
  const [, kind, name = ""] = /^arn:[^:]+:eks:[^:]+:\d+:(cluster|access-entry)\/([^/]+)/.exec(resourceArn) ?? [];
  if (kind === undefined) return refuse("BadRequestException", "The resourceArn parameter format is not valid");
  const cluster = clusters.get(arnOf(name));
  if (cluster && cluster.arn === resourceArn) {
    return { tags: cluster.tags, store: (tags) => void clusters.set(cluster.arn, { ...cluster, tags }) };
  }
  const entry = cluster?.accessEntries.find(({ entryArn }) => entryArn === resourceArn);
  if (!cluster || !entry) return refuse("NotFoundException", "The specified resource could not be found", 404);
  // Tags are no access: nothing has to take effect.
  return { tags: entry.tags, store: (tags) => void clusters.set(cluster.arn, withTags(cluster, entry, tags)) };
}

function withTags(cluster: EksCluster, entry: AccessEntry, tags: AccessEntry["tags"]): EksCluster {
  const accessEntries = cluster.accessEntries.map((each) => (each === entry ? { ...entry, tags } : each));
  return { ...cluster, accessEntries };
}
