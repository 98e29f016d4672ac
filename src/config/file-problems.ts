import { formatDuration } from "../access/ask/duration.ts";
import { rescueLevel } from "../access/request.ts";
import type { ConfigFile, SharedFile } from "./config-file.ts";
import { creatorProblems, elsewhere, otherPartition, policyProblems, unknownLevel } from "./config-problems.ts";
import { pathOf, use } from "./forms.ts";
import { type Inherited, missingTemplate } from "./inherit.ts";
import { ifReadable, inEach, inEachEntry } from "./readable.ts";

/** A file of which each piece with a wrong form throws when it is read (`readable`). */
export interface ReadableFile extends Pick<Inherited, "sourceOf"> {
  readonly file: ConfigFile;
  readonly shared: SharedFile;
}

/** The mistakes beside those of form, each with its path and its fix: who corrects a file sees all at once. */
export function problemsOfFile(whole: ReadableFile): readonly string[] {
  return inEach(checks, (check) => check(whole));
}

const checks: readonly ((whole: ReadableFile) => readonly string[])[] = [
  ({ file: { clusters, fleet } }) =>
    fleet || Object.keys(clusters).length > 0 ? [] : ["clusters: name at least one cluster."],
  unknownLevels,
  unknownLevelsInShared,
  unknownTemplates,
  // A lease of that name would look like a rescue, which ends in another way.
  ({ file: { levels } }) =>
    Object.hasOwn(levels, rescueLevel)
      ? [use(`levels.${rescueLevel}`, "another name: eks-access rescue has this one")]
      : [],
  ({ file }) => creatorProblems(file),
  signInProblems,
  twice,
  ({ file }) => policyProblems(file),
  // Without an administrator, no link would ever be confirmed.
  ({ file: { linking, administrators } }) =>
    linking.confirm === "none" || administrators.length > 0
      ? []
      : ["administrators: name at least one, for linking.confirm."],
  // While a request is open, an attacker could restore a removed record into Redis.
  ({ file: { ledger, timing } }) =>
    ledger.keep > timing.requestExpiresAfter
      ? []
      : [use("ledger.keep", `more than timing.requestExpiresAfter (${formatDuration(timing.requestExpiresAfter)})`)],
];

function unknownLevels({ file, sourceOf }: ReadableFile): readonly string[] {
  return inEachEntry(file.clusters, (name, { levels }) => notIn(file, levels, sourceOf(["clusters", name, "levels"])));
}

function unknownLevelsInShared({ file, shared: { defaults, templates } }: ReadableFile): readonly string[] {
  return [
    ...ifReadable(() => notIn(file, defaults.levels, ["defaults", "levels"])),
    ...inEachEntry(templates, (name, { levels }) => notIn(file, levels, ["templates", name, "levels"])),
  ];
}

function notIn(file: ConfigFile, levels: readonly string[] | undefined, path: readonly PropertyKey[]) {
  return inEach(levels ?? [], (level, index) => unknownLevel(file, level, pathOf([...path, index])));
}

function unknownTemplates({ file, shared: { templates } }: ReadableFile): readonly string[] {
  return inEach(file.fleet?.templates ?? [], ({ template }, index) =>
    [template].flat().flatMap((name) => missingTemplate(name, templates, `fleet.templates[${index}].template`)),
  );
}

/** Two names for one cluster would let two runs write it at once, and would ask two sets of approvers. */
function twice({ file }: ReadableFile): readonly string[] {
  const seen = new Map<string, string>();
  return inEachEntry(file.clusters, (name, { account, region, eksName }) => {
    const key = `${account}/${region}/${eksName}`;
    const other = seen.get(key);
    seen.set(key, name);
    return other ? [`clusters.${name}: the same EKS cluster as clusters.${other}. Remove one of them.`] : [];
  });
}

function signInProblems({ file }: ReadableFile): readonly string[] {
  return inEachEntry(file.clusters, (name, cluster) =>
    inEach(cluster.signIn.roles, (arn, index) => {
      const path = `clusters.${name}.signIn.roles[${index}]`;
      return [...otherPartition(path, arn, cluster), ...ifReadable(() => otherAccount(path, arn, cluster))];
    }),
  );
}

function otherAccount(path: string, arn: string, { account, foreignAccounts }: ConfigFile["clusters"][string]) {
  const of = arn.split(":")[4] ?? "";
  if (of === account || foreignAccounts.includes(of)) return [];
  return [elsewhere(path, `account ${of}`, account, ", or add it to foreignAccounts")];
}
