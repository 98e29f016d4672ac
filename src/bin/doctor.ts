import { explainFailure } from "../access/access-error.ts";
import { refusedSessionWarnings } from "../access/identities.ts";
import { isMigration } from "../access/lists.ts";
import type { Migration } from "../access/migration.ts";
import { type Cluster, hasNoWorker, type Zone, zoneOf, zonesOf } from "../access/policy/cluster.ts";
import { sharedTokenWarnings } from "../access/policy/expectation.ts";
import { ruleWarnings } from "../access/policy/rule.ts";
import type { ApprovedRequest } from "../access/record.ts";
import { type KeyKind, keysIn, olderKeys, type Verifier } from "../access/seal.ts";
import type { Fleet } from "../config/fleet-file.ts";
import { keyRemedy } from "../diagnosis/cluster-links.ts";
import { broken, counted, type Finding, found, linkNames, marks, notAsked } from "../diagnosis/link.ts";
import { connectRedis, type RedisConnection } from "../ledger/connect.ts";
import { examineRedis, examineWrites } from "../ledger/examine-redis.ts";
import { type Ledger, redisLedger } from "../ledger/ledger.ts";
import { sealedValues } from "../ledger/seal-again.ts";
import { type CommandIo, cliCommand, needs, readZones } from "./process-io.ts";
import { readCommandSettings, type Settings, withWorkerContext } from "./settings.ts";

const doctorUsage = `Usage: eks-access doctor slack
       eks-access doctor worker [--zone NAME]…

Run it in the environment of that process. It marks with ✓ what works, with ✗ what you have to fix, and with ! what
deserves a look.

  --zone NAME  check the worker of this zone of eks-access.yml; repeatable

Example: eks-access doctor worker
Exit code: 0 all is well, 1 a check failed, 2 unusable input.
`;

interface Examined {
  readonly what: string;
  readonly findings: readonly Finding[];
  readonly warnings?: readonly string[];
}

export const doctor = cliCommand("doctor", doctorUsage, async (argv, io) => {
  const [kind, ...rest] = argv;
  if (!(kind === "slack" && rest.length === 0) && kind !== "worker") {
    return needs("slack, or worker [--zone NAME]");
  }
  const zones = readZones(rest);
  const settings = await readCommandSettings(kind);
  let isWell = true;
  for await (const examined of examineAll(settings, kind, zones)) {
    printExamined(examined, io);
    isWell &&= areWell(examined.findings);
  }
  io.stdout(isWell ? "All is well.\n" : "Fix each ✗, then run it again.\n");
  return isWell ? 0 : 1;
});

/** Each part as soon as it is known: some take seconds. */
async function* examineAll(settings: Settings, kind: "slack" | "worker", zones: readonly Zone[]) {
  yield examineConfiguration(settings);
  yield { what: "Keys", findings: examineKeys(settings) };
  yield* examineLedger(settings, zones);
  yield* kind === "slack" ? examineSlackSide(settings) : examineWorkerSide(settings, zones);
}

function areWell(findings: readonly Finding[]): boolean {
  return findings.every(({ result }) => result !== "no");
}

const inRedisAlone = "Only Redis has the audit log: set audit.s3, audit.eventBridge or audit.webhook.";

function examineConfiguration({ config: { clusters, audit, identities, fleet } }: Settings): Examined {
  const left = (fleet?.problems ?? []).map((detail): Finding => ({ result: "no", detail, remedy: null }));
  const isEmpty = fleet !== null && clusters.size === 0;
  const none = isEmpty ? [broken("no cluster of the fleet is known", "See eks-access doctor worker.")] : [];
  const whole = [...none, ...left];
  const findings = whole.length > 0 ? whole : [found(`${counted(clusters.size, "cluster")}, no problems`)];
  const all = [...clusters.values()];
  const ofRules = all.flatMap((cluster) =>
    cluster.levels.flatMap((level) => {
      const about = cluster.rules.filter(({ levels }) => levels === null || levels.includes(level.name));
      return about.flatMap((rule) => ruleWarnings(rule, cluster, level));
    }),
  );
  const ofAudit = audit.sinks.length === 0 ? [inRedisAlone] : [];
  const warnings = [...ofAudit, ...ofRules, ...sharedTokenWarnings(all), ...refusedSessionWarnings(identities, all)];
  return { what: "Configuration", findings, warnings };
}

function printExamined({ what, findings, warnings = [] }: Examined, io: CommandIo): void {
  io.stdout(`${what}\n`);
  for (const { result, detail, remedy } of findings) {
    io.stdout(`  ${marks[result]} ${detail.replaceAll("`", "")}${remedy ? `. ${remedy}` : ""}\n`);
  }
  for (const warning of warnings) io.stdout(`  ! ${warning}\n`);
}

/** Matching keys have the same id in both processes. An id reveals nothing of its key. */
function examineKeys({ environment: { slackKeys, workerKeys } }: Settings): readonly Finding[] {
  const inSlack = slackKeys && [
    found(`signs decisions with ${slackKeys.decision.ids[0]}`),
    found(`accepts previews of ${slackKeys.preview.ids.join(", ")}`),
  ];
  const inWorker = workerKeys && [
    found(`accepts decisions of ${workerKeys.decision.ids.join(", ")}`),
    found(`signs previews with ${workerKeys.preview.ids[0]}`),
    found(`seals its memory with ${workerKeys.memory.ids[0]}`),
  ];
  return [...(inSlack ?? []), ...(inWorker ?? [])];
}

/** Whether a rotation can remove the keys that only verify by now. @param sealed the ids of the keys that each record needs */
export function examineOlder(
  kind: KeyKind,
  keys: Pick<Verifier<KeyKind>, "ids">,
  sealed: readonly ReadonlySet<string>[],
): readonly Finding[] {
  return olderKeys(keys).map((key) => {
    const count = sealed.filter((ids) => ids.has(key)).length;
    if (count === 0) return found(`nothing needs the ${kind} key ${key}, which only verifies`);
    return notAsked(`keep the ${kind} key ${key}: ${counted(count, "record")} ${count === 1 ? "needs" : "need"} it`);
  });
}

/** By the key with which the other process signs. */
const others = {
  decision: ["the Slack process", "this worker", "DECISION_PUBLIC_KEYS"],
  preview: ["the worker", "the Slack process", "PREVIEW_PUBLIC_KEYS"],
} as const;

function examineOthers(kind: keyof typeof others, ids: readonly string[], inUse = ""): readonly Finding[] {
  if (!/^[0-9a-f]{8}$/.test(inUse) || ids.includes(inUse)) return [];
  const [signer, verifier, variable] = others[kind];
  return [broken(`${signer} signs with the ${kind} key ${inUse}, which ${verifier} lacks`, keyRemedy(variable))];
}

/** By the keys that seal where leases and migrations are: those that the worker lacks. */
export function examineMemory(
  open: readonly (ApprovedRequest | Migration)[],
  known: readonly string[],
): readonly Finding[] {
  const counts = new Map<string, number>();
  for (const record of open) {
    const places = isMigration(record)
      ? [record.begun, ...record.done].map((step) => step?.place)
      : [record.lease.place];
    for (const key of keysIn(places)) if (!known.includes(key)) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, count]) =>
    broken(
      `${counted(count, "open lease or migration", "open leases or migrations")} ${count === 1 ? "needs" : "need"} the memory key ${key}, which this worker lacks`,
      keyRemedy(),
    ),
  );
}

async function* examineLedger({ environment, config }: Settings, named: readonly Zone[]): AsyncGenerator<Examined> {
  let connection: RedisConnection | null = null;
  try {
    connection = await connectRedis(environment.redisUrl, environment.redisAccess);
    const { redis } = connection;
    const info = await redis.info().catch(() => "");
    const [, fsync] = await redis
      .config("GET", "appendfsync")
      .catch(() => [])
      .then((answer) => [answer].flat());
    const facts = { url: environment.redisUrl, info, fsync: typeof fsync === "string" ? fsync : null };
    const ledger = redisLedger(redis);
    const open = examineOpen(await ledger.openByCluster(), config);
    const seals = await examineSeals(ledger, { environment, config });
    const zones = examineZones(await ledger.zonesSeen(), config, new Date(), named);
    // The last one: a client leaves a Redis that refuses its write.
    yield { what: "Redis", findings: [...examineRedis(facts), await examineWrites(ledger)] };
    yield { what: "Requests", findings: [...open, ...seals] };
    if (zones.length > 0) yield { what: "Zones", findings: zones };
  } catch (error) {
    yield { what: "Redis", findings: [broken("can't use it", explainFailure(error))] };
  } finally {
    await connection?.close();
  }
}

async function examineSeals(
  ledger: Ledger,
  { environment: { slackKeys, workerKeys }, config }: Pick<Settings, "environment" | "config">,
): Promise<readonly Finding[]> {
  const clusters = [...config.clusters.keys()];
  const sealed: ReadonlySet<string>[] = [];
  for await (const { ids, shown } of sealedValues(ledger, clusters)) sealed.push(new Set([...ids, ...shown]));
  const inUse = await ledger.keysInUse();
  const inSlack = slackKeys
    ? [
        ...examineOthers("preview", slackKeys.preview.ids, inUse.get("preview")),
        ...examineOlder("decision", slackKeys.decision, sealed),
      ]
    : [];
  if (!workerKeys) return inSlack;
  const { decision, memory, preview } = workerKeys;
  const leased = await Promise.all(clusters.map((name) => ledger.leasedOf(name)));
  return [
    ...inSlack,
    ...examineOthers("decision", decision.ids, inUse.get("decision")),
    ...examineOlder("preview", preview, sealed),
    ...examineOlder("memory", memory, sealed),
    ...examineMemory([...leased.flat(), ...(await ledger.migrations.open())], memory.ids),
  ];
}

export function examineZones(
  seen: ReadonlyMap<Zone, Date>,
  { clusters }: Pick<Settings["config"], "clusters">,
  now: Date,
  named: readonly Zone[] = [],
): readonly Finding[] {
  const zones = zonesOf(clusters.values());
  const unknown = named
    .filter((zone) => zone !== null && !zones.includes(zone))
    .map((zone) => broken(`no cluster has the zone ${zone}`, "Correct --zone."));
  if (zones.every((zone) => zone === null)) return unknown;
  const served = zones.map((zone) => {
    const name = zone === null ? "the clusters without a zone" : `the zone ${zone}`;
    const seenAt = seen.get(zone);
    if (!hasNoWorker(seenAt, now)) return found(`a worker serves ${name}`);
    const start = zone === null ? "eks-access worker" : `eks-access worker --zone ${zone}`;
    const last = seenAt ? `since ${seenAt.toISOString()}` : "so far";
    return broken(`no worker serves ${name}, ${last}`, `Start ${start} where it reaches them.`);
  });
  return [...served, ...unknown];
}

/** Open requests of clusters that are not configured: their leases do not end. */
function examineOpen(open: ReadonlyMap<string, number>, { clusters }: Settings["config"]): readonly Finding[] {
  const unconfigured = [...open].filter(([name]) => !clusters.has(name));
  if (unconfigured.length === 0) return [found("every open request is of a configured cluster")];
  return unconfigured.map(([name, count]) =>
    broken(
      `${counted(count, "open request")} of ${name}, which is not in eks-access.yml`,
      `Add ${name} again until they end. If it was deleted, run eks-access retire ${name}.`,
    ),
  );
}

async function* examineSlackSide({ environment, config }: Settings): AsyncGenerator<Examined> {
  if (!environment.slack) return;
  const [{ examineSlack, messengerClient }, { examineApprovers }, { slackDirectory }] = await Promise.all([
    import("../slack/app/web-client.ts"),
    import("../slack/app/people-called.ts"),
    import("../slack/app/directory.ts"),
  ]);
  const client = messengerClient(environment.slack);
  const slack = await examineSlack(client);
  const untested = notAsked("signing secret not tested", "If clicks fail, copy it again.");
  yield { what: "Slack", findings: config.slack.mode === "http" ? [...slack, untested] : slack };
  const directory = slackDirectory(client, () => new Date(), config.slack);
  const findings = areWell(slack)
    ? await examineApprovers(directory, config.clusters.values())
    : [notAsked("not checked: fix Slack first")];
  yield { what: "Approvers", findings };
}

async function* examineWorkerSide(settings: Settings, zones: readonly Zone[]): AsyncGenerator<Examined> {
  const { clusters } = settings.config;
  const [first] = clusters.values();
  yield { what: "Clock", findings: [await examineClock(first?.region ?? "us-east-1")] };
  const { examineIdentityCenter } = await import("../worker/questions/identities.ts");
  const directory = await examineIdentityCenter(settings.config);
  if (directory.length > 0) yield { what: "Identity Center", findings: directory };
  if (settings.config.fleet) yield { what: "Fleet", findings: await examineFleet(settings.config.fleet) };
  for (const cluster of clusters.values()) if (zones.includes(zoneOf(cluster))) yield examineCluster(settings, cluster);
}

async function examineClock(region: string): Promise<Finding> {
  const { timeOfAws, maxSkewSeconds } = await import("../aws/sts.ts");
  try {
    const skew = (Date.now() - (await timeOfAws(region)).getTime()) / 1000;
    const said = `${Math.abs(skew).toFixed(0)} s ${skew < 0 ? "behind" : "ahead of"} the clock of AWS`;
    return Math.abs(skew) <= maxSkewSeconds
      ? found(`it is ${said}`)
      : broken(`it is ${said}`, "Set the clocks by NTP.");
  } catch (error) {
    return notAsked("can't compare it with the clock of AWS", explainFailure(error));
  }
}

/** Whether AWS lets the worker look into each account of the fleet. */
async function examineFleet(fleet: Fleet): Promise<readonly Finding[]> {
  const { lookAtFleet, failedAccounts } = await import("../worker/upkeep/look-at-fleet.ts");
  const { found: clusters, failed } = await lookAtFleet(fleet, new Map());
  const refused = failedAccounts(failed).map(({ what, why }) => broken(what, why));
  return [found(`AWS shows ${counted(clusters.length, "cluster")} of it`), ...refused];
}

/** The links of `whoami <cluster>` that need no person: from the worker's own identity to the document. */
const ofCluster: readonly string[] = linkNames.slice(0, linkNames.indexOf("you"));

async function examineCluster(settings: Settings, cluster: Cluster): Promise<Examined> {
  const [{ reportChain }, { examineOperator }, { examineSignIn }, { keysOfMemory }] = await Promise.all([
    import("../worker/questions/chain.ts"),
    import("../worker/operator.ts"),
    import("../worker/sign-in/sign-in.ts"),
    import("../worker/upkeep/seal-clusters.ts"),
  ]);
  const what = `Cluster ${cluster.name}`;
  try {
    return await withWorkerContext(settings, async (context) => {
      const { links } = await reportChain(context, cluster, { user: "doctor", isResponsible: false });
      const findings = links.filter((link) => ofCluster.includes(link.name));
      const named = findings.map((link) => {
        // `creator` is the step of the identity that a run becomes.
        const name = link.name === "creator" && cluster.operator ? "operator" : link.name;
        return { ...link, detail: `${name}: ${link.detail}` };
      });
      const hasEntries = links.some(({ name, detail }) => name === "mode" && detail.includes("access entries"));
      // EKS has no dry run of them.
      const untested = hasEntries
        ? [notAsked("entries: changes not tested (deploy/iam/access-entries-policy.json)")]
        : [];
      const operator = await examineOperator(context, cluster);
      const { memory } = context.keys;
      const inCluster = olderKeys(memory).length > 0 ? [await keysOfMemory(context, cluster)] : [];
      const older = inCluster.length > 0 ? examineOlder("memory", memory, inCluster) : [];
      return { what, findings: [...named, ...untested, ...older, ...operator, ...(await examineSignIn(cluster))] };
    });
  } catch (error) {
    return { what, findings: [broken("can't check it", explainFailure(error))] };
  }
}
