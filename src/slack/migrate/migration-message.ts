import type { KnownBlock } from "@slack/types";
import type { Cluster } from "../../access/policy/cluster.ts";
import { clusterApprovers } from "../../access/policy/permissions.ts";
import {
  hasApproved,
  isMigrationOver,
  type Migration,
  type SealedPlan,
  type StepSummary,
} from "../../access/request/migration.ts";
import { counted } from "../../diagnosis/link.ts";
import type { DirectMessages } from "../../ledger/ledger.ts";
import { isGone, slackFailure } from "../app/web-client.ts";
import { peopleNamed } from "../people/directory.ts";
import { answer, type Message, messageOf } from "../show/message.ts";
import { wakeHomes } from "../show/messenger.ts";
import { code, context, cut, mentions, section, styled, time } from "../show/mrkdwn.ts";
import type { Milestone } from "../show/requester-message.ts";
import {
  type ChannelMessage,
  type MessengerContext,
  nothingShown,
  sendOnce,
  showInChannel,
  webApiMessage,
} from "../show/show-in-channel.ts";
import { wakeForThread } from "../show/thread.ts";
import { asClause, droppedTexts } from "../show/words.ts";
import {
  approveMigrationButton,
  denyMigrationButton,
  retryMigrationButton,
  withdrawMigrationButton,
} from "./migration-buttons.ts";
import { approversLeft } from "./migration-thread.ts";
import { migrationCall, migrationName, migrationState, migrationTitle, migrationTrouble } from "./migration-words.ts";
import { itemWords } from "./plan-answer.ts";
import { repairCard } from "./repair-card.ts";

/** Slack refuses a message of more than about 13,200 characters: each part has its share. */
const room = 4000;

const roomOfSection = 2800;

const maxItems = 10;

const maxSteps = 20;

/**
 * The first post, which an update turns into the message below. It has no button, and nothing that can become untrue. It mentions who must
 * act, because an update notifies no one.
 */
export function openingMigrationMessage(migration: Migration, cluster: Cluster | undefined): Message {
  const title = migrationTitle(migration);
  const note = `${migrationName(migration)}. If no state appears here, look for a newer message.`;
  const called = cluster && migration.state === "pending" ? mentions(approversLeft(migration, cluster)) : "";
  const blocks = [section(`*${title}*${called && `\n${called}`}`), context(note)];
  return { text: `${called && `${called}: `}${title}`, blocks };
}

/** The message in the cluster's channel. A pure function of the record. */
export function migrationMessage(migration: Migration): Message {
  if (migration.kind === "repair") return messageOf(repairCard(migration));
  return messageOf([...migrationBlocks(migration), ...buttonBlocks(migration)]);
}

/** The request, the plan and the state: the same for every approver. */
export function migrationBlocks(migration: Migration): KnownBlock[] {
  const trouble = migrationTrouble(migration);
  return [
    section(`*${migrationTitle(migration)}*\n${code(migration.id)}, asked ${time(migration.createdAt)}`),
    ...migrationPlanBlocks(migration),
    ...voidedBlocks(migration),
    ...(migration.state === "pending"
      ? droppedTexts(migration.dropped).map((text) => section(`:warning: ${text}`))
      : []),
    section(migrationState(migration)),
    ...(trouble ? [section(trouble)] : []),
  ];
}

function voidedBlocks({ voided, state }: Migration): KnownBlock[] {
  if (!voided || state !== "pending") return [];
  return [
    section(
      `:warning: The approvals by ${mentions(voided.by)} no longer count: ${asClause(voided.message, 400)}. Decide again.`,
    ),
  ];
}

/** The digest in the button binds the click to the plan in this message. */
function buttonBlocks(migration: Migration): KnownBlock[] {
  const { id, plan, trouble } = migration;
  if (isMigrationOver(migration) || !plan) return [];
  const retry = trouble ? [retryMigrationButton(migration)] : [];
  const elements =
    migration.state === "pending"
      ? [approveMigrationButton(migration), denyMigrationButton(migration), withdrawMigrationButton(migration)]
      : [...retry, withdrawMigrationButton(migration)];
  return [{ type: "actions", block_id: `migration-${id}-${plan.digest.slice(0, 12)}`, elements }];
}

/** The items of aws-auth while a decision is open, and the steps with a mark for each proved one. */
function migrationPlanBlocks(migration: Migration): KnownBlock[] {
  const { plan } = migration;
  if (!plan || (isMigrationOver(migration) && migration.done.length === 0)) return [];
  const steps = stepLines(migration, plan);
  const shownSteps = fitting(steps, maxSteps);
  const stepBlocks = chunks(shownSteps).map(section);
  if (migration.state !== "pending") return stepBlocks;
  const { items, keptBecause } = plan.summary;
  const listed = items
    .filter(({ outcome }) => outcome !== "creator" && outcome !== "unmatched")
    .map((item) => cut(itemWords(item), 600));
  const shown = fitting(listed, maxItems);
  const left = listed.length - shown.length + steps.length - shownSteps.length;
  return [...shown.map(section), ...stepBlocks, ...keptBlocks(keptBecause), context(lastWords(plan, left, migration))];
}

function stepLines({ done, begun, state }: Migration, { summary }: SealedPlan): readonly string[] {
  const states = new Map(done.map(({ name }) => [name, "✓"]));
  if (begun) states.set(begun.name, ":hourglass_flowing_sand:");
  const planned = summary.steps.map(({ name }) => name);
  const before = done.filter(({ name }) => !planned.includes(name)).map(({ name }) => `✓ ${code(name, 300)}`);
  const lines = summary.steps.map((step) => stepLine(step, states.get(step.name) ?? "·", state === "pending"));
  return [...before.slice(-maxSteps / 2), ...lines];
}

function stepLine({ does, undo }: StepSummary, state: string, toDecide: boolean): string {
  const back = toDecide ? `\n      Undo: ${styled(undo, 160)}` : "";
  return `${state} ${styled(does, 300)}${back}`;
}

function fitting(lines: readonly string[], most: number): readonly string[] {
  let left = room;
  const first = lines.findIndex((line) => {
    left -= line.length + 1;
    return left < 0;
  });
  return lines.slice(0, first === -1 ? most : Math.min(first, most));
}

function chunks(lines: readonly string[]): readonly string[] {
  const texts: string[] = [];
  for (const line of lines) {
    const last = texts.at(-1);
    if (last !== undefined && last.length + line.length < roomOfSection) texts[texts.length - 1] = `${last}\n${line}`;
    else texts.push(line);
  }
  return texts;
}

function keptBlocks(keptBecause: string | null): KnownBlock[] {
  return keptBecause ? [section(`:warning: aws-auth stays as it is. ${styled(keptBecause)}`)] : [];
}

function lastWords({ digest }: SealedPlan, left: number, { cluster, kind }: Migration): string {
  // A repair names each replacement in its first lines.
  const where = kind === "repair" ? "these entries stay" : `see ${code(`/eks-access migrate ${cluster}`)}`;
  const more = left > 0 ? ` ${counted(left, "line")} not shown: ${where}.` : "";
  return `Plan ${code(digest.slice(0, 12))}. An approval covers all of it.${more}`;
}

/**
 * Makes Slack match the ledger for a migration. Safe to run twice, late, or once for many changes. @throws AccessError
 */
export async function showMigration(context: MessengerContext, id: string): Promise<void> {
  const { ledger } = context;
  const migration = await ledger.migrations.get(id);
  if (!migration) return;
  await wakeHomes(context, migration);
  const before = (await ledger.shown(id)) ?? nothingShown;
  const cluster = context.config.clusters.get(migration.cluster);
  const { shown, lost } = await showInChannel(context, showingOf(migration, cluster), before);
  // The call can take seconds, and people can decide meanwhile.
  const newest = (await ledger.migrations.get(id)) ?? migration;
  if (lost) await callApprovers(context, newest);
  else await wakeForThread(context, newest, shown);
  let toRequester: DirectMessages = { direct: shown.direct, milestones: shown.milestones };
  for (const milestone of milestonesOf(migration, lost !== null)) {
    toRequester = await sendOnce(context, migration.requester, milestone, toRequester);
  }
  // The next change retries unreachable messages.
  await ledger.markShown(id, {
    ...shown,
    message: lost ? null : shown.message,
    ...toRequester,
    version: migration.version,
  });
}

/** Approvers see nothing before the worker's plan. A migration that ended before gets no post, except a refusal. */
function showingOf(migration: Migration, cluster: Cluster | undefined): ChannelMessage {
  const { plan, state, done } = migration;
  const isReady = plan !== null || state === "refused" || done.length > 0;
  return {
    record: migration,
    message: migrationMessage(migration),
    opening: openingMigrationMessage(migration, cluster),
    isReady,
  };
}

function milestonesOf(migration: Migration, isLost: boolean): readonly Milestone[] {
  return [
    ...(isLost && migration.plan && !isMigrationOver(migration) ? [migrationLostMilestone(migration)] : []),
    ...migrationTroubleMilestone(migration),
    ...migrationEndMilestone(migration),
  ];
}

/** Without the channel, approvers see no request. */
function migrationLostMilestone({ id, cluster, state }: Migration): Milestone {
  const why = "it does not exist, or the bot is not a member";
  const lost =
    state === "pending"
      ? `I can't post ${code(id)} in the channel of ${code(cluster)}: ${why}. The approvers get direct messages instead.`
      : `I can't post ${code(id)} in the channel of ${code(cluster)}: ${why}. Follow it with ${code(`/eks-access status ${id}`)}.`;
  return {
    name: "channel-lost",
    message: answer(`${lost} Ask an operator to correct ${code("channel")} in eks-access.yml.`),
  };
}

/** Once for each kind of failure: without a plan, no message in the channel shows it. */
function migrationTroubleMilestone(migration: Migration): readonly Milestone[] {
  const { trouble, state, cluster } = migration;
  const text = migrationTrouble(migration);
  if (!trouble || !text || isMigrationOver(migration)) return [];
  return [
    { name: `${state}-${trouble.code}`, message: answer(`${migrationName(migration)} of ${code(cluster)}: ${text}`) },
  ];
}

/** Once no step is open. */
function migrationEndMilestone(migration: Migration): readonly Milestone[] {
  if (!isMigrationOver(migration) || migration.begun) return [];
  return [
    {
      name: migration.state,
      message: answer(`${migrationName(migration)} of ${code(migration.cluster)}: ${migrationState(migration)}.`),
    },
  ];
}

const maxPeople = 20;

/**
 * Asks the approvers in direct messages if their channel is out of reach: a deleted channel never blocks a migration.
 * @throws AccessError
 */
async function callApprovers(context: MessengerContext, migration: Migration): Promise<void> {
  const { ledger, client, config, directory } = context;
  const cluster = config.clusters.get(migration.cluster);
  const call = migrationCall(migration);
  if (!cluster || !call) return;
  const shown = await ledger.threadEntryNames(migration.id);
  const people = (await peopleNamed(directory, clusterApprovers(cluster)))
    .filter((user) => !hasApproved(migration, user))
    .slice(0, maxPeople);
  for (const user of people) {
    const name = `${call.name}-${user}`;
    if (shown.includes(name)) continue;
    // Slack takes about one message a second: meanwhile a decision or a new plan can arrive.
    const newest = await ledger.migrations.get(migration.id);
    if (!newest || migrationCall(newest)?.name !== call.name) return;
    if (hasApproved(newest, user)) continue;
    try {
      await client.chat.postMessage({ channel: user, ...webApiMessage(call.message) });
    } catch (error) {
      if (!isGone(error)) throw slackFailure(error, `the direct message to ${user}`);
    }
    await ledger.addThreadEntries(migration.id, [name]);
  }
}
