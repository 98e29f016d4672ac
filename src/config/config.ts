import { CORE_SCHEMA, load, mergeTag } from "js-yaml";
import type { IdentityRules } from "../access/approval/identities.ts";
import type { AuditSinks } from "../access/audit/sink.ts";
import { type AccessEntrySettings, type Cluster, isByName, type WantedLabels } from "../access/policy/cluster.ts";
import { placeOf } from "../access/policy/fleet-list.ts";
import type { Deadlines } from "../operations/deadlines.ts";
import { sinksOf } from "./audit-file.ts";
import { type ConfigFile, configFile } from "./config-file.ts";
import { partInForm, problemsOfFile } from "./file-problems.ts";
import { type Fleet, fleetIn, fleetOf, labelled, type NamedCluster, unknownFleet, withFleet } from "./fleet-file.ts";
import { problemOfYaml, problemsOfForm } from "./forms.ts";
import { identityCenterPaths, identityRulesOf } from "./identity-rules.ts";
import { inherit } from "./inherit.ts";
import { breakGlassOf, buildLevel, quietReason, rulesOf } from "./policy-rules.ts";

export interface Config {
  readonly slack: {
    readonly mode: "http" | "socket";
    /** Only requests of the app with this id count; null: any app with the signing secret or the app token. */
    readonly appId: string | null;
    /** The workspace of the user groups, if the app is installed for an Enterprise organization; null: the bot's own. */
    readonly workspace: string | null;
  };
  /** By the name that people type. */
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly fleet: Fleet | null;
  /** The Slack channel of the people who run eks-access; null: none. */
  readonly operatorsChannel: string | null;
  readonly limits: PersonLimits;
  readonly ledger: LedgerSettings;
  readonly timing: Timing;
  readonly audit: AuditSettings;
  readonly linking: LinkSettings;
  readonly identities: IdentityRules;
}

export interface LinkSettings {
  /** Whether an administrator has to confirm a link; otherwise the person's own word counts. */
  readonly mustBeConfirmed: boolean;
  readonly administrators: readonly string[];
}

export interface AuditSettings {
  /** The Slack channel for the anchors; null: none. */
  readonly channel: string | null;
  readonly anchorEverySeconds: number;
  /** Older events are removed; null: never. */
  readonly keepSeconds: number | null;
  /** Whether a worker also logs each event. */
  readonly copyToLog: boolean;
  readonly sinks: AuditSinks;
}

export interface LedgerSettings {
  readonly keepSeconds: number;
}

/** In whole seconds, except the deadlines. */
export interface Timing {
  readonly requestExpiresAfterSeconds: number;
  /** How long after the last approval the first write can begin: an approval that is still unused could be replayed. */
  readonly approvalGoodForSeconds: number;
  /** When approvers get reminders of a pending request, from the first message on; ascending. */
  readonly remindAfterSeconds: readonly number[];
  readonly sweepEverySeconds: number;
  /** How often the worker checks clusters with leases for drift. */
  readonly inspectEverySeconds: number;
  /** How long before its end the requester gets a warning; for a short lease a quarter of its time. */
  readonly warnBeforeEndSeconds: number;
  /** How long a migration keeps access entries next to aws-auth before it removes anything from aws-auth. */
  readonly settleEntriesSeconds: number;
  /** How long the ledger is away before a worker ends leases without it. */
  readonly endWithoutLedgerAfterSeconds: number;
  /** In milliseconds. */
  readonly deadlines: Deadlines;
}

/** The limits of one person, so that no one can fill the ledger and the approvers' channel. */
export interface PersonLimits {
  /** Pending requests at once. */
  readonly pending: number;
  /** Requests, refused ones included, and changes of the link, in `everySeconds`. */
  readonly requests: number;
  /** Questions about a cluster to a worker, in `everySeconds`. */
  readonly questions: number;
  readonly everySeconds: number;
}

export type ConfigReading =
  | { readonly type: "config"; readonly config: Config }
  | { readonly type: "invalid"; readonly problems: readonly string[] };

/** Operators share settings by anchors and merge keys, which YAML 1.2 itself does not have. */
const schema = CORE_SCHEMA.withTags(mergeTag);

/**
 * Reads the text of `eks-access.yml`, with the clusters of its fleet. Returns all problems at once. Leaves out a cluster of the fleet
 * with a problem: its account sets its tags, and must not stop the others.
 */
export function readConfig(text: string, fleet = unknownFleet): ConfigReading {
  let value: unknown;
  try {
    value = load(text, { schema });
  } catch (error) {
    return { type: "invalid", problems: [problemOfYaml(error)] };
  }
  const namings = fleetIn(value, fleet);
  const left = namings.flatMap((naming) => (naming.type === "unnamed" ? naming.problem : []));
  let named = namings.filter((naming) => naming.type === "named");
  for (;;) {
    const { file, problems } = readFile(value, named, fleet.now);
    if (file && problems.length === 0) return { type: "config", config: build(file, named, left) };
    const broken = new Set(problems.map(({ cluster }) => cluster));
    const usable = named.filter(({ name }) => !broken.has(name));
    if (usable.length === named.length) return { type: "invalid", problems: sentencesOf(problems) };
    const isOfFleet = new Set<string | null>(named.map(({ name }) => name));
    left.push(...sentencesOf(problems.filter(({ cluster }) => isOfFleet.has(cluster))));
    named = usable;
  }
}

interface Problem {
  readonly sentence: string;
  /** The cluster that has it; null: it is of none. */
  readonly cluster: string | null;
}

function sentencesOf(problems: readonly Problem[]): string[] {
  return [...new Set(problems.map(({ sentence }) => sentence))];
}

interface FileReading {
  /** Null: its form is wrong. */
  readonly file: ConfigFile | null;
  readonly problems: readonly Problem[];
}

function readFile(value: unknown, named: readonly NamedCluster[], now: Date): FileReading {
  const whole = withFleet(value, named, now);
  const { file, sourceOf, problems: unknown } = inherit(whole);
  const read = configFile.safeParse(file);
  const issues = read.error?.issues ?? [];
  const problems = issues.flatMap((issue) =>
    problemsOfForm([issue], whole, sourceOf).map((sentence) => ({ sentence, cluster: clusterIn(issue.path) })),
  );
  const part = partInForm(file, issues);
  for (const { name, cluster } of named) {
    const settings = part?.file.clusters[name];
    if (settings) part.file.clusters[name] = labelled(settings, cluster.tags);
  }
  const others = [...unknown, ...problemsOfFile(file, part)].map(problemIn);
  return { file: (read.success && part?.file) || null, problems: [...problems, ...others] };
}

function clusterIn([room, name]: readonly PropertyKey[]): string | null {
  return room === "clusters" && name !== undefined ? String(name) : null;
}

function problemIn(sentence: string): Problem {
  return { sentence, cluster: /^clusters\.([a-z0-9-]+)[.:]/.exec(sentence)?.[1] ?? null };
}

function build(file: ConfigFile, named: readonly NamedCluster[], left: readonly string[]): Config {
  const isGone = new Set(named.flatMap(({ name, cluster }) => (cluster.goneSince === null ? [] : name)));
  const levels = new Map(Object.entries(file.levels).map(([name, level]) => [name, buildLevel(name, level)]));
  const ofIdentityCenter = identityCenterPaths(
    file.identities,
    Object.values(file.clusters).map(({ region }) => region),
  );
  const clusters = Object.entries(file.clusters).map(([name, cluster]): [string, Cluster] => [
    name,
    {
      ...cluster,
      name,
      accessEntries: withPaths(cluster.accessEntries, ofIdentityCenter),
      levels: cluster.levels.flatMap((offered) => levels.get(offered) ?? []),
      rules: rulesOf(file, name),
      ticket: { need: cluster.ticket, pattern: cluster.ticketPattern ?? null },
      quiet: quietReason(cluster.quiet),
      // A quiet cluster keeps it. A cluster that left the fleet takes nothing.
      breakGlass: isGone.has(name) ? null : breakGlassOf(file, name),
    },
  ]);
  return {
    slack: { mode: file.slack.mode, appId: file.slack.appId ?? null, workspace: file.slack.workspace ?? null },
    clusters: new Map(clusters),
    fleet: file.fleet ? fleetOf(file.fleet, selectorsOf(file), namesOf(named), left) : null,
    operatorsChannel: file.operators.channel ?? file.audit.channel ?? null,
    linking: { mustBeConfirmed: file.linking.confirm === "administrator", administrators: file.administrators },
    identities: identityRulesOf(file.identities),
    audit: {
      channel: file.audit.channel ?? null,
      anchorEverySeconds: file.audit.anchorEvery,
      keepSeconds: file.audit.keep ?? null,
      copyToLog: file.audit.copyToLog,
      sinks: sinksOf(file.audit),
    },
    ledger: { keepSeconds: file.ledger.keep },
    limits: {
      pending: file.limits.pending,
      requests: file.limits.requests,
      questions: file.limits.questions,
      everySeconds: file.limits.every,
    },
    timing: {
      requestExpiresAfterSeconds: file.timing.requestExpiresAfter,
      approvalGoodForSeconds: file.timing.approvalGoodFor,
      remindAfterSeconds: file.timing.remindAfter,
      sweepEverySeconds: file.timing.sweepEvery,
      inspectEverySeconds: file.timing.inspectEvery,
      warnBeforeEndSeconds: file.timing.warnBeforeEnd,
      settleEntriesSeconds: file.timing.settleEntries,
      endWithoutLedgerAfterSeconds: file.timing.endWithoutLedgerAfter,
      deadlines: file.timing.deadlines,
    },
  };
}

function withPaths(written: AccessEntrySettings, more: readonly string[]): AccessEntrySettings {
  return { ...written, rolePaths: [...new Set([...written.rolePaths, ...more])] };
}

function namesOf(named: readonly NamedCluster[]): ReadonlyMap<string, string> {
  return new Map(named.map(({ name, cluster }) => [placeOf(cluster), name]));
}

function selectorsOf({ policy }: ConfigFile): readonly WantedLabels[] {
  return [...(policy?.rules ?? []), ...(policy?.breakGlass ?? [])].flatMap(({ clusters }) =>
    clusters && !isByName(clusters) ? [clusters] : [],
  );
}
