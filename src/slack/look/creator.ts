import type { Cluster } from "../../access/policy/cluster.ts";
import {
  type Creator,
  creatorArnOf,
  creatorOf,
  isSameCreator,
  type KnownCreator,
  type RoleStep,
  remedyWithoutCreator,
} from "../../access/policy/creator.ts";
import { type CreatorReport, creatorReport } from "../../diagnosis/reports.ts";
import { askWorker, type Command } from "../app/context.ts";
import { answer, type Message } from "../show/message.ts";
import { code, codeList, escapeText, plainLine, time } from "../show/mrkdwn.ts";
import { aboutCluster, noWorkerAnswer } from "./about-cluster.ts";

export const creator: Command = {
  word: "creator",
  usage: "<cluster>",
  summary: "shows who created a cluster, and whether the worker can act as its creator",
  run: (context, { user, rest }) =>
    aboutCluster(context, { user, name: rest }, async (cluster) => {
      const question = { type: "creator", cluster: cluster.name } as const;
      const report = await askWorker(context, question, creatorReport);
      return report ? creatorAnswer(cluster, report) : noWorkerAnswer();
    }),
};

/** The creator of a cluster: by the configuration and CloudTrail, whether the worker can act as it, and the fix. */
export function creatorAnswer(cluster: Cluster, report: CreatorReport): Message {
  const { creator } = cluster;
  const todo = whatToDo(cluster, report);
  const lines = [
    `*Who created ${code(cluster.name)}*`,
    `*Configured* ${configuredWords(creator)}`,
    ...(cluster.operator ? [`*Operator* ${code(cluster.operator.roleArn)}`] : []),
    `*CloudTrail* ${cloudTrailWords(cluster, report)}`,
    `*The worker* ${workerWords(cluster, report)}`,
    ...(todo === null ? [] : [`*What to do* ${todo}`]),
  ];
  return answer(lines.join("\n"));
}

function configuredWords(creator: Creator): string {
  if (creator.type === "discover") return "discover: the identity that CloudTrail names";
  if (creator.type === "user") {
    const keys = creator.profile
      ? `with the keys of the worker's profile ${code(creator.profile)}`
      : "the worker itself";
    return `the user ${code(creator.userArn)}, ${keys}`;
  }
  const through = creator.through.map((step) => step.roleArn);
  return `${code(creator.roleArn)}${through.length > 0 ? `, assumed through ${codeList(through, 400)}` : ""}`;
}

function cloudTrailWords({ creator, region }: Cluster, report: CreatorReport): string {
  const { record, isRemembered, trouble } = report;
  if (!record) return noRecordWords(creator, region, report);
  const by = record.invokedBy ? ` through ${code(record.invokedBy)}` : "";
  const memory = isRemembered ? `; from the ledger${trouble ? ", as CloudTrail did not answer" : ""}` : "";
  const event = `event ${code(record.eventId)}, ${time(record.at)}${memory}`;
  if (record.kind === "Root" || !record.arn) {
    const who = record.kind === "Root" ? "the root user" : escapeText(record.kind);
    return `✗ ${who}${by}, which no worker can use (${event})`;
  }
  if (record.kind === "FederatedUser") return `– a federated user session of ${code(record.arn)} (${event})`;
  return `${whetherSame(creator, record.arn)}, as ${code(record.kind)}${by} (${event})`;
}

/** CloudTrail keeps records by region: the wrong region has none. */
function noRecordWords(creator: Creator, region: string, { trouble, becomes }: CreatorReport): string {
  if (trouble) return `– not asked: ${plainLine(trouble, 700)}`;
  if (becomes.isMissing) return `– no record in ${code(region)}: EKS has no such cluster there`;
  const exists = becomes.ok && !becomes.message;
  // Without a configured creator, nothing asked EKS whether the cluster exists.
  const check = exists || creator.type === "discover" ? "" : ". Check eksName, region, account.";
  return `– no record in ${code(region)}: CloudTrail keeps 90 days${check}`;
}

function whetherSame(creator: Creator, arn: string): string {
  const configured = creatorArnOf(creator);
  if (configured === null) return `✓ ${code(arn)}`;
  return isSameCreator(arn, configured) ? "✓ the same" : `✗ ${code(arn)}, not the configured one`;
}

function workerWords({ creator, operator }: Cluster, { becomes }: CreatorReport): string {
  const it = operator ? "the operator" : "it";
  if (!becomes.ok) return `✗ can't act as ${it}: ${plainLine(becomes.message, 1_000)}`;
  const who = operator
    ? "can act as the operator"
    : creator.type === "discover" && becomes.arn
      ? `can act as ${code(becomes.arn)}`
      : "can act as it";
  if (becomes.message) return `✓ ${who}, but the cluster can't be used: ${plainLine(becomes.message, 1_000)}`;
  return `✓ ${who}, and the cluster exists`;
}

/** What an operator should do; null: nothing. A failure to become the creator brings its own remedy. */
function whatToDo({ name, account, creator }: Cluster, { record, becomes }: CreatorReport): string | null {
  if (!record) return null;
  const verdict = creatorOf(record, account, creator.type === "user" ? { through: [] } : creator);
  const configured = creatorArnOf(creator);
  if (verdict.type === "unusable") {
    // A role with an access entry can replace such a creator.
    return becomes.ok || configured === null ? null : remedyWithoutCreator;
  }
  if (configured !== null && isSameCreator(creatorArnOf(verdict.creator), configured)) return null;
  const { line, note } = creatorLine(verdict.creator);
  if (record.kind === "FederatedUser") {
    return `Try ${line} in eks-access.yml.${note} ${code(`/eks-access whoami ${name}`)} tests it. ${remedyWithoutCreator}`;
  }
  if (creator.type === "discover") {
    return `Add ${line} to eks-access.yml: CloudTrail forgets it in 90 days.${note}`;
  }
  return `If that cluster still exists, set ${line} in eks-access.yml.${note}`;
}

/** The whole setting, to copy. A user needs its own keys. */
function creatorLine(creator: KnownCreator): { readonly line: string; readonly note: string } {
  if (creator.type === "role") {
    const { roleArn, externalId, through } = creator;
    const parts = [`roleArn: ${roleArn}`, ...(externalId === undefined ? [] : [`externalId: ${externalId}`])];
    if (through.length > 0) parts.push(`through: [${through.map(stepText).join(", ")}]`);
    return { line: code(`creator: { ${parts.join(", ")} }`), note: "" };
  }
  const { userArn, profile = "PROFILE" } = creator;
  const note = creator.profile ? "" : " PROFILE has this user's keys.";
  return { line: code(`creator: { userArn: ${userArn}, profile: ${profile} }`), note };
}

function stepText({ roleArn, externalId }: RoleStep): string {
  return externalId === undefined ? `"${roleArn}"` : `{ roleArn: "${roleArn}", externalId: ${externalId} }`;
}
