import { z } from "zod";
import { formatDuration } from "../access/request/extension.ts";
import { rescueLevel } from "../access/request/request.ts";
import { partitionOfRegion } from "../aws-auth/index.ts";
import { type ConfigFile, configFile } from "./config-file.ts";
import { creatorProblems, policyProblems, unknownNames, unmatchedLabels } from "./config-problems.ts";

/** The part of a file that has the right form. */
export interface PartInForm {
  readonly file: ConfigFile;
  /** The blocks at the top that are not whole here. */
  readonly broken: ReadonlySet<string>;
}

/** The file without the blocks, clusters and levels that have a mistake of form. Null: no part of it can be read. */
export function partInForm(file: unknown, issues: readonly z.core.$ZodIssue[]): PartInForm | null {
  if (!isBlock(file)) return null;
  const left: Block = { ...file };
  for (const block of ["clusters", "levels"]) if (isBlock(left[block])) left[block] = { ...left[block] };
  const broken = new Set<string>();
  for (const issue of issues) {
    const [block, name] = issue.path.map(String);
    const members = block === "clusters" || block === "levels" ? left[block] : null;
    if (block === undefined && issue.code === "unrecognized_keys") for (const key of issue.keys) delete left[key];
    else if (name !== undefined && isBlock(members)) delete members[name];
    else if (block !== undefined) delete left[block];
    if (block !== undefined) broken.add(block);
  }
  const read = configFile.safeParse(left);
  return read.success ? { file: read.data, broken } : null;
}

type Block = Record<string, unknown>;

function isBlock(value: unknown): value is Block {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Each check of a part, with the blocks that must be whole: it would find mistakes that are none. */
const checks: readonly (readonly [whole: readonly string[], check: (file: ConfigFile) => string[]])[] = [
  [["clusters", "fleet"], noClusters],
  [[], creatorProblems],
  [[], signInProblems],
  [[], twice],
  [["clusters", "fleet", "policy"], unmatchedLabels],
  [["policy"], policyProblems],
  [["administrators", "linking"], linkProblems],
  [["ledger", "timing"], keepProblems],
];

/** The mistakes beside those of form, each with its path and its fix: who corrects a file sees all at once. */
export function problemsOfFile(file: unknown, part: PartInForm | null): string[] {
  const inPart = (part ? checks : []).flatMap(([whole, check]) =>
    part && !whole.some((block) => part.broken.has(block)) ? check(part.file) : [],
  );
  const read = names.safeParse(file);
  return read.success ? [...problemsOfNames(read.data), ...inPart] : inPart;
}

function noClusters({ clusters, fleet }: ConfigFile): string[] {
  return fleet || Object.keys(clusters).length > 0 ? [] : ["clusters: name at least one cluster."];
}

const listed = z.array(z.string()).catch([]);
const named = z.object({ clusters: listed, levels: listed, level: z.string().optional().catch(undefined) });
const namedEach = z.array(named.catch({ clusters: [], levels: [] })).catch([]);

/** The names in a file: they can be read in any form. */
const names = z.object({
  fleet: z.unknown().optional(),
  levels: z.record(z.string(), z.unknown()),
  clusters: z.record(z.string(), z.object({ levels: listed }).catch({ levels: [] })),
  policy: z.object({ rules: namedEach, breakGlass: namedEach }).catch({ rules: [], breakGlass: [] }),
});

type Names = z.output<typeof names>;

/** Unknown levels and clusters, and reserved names. */
function problemsOfNames(file: Names): string[] {
  // The fleet can have a cluster later.
  const clusters = file.fleet === undefined ? Object.keys(file.clusters) : null;
  const inPolicy = unknownNames(file.policy, { clusters, levels: Object.keys(file.levels) });
  return [...unknownLevels(file), ...reservedLevels(file), ...inPolicy];
}

function unknownLevels(file: Names): string[] {
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
function reservedLevels({ levels }: Names): string[] {
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
