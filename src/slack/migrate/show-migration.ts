import { clusterApprovers } from "../../access/policy/may.ts";
import { hasApproved, isMigrationOver, type Migration } from "../../access/request/migration.ts";
import type { DirectMessages } from "../../ledger/ledger.ts";
import { isGone, slackFailure } from "../app/web-client.ts";
import { peopleNamed } from "../people/directory.ts";
import { answer } from "../show/message.ts";
import { wakeHomes } from "../show/messenger.ts";
import { code } from "../show/mrkdwn.ts";
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
import { migrationMessage, openingMigrationMessage } from "./migration-message.ts";
import { migrationCall, migrationState, migrationTrouble } from "./migration-words.ts";

/**
 * Makes Slack match the ledger for a migration: the message in the cluster's channel, its thread, and the direct messages. Safe to run
 * twice, late, or once for many changes. @throws AccessError
 */
export async function showMigration(context: MessengerContext, id: string): Promise<void> {
  const { ledger } = context;
  const migration = await ledger.migrations.get(id);
  if (!migration) return;
  await wakeHomes(context, migration);
  const before = (await ledger.shown(id)) ?? nothingShown;
  const { shown, lost } = await showInChannel(context, showingOf(migration), before);
  // The call can take seconds: no reminder goes to people who decided meanwhile.
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

/** The worker's plan comes before the approvers. A migration that ended before has no post, except a refusal. */
function showingOf(migration: Migration): ChannelMessage {
  const { plan, state, done } = migration;
  const isReady = plan !== null || state === "refused" || done.length > 0;
  return {
    record: migration,
    message: migrationMessage(migration),
    opening: openingMigrationMessage(migration),
    isReady,
  };
}

/** What the requester must know: a channel out of reach, a failure, and the end. */
function milestonesOf(migration: Migration, isLost: boolean): readonly Milestone[] {
  return [
    ...(isLost && migration.plan && !isMigrationOver(migration) ? [migrationLostMilestone(migration)] : []),
    ...migrationTroubleMilestone(migration),
    ...migrationEndMilestone(migration),
  ];
}

/** Without the channel, approvers see no request and people no progress. */
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

/** A failure, once for each kind: without a plan, no message in the channel shows it. */
function migrationTroubleMilestone(migration: Migration): readonly Milestone[] {
  const { trouble, state, id, cluster } = migration;
  const text = migrationTrouble(migration);
  if (!trouble || !text || isMigrationOver(migration)) return [];
  return [{ name: `${state}-${trouble.code}`, message: answer(`Migration ${code(id)} of ${code(cluster)}: ${text}`) }];
}

/** The end, once no step is open. */
function migrationEndMilestone(migration: Migration): readonly Milestone[] {
  if (!isMigrationOver(migration) || migration.begun) return [];
  return [
    {
      name: migration.state,
      message: answer(`Migration ${code(migration.id)} of ${code(migration.cluster)}: ${migrationState(migration)}.`),
    },
  ];
}

/** Enough that one of them reads it. */
const maxPeople = 20;

/**
 * Asks the approvers of a migration in direct messages if their channel is out of reach, and reminds them there: a deleted channel never
 * blocks it. Remembers each call for each person. @throws AccessError
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
    // Slack takes about one message a second: meanwhile a decision or a new plan can come.
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
