import { type Creator, creatorArnOf } from "../access/policy/creator.ts";
import { partitionOfRegion } from "../aws-auth/index.ts";
import type { ConfigFile } from "./config-file.ts";

type ClusterFile = ConfigFile["clusters"][string];

/**
 * What is wrong with the creators beside their form: of another account, of a partition that the region is not in, or several
 * users that the worker would have to be at once.
 */
export function creatorProblems(file: ConfigFile): string[] {
  const each = Object.entries(file.clusters).flatMap(([name, cluster]) => [
    ...accountProblem(name, cluster),
    ...partitionProblems(name, cluster),
  ]);
  return [...each, ...severalSelves(file)];
}

/** Without a profile a user has to be the worker itself, which is one identity. */
function severalSelves(file: ConfigFile): string[] {
  const selves = Object.entries(file.clusters).flatMap(([name, { creator }]) =>
    creator.type === "user" && !creator.profile ? [{ name, userArn: creator.userArn }] : [],
  );
  const [first, ...others] = selves;
  return others
    .filter(({ userArn }) => userArn !== first?.userArn)
    .map(
      ({ name }) =>
        `clusters.${name}.creator.userArn: without a profile the worker itself has to be this user, and clusters.${first?.name} needs it to be another one. Put the keys of one of them into a profile.`,
    );
}

function accountProblem(name: string, { creator, account }: ClusterFile): string[] {
  const arn = creatorArnOf(creator);
  const creatorAccount = arn?.split(":")[4];
  if (arn === null || creatorAccount === account) return [];
  const kind = creator.type === "role" ? "roleArn" : "userArn";
  return [
    `clusters.${name}.creator.${kind}: it is of account ${creatorAccount}, the cluster of ${account}. Only a ${creator.type} of the cluster's own account can have created it.`,
  ];
}

/** Credentials of one partition are unknown in every other one, and so are its endpoints. */
function partitionProblems(name: string, { creator, region }: ClusterFile): string[] {
  const partition = partitionOfRegion(region);
  if (partition === null) return [];
  return arnsOf(creator).flatMap(([path, arn]) => {
    const found = arn.split(":")[1];
    if (found === partition) return [];
    return [
      `clusters.${name}.creator.${path}: it is of partition ${found}, region ${region} of ${partition}. Correct one of them.`,
    ];
  });
}

function arnsOf(creator: Creator): readonly (readonly [path: string, arn: string])[] {
  if (creator.type === "user") return [["userArn", creator.userArn]];
  const steps = creator.through.map(({ roleArn }, index) => [`through[${index}]`, roleArn] as const);
  return creator.type === "role" ? [["roleArn", creator.roleArn], ...steps] : steps;
}
