import type { CreatorReport } from "../../jobs/creator-report.ts";
import type { Cluster } from "../../policy/cluster.ts";
import { nearest } from "../../request/nearest.ts";
import { code, escapeText, section, time } from "../mrkdwn.ts";
import type { Message } from "./message.ts";

/** Who created a cluster: the configuration, CloudTrail, and whether the worker can become it, each by itself. */
export function creatorAnswer(cluster: Cluster, report: CreatorReport): Message {
  const text = [
    `*Who created ${code(cluster.name)}*`,
    `*Configured* ${code(cluster.creator.roleArn)}`,
    `*CloudTrail* ${cloudTrailWords(cluster, report)}`,
    report.becomes.ok
      ? "*The worker* ✓ can become it, and the cluster exists"
      : `*The worker* ✗ can't become it: ${escapeText(report.becomes.message)}`,
  ].join("\n");
  return { text, blocks: [section(text)] };
}

function cloudTrailWords({ creator }: Cluster, { record, trouble }: CreatorReport): string {
  if (trouble) return `– not asked: ${escapeText(trouble)}`;
  if (!record) return "– has no record: it keeps 90 days. The configuration has to say who it was.";
  const by = record.invokedBy ? ` through ${code(record.invokedBy)}` : "";
  const event = `event ${code(record.eventId)}, ${time(record.at)}`;
  if (record.kind === "Root") return `✗ the root user of the account${by}, which nobody can become (${event})`;
  if (!record.arn) return `✗ ${escapeText(record.kind)}${by}, which names no role or user (${event})`;
  const same = record.arn.toLowerCase() === creator.roleArn.toLowerCase();
  return `${same ? "✓ the same" : `✗ ${code(record.arn)}, not the configured one`}, as ${code(record.kind)}${by} (${event})`;
}

export function noSuchClusterAnswer(name: string, names: readonly string[]): Message {
  const guess = nearest(name, names);
  const said = name ? `There is no cluster ${code(name)}.` : "Say which cluster.";
  const hint = guess ? ` Did you mean ${code(guess)}?` : ` Clusters: ${names.map(code).join(", ")}.`;
  return { text: `${said}${hint}`, blocks: [section(`${said}${hint}`)] };
}
