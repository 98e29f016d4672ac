import { z } from "zod";
import { explainFailure } from "../access/access-error.ts";
import { parseDuration } from "../access/ask/duration.ts";
import { type Cluster, type Level, partitionOf, type Rule } from "../access/policy/cluster.ts";
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
import { account, labels, readYaml, region } from "../config/forms.ts";
import { type CommandIo, misused, readInput, readOnlyOptions, unusable } from "./process-io.ts";
import { sealedFleet } from "./settings.ts";

const person = z.strictObject({
  user: z.string().optional(),
  groups: z.array(z.string()).default([]),
  email: z.string().optional(),
  linked: z.string().optional(),
});

const expectationsFile = z.strictObject({
  people: z.record(z.string(), person),
  expect: z.array(z.string()).min(1, "write at least one expectation"),
});

export const policyUsage = `Usage: eks-access policy test FILE [--config FILE] [--clusters FILE]
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
export async function runPolicy(argv: readonly string[], io: CommandIo): Promise<number> {
  const [verb, ...rest] = argv;
  if (verb === "clusters" && rest.length === 0) {
    const printed = await printClusters(io);
    return typeof printed === "string" ? unusable(io, "policy", `${printed}\n`) : printed;
  }
  if (verb !== "test" && verb !== "explain")
    return misused(io, "policy", "Use test, explain or clusters.", policyUsage);
  const [config = process.env.EKS_ACCESS_CONFIG || "eks-access.yml", others] = takeOption("--config", rest);
  const [clusters, own] = takeOption("--clusters", others);
  const reading = await readPolicy(config, clusters, io);
  if (typeof reading === "string") return unusable(io, "policy", reading);
  const outcome = verb === "test" ? await testPolicy(own, reading, io) : explainPolicy(own, reading, io);
  return typeof outcome === "string" ? misused(io, "policy", outcome, policyUsage) : outcome;
}

function takeOption(name: string, argv: readonly string[]): readonly [string | undefined, readonly string[]] {
  const at = argv.indexOf(name);
  return at < 0 ? [undefined, argv] : [argv[at + 1] ?? "", argv.filter((_, index) => index !== at && index !== at + 1)];
}

/** The configuration with the clusters of the fleet. If they are unknown, it says so and uses those of the file. */
async function readPolicy(path: string, clusters: string | undefined, io: CommandIo): Promise<Config | string> {
  const input = await readInput(path, io);
  if (input.type === "unusable") return `${input.message}\n`;
  const reading = readConfig(input.text);
  if (reading.type !== "config")
    return `${path} has problems:\n${reading.problems.map((problem) => `  - ${problem}\n`).join("")}`;
  if (!reading.config.fleet) return reading.config;
  const now = new Date();
  const known = clusters === undefined ? await clustersOfLedger(now) : await clustersOfFile(clusters, io, now);
  if (typeof known === "string" && clusters !== undefined) return `${known}\n`;
  if (typeof known === "string")
    io.stderr(`eks-access policy: ${known} Or use --clusters with eks-access policy clusters.\n`);
  const whole = readConfig(input.text, { clusters: typeof known === "string" ? [] : known, now });
  if (whole.type !== "config") return whole.problems.join("\n");
  for (const problem of whole.config.fleet?.problems ?? []) io.stderr(`eks-access policy: ${problem}\n`);
  return whole.config;
}

async function testPolicy(argv: readonly string[], { clusters }: Config, io: CommandIo): Promise<number | string> {
  const [path, ...more] = argv;
  if (path === undefined || more.length > 0) return "Name one FILE, or - for stdin.";
  const input = await readInput(path, io);
  if (input.type === "unusable") return input.message;
  const file = readYaml(input.text, expectationsFile);
  if (typeof file === "string") return `${path}: ${file}`;
  const actors = new Map(Object.entries(file.people).map(([name, each]) => [name.toLowerCase(), actorOf(name, each)]));
  const results = file.expect.map((sentence) => resultOf(sentence, { clusters, actors }));
  for (const { sentence, judgement } of results) io.stdout(lineOf(sentence, judgement));
  if (results.some(({ judgement }) => judgement.type === "unknown")) return 2;
  const failed = results.filter(({ judgement }) => judgement.type === "judged" && !judgement.holds).length;
  io.stdout(`${results.length - failed} of ${results.length} expectations hold\n`);
  return failed === 0 ? 0 : 1;
}

function actorOf(name: string, { user, groups, email, linked }: z.output<typeof person>): Actor {
  const domain = email === undefined ? [] : [email.slice(email.lastIndexOf("@")).toLowerCase()];
  return { user: user ?? name, memberships: [...groups, ...domain], linked: linked ?? null };
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

function lineOf(sentence: string, judgement: ExpectationVerdict): string {
  if (judgement.type === "unknown") return `? ${sentence}\n    ${judgement.message}\n`;
  return `${judgement.holds ? "✓" : "✗"} ${sentence}\n    ${judgement.why}\n`;
}

interface Question {
  readonly user: string;
  readonly memberships: readonly string[];
  readonly linked: string | null;
  readonly cluster: Cluster;
  readonly level: Level;
  readonly principal: string;
  readonly durationSeconds: number;
  readonly at: Date | null;
}

function explainPolicy(argv: readonly string[], config: Config, io: CommandIo): number | string {
  const question = readQuestion(argv, config);
  if (typeof question === "string") return question;
  const { cluster, level, user, memberships, linked, principal, durationSeconds, at } = question;
  const reading = readHolder(principal, partitionOf(cluster));
  if (reading.type === "invalid") return `--principal: ${reading.message}`;
  io.stdout(`Rules for ${cluster.name}, in order:\n`);
  for (const { rule, decides, why } of rulesUpToDecision(cluster, level.name, { user, memberships })) {
    io.stdout(`  ${decides ? "→" : "–"} ${ruleName(rule)}: ${why}\n`);
  }
  const requesterFacts = { memberships, linked };
  const requested = { cluster, level, principal: reading.principal, durationSeconds, requester: user, requesterFacts };
  const verdict = mayAsk(requested, at);
  io.stdout(verdictText(verdict, question));
  return verdict.type === "allowed" ? 0 : 1;
}

function verdictText(verdict: AskVerdict, { user, cluster, level }: Question): string {
  const { rule } = verdict;
  const asks = rule ? linesOf(rule, cluster, level).map((each) => `  ${each}\n`) : [];
  if (verdict.type === "refused") return `Refused (${verdict.code}): ${verdict.message}\n${asks.join("")}`;
  return `Allowed: ${user} may ask for ${level.name} on ${cluster.name}.\n${asks.join("")}`;
}

function linesOf(rule: Rule, cluster: Cluster, level: Level): readonly string[] {
  const warnings = ruleWarnings(rule, cluster, level).map((warning) => `Warning: ${warning}`);
  return [...ruleInWords(rule, cluster, level), ...warnings];
}

function readQuestion(argv: readonly string[], { clusters }: Config): Question | string {
  const values = readOptions(argv);
  if (typeof values === "string") return values;
  const { user, cluster: clusterName = "", level: levelName } = values;
  if (!user) return "Missing --user. Name the person who asks.";
  const cluster = clusters.get(clusterName);
  if (!cluster)
    return `${clusterName ? `Unknown cluster ${clusterName}.` : "Missing --cluster."} Choose: ${[...clusters.keys()].join(", ")}.`;
  const level = cluster.levels.find(({ name }) => name === levelName);
  const offered = cluster.levels.map(({ name }) => name).join(", ");
  if (!level)
    return `${levelName ? `${cluster.name} has no level ${levelName}.` : "Missing --level."} Choose: ${offered}.`;
  const durationSeconds = values.for === undefined ? 1 : parseDuration(values.for);
  if (durationSeconds === null) return "--for: write a duration with its unit, for example 4h.";
  const at = values.at === undefined ? null : new Date(values.at);
  if (at && Number.isNaN(at.getTime())) return "--at: write a time as 2026-03-01T09:00:00Z.";
  const domain = values.email === undefined ? [] : [values.email.slice(values.email.lastIndexOf("@")).toLowerCase()];
  const linked = values.linked ?? null;
  const principal = values.principal ?? linked ?? `arn:${partitionOf(cluster)}:iam::${cluster.account}:user/anyone`;
  return {
    user,
    memberships: [...(values.group ?? []), ...domain],
    linked,
    cluster,
    level,
    principal,
    durationSeconds,
    at,
  };
}

function readOptions(argv: readonly string[]) {
  const text = { type: "string" } as const;
  return readOnlyOptions(argv, {
    ...{ user: text, cluster: text, level: text, email: text, linked: text, principal: text, for: text, at: text },
    group: { type: "string", multiple: true },
  });
}

const clustersFile = z.array(z.object({ account, region, eksName: z.string(), tags: labels.default({}) }));

export type KnownClusters = readonly FleetCluster[] | string;

/** The clusters of a file: JSON or YAML, as `eks-access policy clusters` prints them. */
export async function clustersOfFile(path: string, io: CommandIo, now: Date): Promise<KnownClusters> {
  const input = await readInput(path, io);
  if (input.type === "unusable") return input.message;
  const read = readYaml(input.text, clustersFile);
  if (typeof read === "string") return `${path}: ${read}`;
  const at = now.toISOString();
  return read.map((cluster) => ({ ...cluster, waiting: null, since: at, seenAt: at, goneSince: null }));
}

/** The list that a worker sealed, if this environment is one of a process. */
export async function clustersOfLedger(now: Date): Promise<KnownClusters> {
  const environments = (["worker", "slack"] as const).map((kind) => readEnvironment(process.env, kind).environment);
  const environment = environments.find((each) => each !== null);
  if (!environment) return `The fleet's clusters are unknown here. Run this where a process runs.`;
  try {
    const list = await sealedFleet(environment, now);
    return list?.clusters ?? "No worker has found a fleet yet. Set fleet in eks-access.yml and start a worker.";
  } catch (error) {
    return `Can't read the clusters of the fleet. ${explainFailure(error)}`;
  }
}

/** `eks-access policy clusters`: the tags in force, of the clusters that AWS shows. */
export async function printClusters(io: CommandIo): Promise<number | string> {
  const known = await clustersOfLedger(new Date());
  if (typeof known === "string") return known;
  const shown = known.filter(({ goneSince }) => goneSince === null);
  const lines = shown.map(({ account: of, region: at, eksName, tags }) =>
    JSON.stringify({ account: of, region: at, eksName, tags }),
  );
  io.stdout(`[\n  ${lines.join(",\n  ")}\n]\n`);
  return 0;
}

export default { usage: policyUsage, run: runPolicy };
