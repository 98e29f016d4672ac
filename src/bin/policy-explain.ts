import { parseArgs } from "node:util";
import type { Cluster, Level } from "../access/policy/cluster.ts";
import { ruleInWords, ruleName, ruleWarning, stepsTo } from "../access/policy/explain.ts";
import { type AskVerdict, mayAsk } from "../access/policy/may-ask.ts";
import { partitionOf } from "../access/policy/may-request.ts";
import { parseDuration } from "../access/request/duration.ts";
import { readPrincipal } from "../aws-auth/index.ts";
import type { Config } from "../config/config.ts";
import type { CommandIo } from "./command-io.ts";

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

/** Says which rule decides, and what it asks for. Returns the exit code, or what is wrong with the input. */
export function explainPolicy(argv: readonly string[], config: Config, io: CommandIo): number | string {
  const question = readQuestion(argv, config);
  if (typeof question === "string") return question;
  const { cluster, level, user, memberships, linked, principal, durationSeconds, at } = question;
  const reading = readPrincipal(principal, partitionOf(cluster));
  if (reading.type === "invalid") return `--principal: ${reading.message}`;
  io.stdout(`The rules that speak of ${cluster.name}, in their order:\n`);
  for (const { rule, decides, why } of stepsTo(cluster, level.name, { user, memberships })) {
    io.stdout(`  ${decides ? "→" : "–"} ${ruleName(rule)}: ${why}\n`);
  }
  const standing = { memberships, linked };
  const wish = { cluster, level, principal: reading.principal, durationSeconds, requester: user, standing };
  const verdict = mayAsk(wish, at);
  io.stdout(verdictText(verdict, question));
  return verdict.type === "allowed" ? 0 : 1;
}

function verdictText(verdict: AskVerdict, { user, cluster, level }: Question): string {
  const { rule } = verdict;
  const warning = rule && ruleWarning(rule, cluster, level);
  const asks = rule
    ? [...ruleInWords(rule, cluster, level), ...(warning ? [`Warning: ${warning}`] : [])].map((each) => `  ${each}\n`)
    : [];
  if (verdict.type === "refused") return `Refused (${verdict.code}): ${verdict.message}\n${asks.join("")}`;
  return `Allowed: ${user} may ask for ${level.name} on ${cluster.name}.\n${asks.join("")}`;
}

function readQuestion(argv: readonly string[], { clusters }: Config): Question | string {
  const values = readOptions(argv);
  if (typeof values === "string") return values;
  const { user, cluster: clusterName = "", level: levelName } = values;
  if (!user) return "Say who asks with --user.";
  const cluster = clusters.get(clusterName);
  if (!cluster) return `There is no cluster ${clusterName || "named"}. Clusters: ${[...clusters.keys()].join(", ")}.`;
  const level = cluster.levels.find(({ name }) => name === levelName);
  const offered = cluster.levels.map(({ name }) => name).join(", ");
  if (!level) return `${cluster.name} offers no level ${levelName ?? "that is not named"}. It offers ${offered}.`;
  const durationSeconds = values.for === undefined ? 1 : parseDuration(values.for);
  if (durationSeconds === null) return "--for: write a duration with its unit, for example 4h.";
  const at = values.at === undefined ? null : new Date(values.at);
  if (at && Number.isNaN(at.getTime())) return "--at: write a time as 2026-03-01T09:00:00Z.";
  const domain = values.email === undefined ? [] : [values.email.slice(values.email.lastIndexOf("@")).toLowerCase()];
  const linked = values.linked ?? null;
  const principal = values.principal ?? linked ?? `arn:${partitionOf(cluster)}:iam::${cluster.account}:user/somebody`;
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
  const options = {
    user: text,
    cluster: text,
    level: text,
    email: text,
    linked: text,
    principal: text,
    for: text,
    at: text,
  };
  try {
    return parseArgs({ args: [...argv], options: { ...options, group: { type: "string", multiple: true } } }).values;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
