import type { KnownBlock } from "@slack/types";
import { approversLeft } from "../../access/decide-migration.ts";
import {
  hasApproved,
  type ItemSummary,
  isMigrationOver,
  type Migration,
  type SealedPlan,
  type StepSummary,
} from "../../access/migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { DirectMessages } from "../../ledger/stored.ts";
import { peopleNamed } from "../app/directory.ts";
import { answer, type Message, newerMessageNote } from "../show/message.ts";
import { showCopies, wakeHomes } from "../show/messenger.ts";
import { code, context, cut, mentions, section, styled, time } from "../show/mrkdwn.ts";
import type { Milestone } from "../show/requester-message.ts";
import {
  type ChannelMessage,
  isMoved,
  type MessengerContext,
  noteOutdated,
  nothingShown,
  sendOnce,
  showInChannel,
} from "../show/show-in-channel.ts";
import { wakeForThread } from "../show/thread.ts";
import { droppedTexts, voidedText } from "../show/words.ts";
import { migrationMessage } from "./migration-card.ts";
import { migrationName, migrationState, migrationTitle, migrationTrouble } from "./migration-words.ts";
import { itemHead } from "./plan-answer.ts";

const longestSection = 3000;
/** Characters of a sentence before it is escaped, which can make five of one. */
const roomOfPart = 500;
/** The sections of a plan: a message has some 13,200 characters in all, and a view 100 blocks. */
const roomOfPlan = { message: 2, view: 70 } as const;
export type Place = keyof typeof roomOfPlan;

/** An update turns it into the card. It mentions people, because an update notifies no one, and can't become untrue. */
export function openingMigrationMessage(migration: Migration, cluster: Cluster | undefined): Message {
  const title = migrationTitle(migration);
  const note = newerMessageNote(migrationName(migration));
  const called = cluster && migration.state === "pending" ? mentions(approversLeft(migration, cluster)) : "";
  const blocks = [section(`*${title}*${called && `\n${called}`}`), context(note)];
  return { text: `${called && `${called}: `}${title}`, blocks };
}

/** The request, the plan and the state: the same for every approver. */
export function migrationBlocks(migration: Migration, place: Place): KnownBlock[] {
  const { state, voided, dropped } = migration;
  const trouble = migrationTrouble(migration);
  return [
    section(`*${migrationTitle(migration)}*\n${code(migration.id)}, asked ${time(migration.createdAt)}`),
    ...migrationPlanBlocks(migration, place),
    ...(voided && state === "pending" ? [section(`:warning: ${voidedText(voided)}`)] : []),
    ...(state === "pending" ? droppedTexts(dropped).map((text) => section(`:warning: ${text}`)) : []),
    section(migrationState(migration)),
    ...(trouble ? [section(trouble)] : []),
  ];
}

/** The items of aws-auth while a decision is open, and the steps with a mark for each proved one. */
function migrationPlanBlocks(migration: Migration, place: Place): KnownBlock[] {
  const { plan, state } = migration;
  if (!plan || (isMigrationOver(migration) && migration.done.length === 0)) return [];
  const texts = planTexts(migration, plan);
  const shown = texts.slice(0, roomOfPlan[place]).map((text) => section(cut(text, longestSection)));
  if (state !== "pending") return shown;
  return [...shown, ...keptBlocks(plan.summary.keptBecause), context(lastWords(plan, isWhole(texts, place), place))];
}

/** Whether an approver reads the whole plan there: otherwise they can't approve it there (law 4). */
export function showsWholePlan(migration: Migration, place: Place): boolean {
  return migration.plan !== null && isWhole(planTexts(migration, migration.plan), place);
}

function isWhole(texts: readonly string[], place: Place): boolean {
  return texts.length <= roomOfPlan[place] && texts.every(({ length }) => length <= longestSection);
}

function planTexts(migration: Migration, plan: SealedPlan): readonly string[] {
  const items = migration.state === "pending" ? plan.summary.items : [];
  const listed = items.filter(({ outcome }) => outcome !== "creator" && outcome !== "unmatched");
  return chunks([...listed.flatMap(itemLines), ...stepLines(migration, plan)]);
}

function itemLines(item: ItemSummary): readonly string[] {
  const [first = "", ...others] = parts(item.sentences.join(" "));
  return [`${itemHead(item)}\n      ${first}`, ...others.map(indented)];
}

function stepLines({ done, begun, state }: Migration, { summary }: SealedPlan): readonly string[] {
  const states = new Map(done.map(({ name }) => [name, "✓"]));
  if (begun) states.set(begun.name, ":hourglass_flowing_sand:");
  const planned = summary.steps.map(({ name }) => name);
  const before = done.filter(({ name }) => !planned.includes(name)).map(({ name }) => `✓ ${code(name, 300)}`);
  const lines = summary.steps.flatMap((step) => linesOfStep(step, states.get(step.name) ?? "·", state === "pending"));
  return [...before, ...lines];
}

function linesOfStep({ does, undo }: StepSummary, state: string, toDecide: boolean): readonly string[] {
  const [first = "", ...others] = parts(does);
  return [`${state} ${first}`, ...others.map(indented), ...(toDecide ? parts(`Undo: ${undo}`).map(indented) : [])];
}

const indented = (text: string) => `      ${text}`;

/** A text in parts that each fit into a section, if it has spaces, however much of it is escaped. */
function parts(text: string): readonly string[] {
  const found: string[] = [];
  for (const word of text.split(" ")) {
    const last = found.at(-1);
    if (last !== undefined && last.length + word.length < roomOfPart) found[found.length - 1] = `${last} ${word}`;
    else found.push(word);
  }
  return found.map((part) => styled(part, Number.POSITIVE_INFINITY));
}

function chunks(lines: readonly string[]): readonly string[] {
  const texts: string[] = [];
  for (const line of lines) {
    const last = texts.at(-1);
    if (last !== undefined && last.length + line.length < longestSection) texts[texts.length - 1] = `${last}\n${line}`;
    else texts.push(line);
  }
  return texts;
}

function keptBlocks(keptBecause: string | null): KnownBlock[] {
  return keptBecause ? [section(`:warning: aws-auth stays as it is. ${styled(keptBecause)}`)] : [];
}

function lastWords({ digest }: SealedPlan, whole: boolean, place: Place): string {
  const plan = `Plan ${code(digest.slice(0, 12))}.`;
  if (whole) return `${plan} An approval covers all of it.`;
  return place === "message"
    ? `${plan} Press *Details* to read all of it, and to approve.`
    : `${plan} It is too long to approve. Remove items from aws-auth, then ask again.`;
}

/** Safe to run twice, late, or once for many changes. @throws AccessError */
export async function showMigration(context: MessengerContext, id: string): Promise<void> {
  const { ledger } = context;
  const migration = await ledger.migrations.get(id);
  if (!migration) return ledger.rememberOutdated(id, null);
  await wakeHomes(context, migration);
  const [last, outdatedIn] = await Promise.all([ledger.shown(id), ledger.outdatedIn(id)]);
  const shownLast = last ?? nothingShown;
  const isOutdated = outdatedIn !== null || isMoved(shownLast, migration.cluster, context.config);
  const before = isOutdated ? { ...shownLast, version: 0 } : shownLast;
  const cluster = context.config.clusters.get(migration.cluster);
  const showing = showingOf(migration, cluster);
  const inChannel = await showInChannel(context, showing, before);
  const { lost } = inChannel;
  let { shown } = inChannel;
  if (before.version !== migration.version) {
    const approvers = await whoToAsk(context, migration, cluster);
    shown = await showCopies(context, showing, shown, approvers, lost !== null);
  }
  // The calls can take seconds, and people can decide meanwhile.
  await wakeForThread(context, (await ledger.migrations.get(id)) ?? migration, shown);
  let toRequester: DirectMessages = { direct: shown.direct, milestones: shown.milestones };
  for (const milestone of milestonesOf(migration, lost !== null)) {
    toRequester = await sendOnce(context, migration.requester, milestone, toRequester);
  }
  await noteOutdated(context, migration, inChannel, outdatedIn);
  await ledger.markShown(id, { ...shown, ...toRequester, version: migration.version, isRemoved: !cluster });
}

async function whoToAsk(
  { directory }: MessengerContext,
  migration: Migration,
  cluster: Cluster | undefined,
): Promise<readonly string[]> {
  if (!cluster || migration.state !== "pending" || !migration.plan) return [];
  const people = await peopleNamed(directory, approversLeft(migration, cluster));
  return people.filter((user) => !hasApproved(migration, user));
}

/** Approvers see nothing before the worker's plan. A migration that ended before gets no post, except a refusal. */
function showingOf(migration: Migration, cluster: Cluster | undefined): ChannelMessage {
  const { plan, state, done } = migration;
  const isReady = plan !== null || state === "refused" || done.length > 0;
  return {
    record: migration,
    message: migrationMessage(migration, !cluster),
    opening: () => openingMigrationMessage(migration, cluster),
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
      ? `I can't post ${code(id)} in the channel of ${code(cluster)}: ${why}. I sent direct messages to the approvers.`
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
