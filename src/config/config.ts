import { CORE_SCHEMA, defineScalarTag, FAILSAFE_SCHEMA, load, mergeTag } from "js-yaml";
import type { Sink } from "../access/audit-event.ts";
import type { IdentityRules } from "../access/identities.ts";
import { type Cluster, isByName } from "../access/policy/cluster.ts";
import { placeOf } from "../access/policy/fleet-list.ts";
import type { Deadlines } from "../operations/deadlines.ts";
import { clustersIn, type Proposed } from "./clusters.ts";
import { type ConfigFile, clusterSettings, configFile, sharedFile, sinksOf } from "./config-file.ts";
import { problemsOfFile } from "./file-problems.ts";
import { type Fleet, fleetIn, fleetOf, labelled, type NamedCluster, unknownFleet, withFleet } from "./fleet-file.ts";
import { misreadNames, problemOfYaml, problemsOfForm, valueAt } from "./forms.ts";
import { identityRulesOf } from "./identity-rules.ts";
import { inherit, unknownSetting } from "./inherit.ts";
import { ifReadable, readable } from "./readable.ts";

export interface Config {
  readonly slack: {
    readonly mode: "http" | "socket";
    /** Only requests of the app with this id count; null: any app with the signing secret or the app token. */
    readonly appId: string | null;
    /** The workspace of the user groups, if the app is installed for an Enterprise organization; null: the bot's own. */
    readonly workspace: string | null;
  };
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly fleet: Fleet | null;
  /** The Slack channel of the people who run eks-access; null: none. */
  readonly operatorsChannel: string | null;
  readonly limits: PersonLimits;
  readonly ledger: { readonly keepSeconds: number };
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
  readonly sinks: readonly Sink[];
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
  | {
      readonly type: "invalid";
      readonly problems: readonly string[];
      /** Why clusters of the fleet would be left out; absent: none would. */
      readonly left?: readonly string[];
      /** Absent: a mistake hides all clusters. */
      readonly proposed?: Proposed;
    };

/** Operators share settings by anchors and merge keys, which YAML 1.2 itself does not have. */
const schema = CORE_SCHEMA.withTags(mergeTag);
/** Each name and value as it is written, also after a tag such as `!!int`. */
const asText = { matchByTagPrefix: true, resolve: (source: string) => source, identify: () => false };
const asWritten = FAILSAFE_SCHEMA.withTags(mergeTag, defineScalarTag("tag:yaml.org,2002:", asText));

/** All problems at once. A cluster of the fleet with a problem is left out: its account sets its tags. */
export function readConfig(text: string, fleet = unknownFleet): ConfigReading {
  const loaded = loadYaml(text);
  if (loaded.type === "wrong") return { type: "invalid", problems: [loaded.problem] };
  const { value, misread } = loaded;
  const namings = fleetIn(value, fleet);
  const left = namings.flatMap((naming) => (naming.type === "unnamed" ? naming.problem : []));
  let named = namings.filter((naming) => naming.type === "named");
  for (;;) {
    const { file, problems: found, pieces } = readFile(value, named, fleet.now);
    const problems = [...misread, ...found];
    if (file && problems.length === 0) return { type: "config", config: build(file, named, left) };
    const broken = new Set(problems.map(({ cluster }) => cluster));
    const usable = named.filter(({ name }) => !broken.has(name));
    if (usable.length === named.length) {
      const [proposed] = ifReadable(() => pieces.map((file) => clustersIn(file, named)));
      return {
        type: "invalid",
        problems: sentencesOf(problems),
        ...(left.length > 0 && { left }),
        ...(proposed && { proposed }),
      };
    }
    const isOfFleet = new Set<string | null>(named.map(({ name }) => name));
    left.push(...sentencesOf(problems.filter(({ cluster }) => isOfFleet.has(cluster))));
    named = usable;
  }
}

/** What the environment has to have for a file, with or without mistakes; absent: its setting has a wrong form. */
export function neededBy(text: string): { readonly mode?: "http" | "socket"; readonly hasWebhook?: boolean } {
  const loaded = loadYaml(text);
  const read = <T>(setting: (file: ConfigFile) => T) =>
    ifReadable(() => (loaded.type === "loaded" ? [setting(readable(configFile, loaded.value))] : []))[0];
  const [mode, hasWebhook] = [read(({ slack }) => slack.mode), read(({ audit }) => audit.webhook !== undefined)];
  return { ...(mode && { mode }), ...(hasWebhook !== undefined && { hasWebhook }) };
}

/** Without these sections people may do more. */
const guards = ["policy", "linking"];

/** Those of the first text that the second lacks, each as a sentence with its fix: it can be half a file. */
export function lostGuards(before: string, after: string): readonly string[] {
  const [had, has] = [before, after].map((text) => {
    const loaded = loadYaml(text);
    return loaded.type === "loaded" && typeof loaded.value === "object" ? Object.keys(loaded.value ?? {}) : [];
  });
  return guards
    .filter((name) => had?.includes(name) && !has?.includes(name))
    .map((name) => `${name}: gone. Restore it, or restart.`);
}

function loadYaml(text: string) {
  try {
    const value = load(text, { schema });
    const misread = misreadNames(value, load(text, { schema: asWritten }));
    return { type: "loaded", value, misread: misread.map((sentence) => ({ sentence, cluster: null })) } as const;
  } catch (error) {
    return { type: "wrong", problem: problemOfYaml(error) } as const;
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

/** `file`: null: its form is wrong. `pieces`: the file by its readable pieces; empty: it has none. */
function readFile(value: unknown, named: readonly NamedCluster[], now: Date) {
  const whole = withFleet(value, named, now);
  const inherited = inherit(whole, clusterSettings);
  const { sourceOf } = inherited;
  const written = labelled(inherited.file, named);
  const [read, shared] = [configFile.safeParse(written), sharedFile.safeParse(inherited.shared)];
  const pieces = ifReadable(() => [read.data ?? readable(configFile, written)]);
  const issues = (read.error?.issues ?? []).filter(({ path }) => valueAt(written, path) !== unknownSetting);
  const problems: readonly Problem[] = [
    ...issues.flatMap((issue) => {
      const [room, name] = issue.path;
      const cluster = room === "clusters" && name !== undefined ? String(name) : null;
      return problemsOfForm([issue], whole, sourceOf).map((sentence) => ({ sentence, cluster }));
    }),
    ...[
      ...problemsOfForm(shared.error?.issues ?? [], inherited.shared),
      ...inherited.problems,
      ...ifReadable(() =>
        pieces.flatMap((file) =>
          problemsOfFile({ file, shared: shared.data ?? readable(sharedFile, inherited.shared), sourceOf }),
        ),
      ),
    ].map((sentence) => ({ sentence, cluster: /^clusters\.([a-z0-9-]+)[.:]/.exec(sentence)?.[1] ?? null })),
  ];
  return { file: read.data ?? null, problems, pieces };
}

function build(file: ConfigFile, named: readonly NamedCluster[], left: readonly string[]): Config {
  const { every: everySeconds, ...limits } = file.limits;
  const names = new Map(named.map(({ name, cluster }) => [placeOf(cluster), name]));
  const selectors = [...(file.policy?.rules ?? []), ...(file.policy?.breakGlass ?? [])];
  const wanted = selectors.flatMap(({ clusters }) => (clusters && !isByName(clusters) ? [clusters] : []));
  return {
    slack: { mode: file.slack.mode, appId: file.slack.appId ?? null, workspace: file.slack.workspace ?? null },
    clusters: clustersIn(file, named).clusters,
    fleet: file.fleet ? fleetOf(file.fleet, wanted, names, left) : null,
    operatorsChannel: file.operators.channel ?? file.audit.channel ?? null,
    linking: { mustBeConfirmed: file.linking.confirm === "administrator", administrators: file.administrators },
    identities: identityRulesOf(file.identities),
    audit: {
      channel: file.audit.channel ?? null,
      anchorEverySeconds: file.audit.anchorEvery,
      keepSeconds: file.audit.keep ?? null,
      sinks: sinksOf(file.audit),
    },
    ledger: { keepSeconds: file.ledger.keep },
    limits: { ...limits, everySeconds },
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
