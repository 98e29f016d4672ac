import { formatDuration } from "../../access/ask/duration.ts";
import type { Cluster, Level } from "../../access/policy/cluster.ts";
import { creatorArnOf } from "../../access/policy/creator.ts";
import {
  approvalsNeeded,
  approversOf,
  breakGlassFor,
  isApproverOf,
  isNamedIn,
  isResponsibleFor,
  levelsFor,
  type Person,
  ruleFor,
  sharedLeases,
} from "../../access/policy/rule.ts";
import type { Command } from "../app/context.ts";
import { personShown } from "../app/request-people.ts";
import { answer, type Message, messageOf } from "../show/message.ts";
import { code, codeList, context, cut, mentions, oneOf, plainLine, section } from "../show/mrkdwn.ts";
import { hoursText } from "../show/words.ts";

/** More do not fit into one Slack message. */
const maxClusters = 8;

const maxLevels = 6;

export const clusters: Command = {
  word: "clusters",
  usage: "[<part of a name>]",
  summary: "shows the clusters, the access you can request, and who approves it",
  run: async (context, { user, rest }) => {
    const person = await personShown(context, user);
    const seen = [...context.config.clusters.values()].filter(
      (cluster) => levelsFor(cluster, person).length > 0 || isResponsibleFor(cluster, person),
    );
    const part = rest.toLowerCase();
    const found = seen.filter(({ name }) => name.includes(part));
    const names = seen.map(({ name }) => name);
    return found.length > 0 ? clustersAnswer(found, person) : noClusterFitsAnswer(rest, names);
  },
};

/** `clusters`: this person's levels in each cluster, their limits, and the approvers. */
export function clustersAnswer(clusters: readonly Cluster[], person: Person): Message {
  const shown = clusters.slice(0, maxClusters);
  const left = clusters.slice(maxClusters).map(({ name }) => name);
  const more = `${codeList(left, 1500)}. Find one with ${code("/eks-access clusters <part of its name>")}.`;
  return messageOf([
    ...shown.map((cluster) => section(cut(clusterWords(cluster, person), 1350))),
    ...(left.length > 0 ? [context(`And ${left.length} more: ${more}`)] : []),
  ]);
}

export function noClusterFitsAnswer(part: string, names: readonly string[]): Message {
  return answer(`No cluster has ${code(part)} in its name. Clusters: ${codeList(names, 2000)}.`);
}

function clusterWords(cluster: Cluster, person: Person): string {
  const { name, eksName, region, account, channel, onCall } = cluster;
  const levels = cluster.levels.slice(0, maxLevels).map((level) => levelWords(cluster, level, person));
  const left = cluster.levels.slice(maxLevels).map((each) => each.name);
  return [
    `*${code(name)}*${roleWords(cluster, person)}: ${eksName === name ? "" : `${code(eksName)} `}in ${code(region)}, account ${code(account)}`,
    ...levels,
    ...(left.length > 0 ? [`• ${left.length} more levels: ${codeList(left, 150)}`] : []),
    ...exceptionsOf(cluster, person),
    `Requests go to <#${channel}>. ${onCall.length > 0 ? `On call: ${few(onCall)}` : "No on-call"}. ${creatorWords(cluster)}`,
  ].join("\n");
}

function exceptionsOf(cluster: Cluster, person: Person): string[] {
  const emergency = breakGlassFor(cluster, person);
  const line = code(`/eks-access break-glass ${cluster.name} <reason>`);
  return [
    ...(cluster.quiet === null ? [] : [`:zzz: No requests now: ${plainLine(cluster.quiet, 200)}`]),
    ...(emergency
      ? [
          `Emergency: ${line} gives ${code(emergency.level, 70)} for ${formatDuration(emergency.durationSeconds)} at once`,
        ]
      : []),
  ];
}

function roleWords(cluster: Cluster, person: Person): string {
  const roles = [
    ...(isApproverOf(cluster, person) ? ["you approve here"] : []),
    ...(isNamedIn(cluster.onCall, person) ? ["you are on call"] : []),
  ];
  return roles.length > 0 ? ` (${roles.join(", ")})` : "";
}

function levelWords(cluster: Cluster, level: Level, person: Person): string {
  const rule = ruleFor(cluster, level.name, person);
  const longest = formatDuration(
    Math.min(level.maxDurationSeconds, rule?.maxDurationSeconds ?? Number.POSITIVE_INFINITY),
  );
  const what = `• ${code(level.name, 70)} up to ${longest}${rule?.permanent ? ", or permanent" : ""}`;
  if (!rule) return `${what}: you can't request it`;
  const count = approvalsNeeded(rule, level, null);
  const approvers = approversOf(rule, cluster);
  const decided = `approved by ${count === 1 ? oneOf(approvers, 5) : `${count} of ${few(approvers)}`}`;
  const only = sharedLeases(rule, level) === "refuse" ? ", for one person only" : "";
  return `${what}${only}, ${decided}${hoursText(rule)}`;
}

function few(users: readonly string[]): string {
  const shown = mentions(users.slice(0, 5));
  return users.length > 5 ? `${shown} and ${users.length - 5} more` : shown;
}

function creatorWords({ creator, operator }: Cluster): string {
  if (operator) return `eks-access works as ${code(operator.roleArn, 200)}.`;
  const arn = creatorArnOf(creator);
  return arn === null ? "CloudTrail names its creator." : `Created by ${code(arn, 200)}.`;
}
