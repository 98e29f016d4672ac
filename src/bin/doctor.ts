import { explainFailure } from "../access/access-error.ts";
import { refusedSessionWarnings } from "../access/identities.ts";
import { type Cluster, type Zone, zoneOf } from "../access/policy/cluster.ts";
import { sharedTokenWarnings } from "../access/policy/expectation.ts";
import { ruleWarnings } from "../access/policy/rule.ts";
import { olderKeys } from "../access/seal.ts";
import type { Fleet } from "../config/fleet-file.ts";
import { broken, counted, type Finding, found, linkNames, marks, notAsked } from "../diagnosis/link.ts";
import { withDeadlines } from "../operations/deadlines.ts";
import { type Examined, examineLedger, examineOlder } from "./examine-ledger.ts";
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

async function* examineSlackSide({ environment, config }: Settings): AsyncGenerator<Examined> {
  if (!environment.slack) return;
  const [{ backgroundClient, examineSlack }, { examineApprovers }, { slackDirectory }] = await Promise.all([
    import("../slack/app/web-client.ts"),
    import("../slack/app/people-called.ts"),
    import("../slack/app/directory.ts"),
  ]);
  const client = backgroundClient(environment.slack);
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
  const { fleet, timing } = settings.config;
  if (fleet) yield { what: "Fleet", findings: await withDeadlines(timing.deadlines, () => examineFleet(fleet)) };
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
