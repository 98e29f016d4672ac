import { z } from "zod";
import { formatDuration } from "../access/request/extension.ts";
import { rescueLevel } from "../access/request/request.ts";
import { partitionOfRegion } from "../aws-auth/index.ts";
import type { ConfigFile } from "./config-file.ts";
import { creatorProblems, policyProblems } from "./config-problems.ts";

/** The mistakes in a file of the right form, each with its path and its fix. */
export function problemsOfFile(file: ConfigFile): string[] {
  return [
    ...noClusters(file),
    ...unknownLevels(file),
    ...reservedLevels(file),
    ...creatorProblems(file),
    ...signInProblems(file),
    ...twice(file),
    ...policyProblems(file),
    ...linkProblems(file),
    ...keepProblems(file),
  ];
}

function noClusters({ clusters, fleet }: ConfigFile): string[] {
  return fleet || Object.keys(clusters).length > 0 ? [] : ["clusters: name at least one cluster."];
}

const names = z.object({
  levels: z.record(z.string(), z.unknown()),
  clusters: z.record(z.string(), z.object({ levels: z.array(z.string()).catch([]) }).catch({ levels: [] })),
});

/** Those that can be found in a file of another form, too: who corrects the form sees them at once. */
export function problemsOfNames(file: unknown): string[] {
  const read = names.safeParse(file);
  return read.success ? unknownLevels(read.data) : [];
}

function unknownLevels(file: z.output<typeof names>): string[] {
  const known = Object.keys(file.levels);
  return Object.entries(file.clusters).flatMap(([name, cluster]) =>
    cluster.levels.flatMap((level, index) =>
      known.includes(level)
        ? []
        : [
            `clusters.${name}.levels[${index}]: there is no level ${level}. Use one of ${known.join(", ")}, or define it under levels.`,
          ],
    ),
  );
}

/** A lease of that name would look like a rescue, which ends in another way. */
function reservedLevels({ levels }: ConfigFile): string[] {
  if (!Object.hasOwn(levels, rescueLevel)) return [];
  return [`levels.${rescueLevel}: use another name; eks-access rescue uses this one.`];
}

/** Without an administrator, no link would ever be confirmed. */
function linkProblems({ linking, administrators }: ConfigFile): string[] {
  if (linking.confirm === "none" || administrators.length > 0) return [];
  return ["administrators: name at least one; linking.confirm needs an administrator besides the person who links."];
}

/** While the approvals of its time count, an attacker could restore a removed record into Redis as open. */
function keepProblems({ ledger, timing }: ConfigFile): string[] {
  const longest = Math.max(timing.requestExpiresAfter, timing.approvalGoodFor);
  if (ledger.keep > longest) return [];
  return [
    `ledger.keep: ${formatDuration(ledger.keep)} is not longer than timing.requestExpiresAfter (${formatDuration(longest)}). Make it longer.`,
  ];
}

/** Two names for one cluster would let two runs write it at once, and would ask two sets of approvers. */
function twice(file: ConfigFile): string[] {
  const seen = new Map<string, string>();
  return Object.entries(file.clusters).flatMap(([name, { account, region, eksName }]) => {
    const key = `${account}/${region}/${eksName}`;
    const other = seen.get(key);
    seen.set(key, name);
    return other
      ? [`clusters.${name}: this is the same EKS cluster as clusters.${other}. Name each cluster once.`]
      : [];
  });
}

function signInProblems({ clusters }: ConfigFile): string[] {
  return Object.entries(clusters).flatMap(([name, { signIn, region, account, foreignAccounts }]) =>
    signIn.roles.flatMap((arn, index) => {
      const [, partition = "", , , of = ""] = arn.split(":");
      const own = partitionOfRegion(region);
      const path = `clusters.${name}.signIn.roles[${index}]`;
      if (own !== null && partition !== own) {
        return [
          `${path}: it is in the partition ${partition}, but the region ${region} is in ${own}. Correct one of them.`,
        ];
      }
      if (of === account || foreignAccounts.includes(of)) return [];
      return [
        `${path}: it is in account ${of}, which gets no access to this cluster. Correct it, or add the account to foreignAccounts.`,
      ];
    }),
  );
}
