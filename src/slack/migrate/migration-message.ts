import type { AccessError } from "../../access/access-error.ts";
import { isMigrationOver, type Migration } from "../../access/migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { DirectMessages, ShownMessages } from "../../ledger/stored.ts";
import { dueIn, whoToAsk } from "../app/people-called.ts";
import { settleReplaced } from "../show/lost-cards.ts";
import { answer, type Message, newerMessageNote } from "../show/message.ts";
import { lostChannelMilestones, showCopies, wakeHomes } from "../show/messenger.ts";
import { code, context, mentions, section } from "../show/mrkdwn.ts";
import {
  type ChannelMessage,
  type MessengerContext,
  type Milestone,
  noteOutdated,
  sendOnce,
  showInChannel,
} from "../show/show-in-channel.ts";
import { isMoved, isShown, noteMoved, noteShown, shownNow } from "../show/shown-messages.ts";
import { wakeForThread } from "../show/thread.ts";
import { migrationMessage } from "./migration-card.ts";
import { migrationName, migrationState, migrationTitle, migrationTrouble } from "./migration-words.ts";

/** An update turns it into the card. It mentions people, because an update notifies no one, and can't become untrue. */
export function openingMigrationMessage(migration: Migration, cluster: Cluster | undefined): Message {
  const title = migrationTitle(migration);
  const note = newerMessageNote(migrationName(migration));
  const called = cluster ? mentions(dueIn(migration, cluster).names) : "";
  const blocks = [section(`*${title}*${called && `\n${called}`}`), context(note)];
  return { text: `${called && `${called}: `}${title}`, blocks };
}

/** Safe to run twice, late, or once for many changes. @throws AccessError */
export async function showMigration(context: MessengerContext, id: string): Promise<void> {
  const { ledger } = context;
  const migration = await ledger.migrations.get(id);
  if (!migration) return ledger.rememberOutdated(id, null);
  await wakeHomes(context, migration);
  await settleReplaced(context, migration);
  const [shownLast, outdatedIn] = await Promise.all([shownNow(context, migration), ledger.outdatedIn(id)]);
  await noteMoved(context, migration, shownLast);
  const isOutdated = outdatedIn !== null || isMoved(shownLast, migration.cluster, context.config);
  const before = isOutdated ? { ...shownLast, version: 0 } : shownLast;
  const cluster = context.config.clusters.get(migration.cluster);
  const showing = showingOf(migration, cluster);
  const inChannel = await showInChannel(context, showing, before);
  const { lost } = inChannel;
  let { shown } = inChannel;
  if (!isShown(before, migration)) {
    shown = await showCopies(context, showing, shown, await whoToAsk(context, migration), lost !== null);
  }
  // The calls can take seconds, and people can decide meanwhile.
  await wakeForThread(context, (await ledger.migrations.get(id)) ?? migration, shown);
  let toRequester: DirectMessages = { direct: shown.direct, milestones: shown.milestones };
  for (const milestone of milestonesOf(migration, lost, shown)) {
    toRequester = await sendOnce(context, migration.requester, milestone, toRequester);
  }
  await noteOutdated(context, migration, inChannel, outdatedIn);
  await noteShown(context, migration, { ...shown, ...toRequester, isRemoved: !cluster });
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

function milestonesOf(migration: Migration, lost: AccessError | null, shown: ShownMessages): readonly Milestone[] {
  const { plan, trouble, state, cluster, begun } = migration;
  const isOver = isMigrationOver(migration);
  const said = (name: string, text: string) => {
    return { name, message: answer(`${migrationName(migration)} of ${code(cluster)}: ${text}`) };
  };
  const failing = isOver ? null : migrationTrouble(migration);
  return [
    ...(lost && plan && !isOver ? lostChannelMilestones(migration, lost.message, shown) : []),
    // Once for each kind of failure: without a plan, no message in the channel shows it.
    ...(trouble && failing ? [said(`${state}-${trouble.code}`, failing)] : []),
    // Once no step is open.
    ...(isOver && !begun ? [said(state, `${migrationState(migration)}.`)] : []),
  ];
}
