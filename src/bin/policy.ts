import { z } from "zod";
import { explainFailure } from "../access/access-error.ts";
import { parseDuration, readIsoTime } from "../access/ask/duration.ts";
import { partitionOf } from "../access/policy/cluster.ts";
import {
  type Actor,
  type ExpectationVerdict,
  expectationForms,
  judgeExpectation,
  readExpectation,
} from "../access/policy/expectation.ts";
import type { FleetCluster } from "../access/policy/fleet-list.ts";
import { type AskVerdict, mayAsk } from "../access/policy/may-ask.ts";
import { ruleInWords, ruleName, rulesUpToDecision, ruleWarnings } from "../access/policy/rule.ts";
import { readHolder } from "../access/principal.ts";
import { type Config, readConfig } from "../config/config.ts";
import { readEnvironment } from "../config/environment.ts";
import { account, labels, readYaml, region, slackUser, withoutName } from "../config/forms.ts";
import { text, texts } from "./option-kinds.ts";
import {
  type CommandIo,
  cliCommand,
  misused,
  needs,
  readArguments,
  readInput,
  readOnlyOptions,
  unusable,
} from "./process-io.ts";
import { clusterNamed, sealedFleet } from "./settings.ts";

const person = z.strictObject({
  user: z.string().optional(),
  groups: z.array(z.string()).default([]),
  email: z.string().optional(),
  linked: z.string().optional(),
});

const expectationsFile = z.strictObject({
  people: z.record(z.string(), person).refine((people) => {
    const names = Object.keys(people);
    return new Set(names.map((name) => name.toLowerCase())).size === names.length;
  }, "give each person another name, not only in other case"),
  expect: z.array(z.string()).min(1, "write at least one expectation"),
});

const policyUsage = `Usage: eks-access policy test FILE [--config FILE] [--clusters FILE]
       eks-access policy explain --user ID --cluster NAME --level NAME [--group ID]… [--email ADDRESS]
                                 [--linked ARN] [--principal ARN] [--for 4h] [--at TIME]
                                 [--config FILE] [--clusters FILE]
       eks-access policy clusters

test      runs the expectations of FILE (docs/policy.md) against the policy of eks-access.yml
explain   shows which rule decides and what it requires. It does not ask Slack: give the user groups and the address
clusters  prints the clusters of the fleet, as the workers know them. Run it in the environment of a process

  --user ID         the Slack user id of the person who asks
  --cluster NAME    the cluster
  --level NAME      the level
  --group ID        a user group that the person is in; repeatable
  --email ADDRESS   their address
  --linked ARN      their linked principal
  --principal ARN   the principal that they ask for; by default the linked one, or any
  --for DURATION    the duration, for example 4h
  --at TIME         the time of the request, for example 2026-03-01T09:00:00Z
  --config FILE     use this file instead of EKS_ACCESS_CONFIG or eks-access.yml
  --clusters FILE   the output of \`eks-access policy clusters\`; by default what the workers know

Example: eks-access policy explain --user U0123456789 --cluster staging --level viewer --for 4h
Exit code: 0 every expectation holds, or the policy allows it, 1 not, 2 unusable input.
`;

/** `eks-access policy …`. It needs neither Slack nor AWS, and Redis and a key only for the fleet of the workers. */
export const runPolicy = cliCommand("policy", policyUsage, async (argv, io) => {
  const [verb, ...rest] = argv;
  if (verb === "clusters" && rest.length === 0) return printClusters(io);
  if (verb === "test") return testPolicy(rest, io);
  return verb === "explain" ? explainPolicy(rest, io) : needs("test, explain or clusters");
});

const sources = { config: text, clusters: text };

/** The configuration with the clusters of the fleet. If they are unknown, it says so and uses those of the file. */
async function readPolicy(
  { config, clusters }: Partial<Record<keyof typeof sources, string | undefined>>,
  io: CommandIo,
): Promise<Config> {
  const path = config ?? (process.env.EKS_ACCESS_CONFIG || "eks-access.yml");
  const written = await readInput(path, io);
  const reading = readConfig(written);
  if (reading.type !== "config") {
    return unusable(
      `${path} has problems:${reading.problems.map((problem) => `\n  - ${withoutName(problem)}`).join("")}`,
    );
  }
  if (!reading.config.fleet && clusters === undefined) return reading.config;
  const now = new Date();
  const known = clusters === undefined ? await clustersOfLedger(now) : await clustersOfFile(clusters, io, now);
  if (typeof known === "string")
    io.stderr(`eks-access policy: ${known} Or use --clusters (eks-access policy clusters).\n`);
  const whole = readConfig(written, { clusters: typeof known === "string" ? [] : known, now });
  if (whole.type !== "config") return unusable(whole.problems.join("\n"));
  for (const problem of whole.config.fleet?.problems ?? []) io.stderr(`eks-access policy: ${problem}\n`);
  return whole.config;
}

async function testPolicy(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = readArguments(argv, sources);
  const [path, ...more] = positionals;
  if (path === undefined || more.length > 0) return needs("one FILE, or - for stdin");
  const { clusters } = await readPolicy(values, io);
  const file = readYaml(await readInput(path, io), expectationsFile);
  if (typeof file === "string") return unusable(`${path}: ${file}`);
  const actors = new Map(
    Object.entries(file.people).map(([name, each]) => [name.toLowerCase(), actorOf(each.user ?? name, each)]),
  );
  const results = file.expect.map((sentence) => resultOf(sentence, { clusters, actors }));
  for (const { sentence, judgement } of results) {
    const mark = judgement.type === "unknown" ? "?" : judgement.holds ? "✓" : "✗";
    io.stdout(`${mark} ${sentence}\n    ${judgement.type === "unknown" ? judgement.message : judgement.why}\n`);
  }
  if (results.some(({ judgement }) => judgement.type === "unknown")) return 2;
  const failed = results.filter(({ judgement }) => judgement.type === "judged" && !judgement.holds).length;
  io.stdout(`${results.length - failed} of ${results.length} expectations hold\n`);
  return failed === 0 ? 0 : 1;
}

function actorOf(user: string, { groups = [], email, linked }: Omit<z.input<typeof person>, "user">): Actor {
  const domain = email === undefined ? [] : [email.slice(email.lastIndexOf("@")).toLowerCase()];
  return { user, memberships: [...groups, ...domain], linked: linked ?? null };
}

function resultOf(
  sentence: string,
  world: Parameters<typeof judgeExpectation>[1],
): { sentence: string; judgement: ExpectationVerdict } {
  const expectation = readExpectation(sentence);
  if (expectation) return { sentence, judgement: judgeExpectation(expectation, world) };
  const message = `eks-access can't read this. Write one of:\n${expectationForms.map((form) => `      ${form}`).join("\n")}`;
  return { sentence, judgement: { type: "unknown", message } };
}

async function explainPolicy(argv: readonly string[], io: CommandIo): Promise<number> {
  const values = readOptions(argv);
  const question = readQuestion(values, await readPolicy(values, io));
  const { cluster, level, asker, principal, at } = question;
  const reading = readHolder(principal, partitionOf(cluster));
  if (reading.type === "invalid")
    return misused(`${values.principal === undefined ? "--linked" : "--principal"}: ${reading.message}`);
  io.stdout(`Rules for ${cluster.name}, in order:\n`);
  for (const { rule, decides, why } of rulesUpToDecision(cluster, level.name, asker)) {
    io.stdout(`  ${decides ? "→" : "–"} ${ruleName(rule)}: ${why}\n`);
  }
  const { user: requester, ...requesterFacts } = asker;
  const verdict = mayAsk({ ...question, principal: reading.principal, requester, requesterFacts }, at);
  io.stdout(verdictText(verdict, question));
  return verdict.type === "allowed" ? 0 : 1;
}

function verdictText(verdict: AskVerdict, { asker, cluster, level }: ReturnType<typeof readQuestion>): string {
  const { rule } = verdict;
  const warnings = rule ? ruleWarnings(rule, cluster, level).map((warning) => `Warning: ${warning}`) : [];
  const asks = rule ? [...ruleInWords(rule, cluster, level), ...warnings].map((each) => `  ${each}\n`) : [];
  if (verdict.type === "refused") return `Refused (${verdict.code}): ${verdict.message}\n${asks.join("")}`;
  return `Allowed: ${asker.user} may ask for ${level.name} on ${cluster.name}.\n${asks.join("")}`;
}

function readQuestion(values: ReturnType<typeof readOptions>, config: Config) {
  const { user, cluster: clusterName, level: levelName } = values;
  if (!user || !slackUser.safeParse(user).success) return needs("--user as a Slack user id, such as U012ABCDEF");
  if (!clusterName) return needs(`--cluster: ${[...config.clusters.keys()].join(", ")}`);
  const cluster = clusterNamed(config, clusterName);
  const offered = cluster.levels.map(({ name }) => name).join(", ");
  if (!levelName) return needs(`--level: ${offered}`);
  const level = cluster.levels.find(({ name }) => name === levelName);
  if (!level) return misused(`${cluster.name} does not offer ${levelName}. Levels: ${offered}.`);
  const durationSeconds = values.for === undefined ? 1 : parseDuration(values.for);
  if (durationSeconds === null) return needs("--for as a duration, such as 4h");
  const at = values.at === undefined ? null : readIsoTime(values.at);
  if (values.at !== undefined && !at) needs("--at as a time, such as 2026-03-01T09:00:00Z");
  const asker = actorOf(user, { ...values, groups: values.group });
  const anyone = `arn:${partitionOf(cluster)}:iam::${cluster.account}:user/anyone`;
  return { asker, cluster, level, principal: values.principal ?? asker.linked ?? anyone, durationSeconds, at };
}

function readOptions(argv: readonly string[]) {
  return readOnlyOptions(argv, {
    ...{ user: text, cluster: text, level: text, email: text, linked: text, principal: text },
    ...{ for: text, at: text, group: texts, ...sources },
  });
}

const clustersFile = z.array(z.object({ account, region, eksName: z.string(), tags: labels.default({}) }));

/** The clusters of a file: JSON or YAML, as `eks-access policy clusters` prints them. */
async function clustersOfFile(path: string, io: CommandIo, now: Date): Promise<readonly FleetCluster[]> {
  const read = readYaml(await readInput(path, io), clustersFile);
  if (typeof read === "string") return unusable(`${path}: ${read}`);
  const at = now.toISOString();
  return read.map((cluster) => ({ ...cluster, waiting: null, since: at, seenAt: at, goneSince: null }));
}

/** The list that a worker sealed, if this environment is one of a process; a text: why there is none. */
async function clustersOfLedger(now: Date): Promise<readonly FleetCluster[] | string> {
  const environments = (["worker", "slack"] as const).map((kind) => readEnvironment(process.env, kind).environment);
  const environment = environments.find((each) => each !== null);
  if (!environment) return "Can't read the fleet. Run this where a process runs.";
  try {
    const list = await sealedFleet(environment, now);
    return list?.clusters ?? "No worker has found a fleet: set fleet and start one.";
  } catch (error) {
    return `Can't read the fleet. ${explainFailure(error)}`;
  }
}

/** `eks-access policy clusters`: the tags in force, of the clusters that AWS shows. */
async function printClusters(io: CommandIo): Promise<number> {
  const known = await clustersOfLedger(new Date());
  if (typeof known === "string") return unusable(known);
  const shown = known.filter(({ goneSince }) => goneSince === null);
  const lines = shown.map(({ account: of, region: at, eksName, tags }) =>
    JSON.stringify({ account: of, region: at, eksName, tags }),
  );
  io.stdout(`[\n  ${lines.join(",\n  ")}\n]\n`);
  return 0;
}
