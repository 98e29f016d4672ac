import { migrationApprovals } from "../../access/approval/decide-migration.ts";
import { hasApproved, isMigrationOver, type Migration } from "../../access/migration/migration.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { approversIn } from "../../access/policy/may.ts";
import { counted } from "../../diagnosis/link.ts";
import type { Place, Shown } from "../../ledger/ledger.ts";
import { isGone, slackFailure } from "../app/slack-failure.ts";
import { answer, type Message } from "../blocks/message.ts";
import { code, mention, mentions, plainLine, styled, time } from "../blocks/mrkdwn.ts";
import { droppedTexts } from "../blocks/words.ts";
import { peopleNamed } from "../people/directory.ts";
import { wakeHomes } from "../show/messenger.ts";
import type { Milestone } from "../show/requester-message.ts";
import { type MessengerContext, nothingShown, postMessage, sent, updateMessage } from "../show/show-in-channel.ts";
import { type ThreadEntry, threadMessage } from "../show/thread.ts";
import { migrationMessage, openingMigrationMessage } from "./migration-message.ts";
import { migrationCall, migrationState, migrationTrouble } from "./migration-words.ts";

/**
 * Makes Slack match the ledger for a migration: the message in the cluster's channel, its thread, and the direct messages to the
 * requester. It may run twice, late, or once for many changes. @throws AccessError
 */
export async function showMigration(context: MessengerContext, id: string): Promise<void> {
  const { ledger } = context;
  const { migrations } = ledger;
  const migration = await migrations.get(id);
  if (!migration) return;
  await wakeHomes(context, migration);
  let shown = (await ledger.shown(id)) ?? nothingShown;
  if (shown.version !== migration.version) shown = await showInChannel(context, migration, shown);
  // The call may have taken seconds: no reminder goes to people who decided meanwhile.
  const newest = (await migrations.get(id)) ?? migration;
  if (shown.message) await tellThread(context, newest, shown.message);
  else await callApprovers(context, newest);
  await ledger.markShown(id, {
    ...shown,
    delivered: await tellRequester(context, migration, shown),
    version: migration.version,
  });
}

/** Updates the earlier message. Posts a new one where there is none, or it was deleted. */
async function showInChannel(context: MessengerContext, migration: Migration, shown: Shown): Promise<Shown> {
  const what = `The message of ${migration.id}`;
  if (shown.message) {
    const outcome = await updateMessage(context, shown.message, migrationMessage(migration), what);
    if (outcome === "shown") return shown;
    if (outcome !== "deleted") return { ...shown, message: null };
  }
  // Approvers are asked after the worker has a plan. A migration that ended before that is not posted.
  const channel = context.config.clusters.get(migration.cluster)?.channel;
  if (!channel || (!migration.plan && migration.state !== "refused" && migration.done.length === 0))
    return { ...shown, message: null };
  const posted = await postMessage(context, channel, openingMigrationMessage(migration), what);
  if (!("ts" in posted)) return { ...shown, message: null };
  const now = { ...shown, version: 0, message: posted };
  // Only a message that the ledger knows gets buttons: two posts of one migration never both accept an approval.
  await context.ledger.markShown(migration.id, now);
  await updateMessage(context, posted, migrationMessage(migration), what);
  return now;
}

async function tellThread(
  { ledger, client, config }: MessengerContext,
  migration: Migration,
  message: Place,
): Promise<void> {
  const told = await ledger.toldInThread(migration.id);
  const entries = migrationThreadOf(migration, config.clusters.get(migration.cluster)).filter(
    ({ name }) => !told.includes(name),
  );
  if (entries.length === 0) return;
  try {
    const { channel, ts } = message;
    await client.chat.postMessage({ channel, thread_ts: ts, ...sent(threadMessage(entries)), unfurl_links: false });
  } catch (error) {
    if (!isGone(error)) throw slackFailure(error, `The thread of ${migration.id}`);
    return;
  }
  const names = entries.map(({ name }) => name);
  await ledger.addToldInThread(migration.id, names);
}

/** Tells the requester when the channel can't be reached, what fails, and how it ended. */
async function tellRequester(
  context: MessengerContext,
  migration: Migration,
  shown: Shown,
): Promise<readonly string[]> {
  let { delivered } = shown;
  const isLost = migration.plan !== null && shown.message === null && !isMigrationOver(migration);
  const milestones = [
    ...(isLost ? [migrationLostMilestone(migration)] : []),
    ...migrationTroubleMilestone(migration),
    ...migrationEndMilestone(migration),
  ];
  for (const { name, message } of milestones) {
    if (delivered.includes(name)) continue;
    await directMessage(context, migration, message);
    delivered = [...delivered, name];
  }
  return delivered;
}

async function directMessage({ client, log }: MessengerContext, migration: Migration, message: Message): Promise<void> {
  try {
    await client.chat.postMessage({ channel: migration.requester, ...sent(message) });
  } catch (error) {
    const failure = slackFailure(error, `The direct message to ${migration.requester}`);
    if (!isGone(error)) throw failure;
    log.warn({ request: migration.id, err: failure }, "could not message the requester");
  }
}

/** Without the channel, approvers see no request and nobody sees its progress. */
function migrationLostMilestone({ id, cluster, state }: Migration): Milestone {
  const why = "it does not exist, or the bot is not a member";
  const lost =
    state === "pending"
      ? `${code(id)} can't be posted in the channel of ${code(cluster)}: ${why}. The approvers get direct messages instead.`
      : `${code(id)} can't be posted in the channel of ${code(cluster)}: ${why}. Follow it with ${code(`/eks-access status ${id}`)}.`;
  return {
    name: "channel-lost",
    message: answer(`${lost} Ask an operator to correct ${code("channel")} in eks-access.yml.`),
  };
}

/** What fails, once for each kind of failure: before there is a plan, no message in the channel says it. */
function migrationTroubleMilestone(migration: Migration): readonly Milestone[] {
  const { trouble, state, id, cluster } = migration;
  const text = migrationTrouble(migration);
  if (!trouble || !text || isMigrationOver(migration)) return [];
  return [{ name: `${state}-${trouble.code}`, message: answer(`Migration ${code(id)} of ${code(cluster)}: ${text}`) }];
}

/** How it ended, once no step is left open. */
function migrationEndMilestone(migration: Migration): readonly Milestone[] {
  if (!isMigrationOver(migration) || migration.begun) return [];
  return [
    {
      name: migration.state,
      message: answer(`Migration ${code(migration.id)} of ${code(migration.cluster)}: ${migrationState(migration)}.`),
    },
  ];
}

/** Everything for the thread of a migration, oldest first. A pure function of the record. */
function migrationThreadOf(migration: Migration, cluster: Cluster | undefined): readonly ThreadEntry[] {
  return [
    ...decisionEntries(migration),
    ...reminderEntries(migration, cluster),
    ...stepEntries(migration),
    ...troubleEntries(migration),
    ...endEntries(migration),
  ];
}

function decisionEntries({ approvals, dropped, voided, state }: Migration): ThreadEntry[] {
  return [
    ...dropped.map((each) => ({ name: `dropped-${each.by}-${each.at}`, text: droppedTexts([each]).join() })),
    ...(voided && state === "pending"
      ? [
          {
            name: `void-${voided.message}-${voided.by.join()}`,
            text: `The approvals by ${mentions(voided.by)} are void: ${styled(voided.message, 400)}. Decide again.`,
          },
        ]
      : []),
    ...approvals.map(({ by, at, digest }) => ({
      name: `approved-${by}-${at}`,
      text: `Plan ${code(digest.slice(0, 12))} approved by ${mention(by)} ${time(at)}.`,
    })),
  ];
}

/** Mentions the approvers who have not decided: an updated message notifies no one. */
function reminderEntries(migration: Migration, cluster: Cluster | undefined): ThreadEntry[] {
  const { state, plan, reminders, approvals, requester, lapsesAt } = migration;
  if (state !== "pending" || !plan || !reminders?.sent || !cluster) return [];
  const others = approversIn(cluster).filter((each) => !hasApproved(migration, each));
  const left = counted(migrationApprovals - approvals.length, "approval");
  const text = `${mentions(others)}: ${mention(requester)} still waits for ${left} for this migration. It expires ${time(lapsesAt)}.`;
  return [{ name: `reminder-${plan.at}-${reminders.sent}`, text }];
}

function stepEntries({ done }: Migration): ThreadEntry[] {
  return done.map(({ name, at, proof }) => ({
    name: `step-${name}-${at}`,
    text: `✓ ${code(name, 300)} ${time(at)}\n${styled(proof.join(" "), 800)}`,
  }));
}

/** Once for each cause: the message counts the tries. */
function troubleEntries({ trouble, lapsesAt }: Migration): ThreadEntry[] {
  if (!trouble) return [];
  return [{ name: `trouble-${trouble.code}-${lapsesAt}`, text: `:warning: ${styled(trouble.message, 1200)}` }];
}

function endEntries(migration: Migration): ThreadEntry[] {
  const { state, denial, endedAt, begun } = migration;
  if (endedAt === null || begun) return [];
  if (state === "denied" && denial) {
    return [
      {
        name: "denied",
        text: `Denied by ${mention(denial.by)} ${time(denial.at)}: ${plainLine(denial.why, 600)}`,
      },
    ];
  }
  return [{ name: state, text: `${migrationState(migration)}.` }];
}

/** More approvers are not asked one by one: a person of these will read it. */
const mostPeople = 20;

/**
 * Asks the approvers of a migration in direct messages where their channel can't be reached, and reminds them there: a deleted
 * channel never wedges it. Each call is remembered for each person. @throws AccessError
 */
async function callApprovers(context: MessengerContext, migration: Migration): Promise<void> {
  const { ledger, client, config, directory } = context;
  const cluster = config.clusters.get(migration.cluster);
  const call = migrationCall(migration);
  if (!cluster || !call) return;
  const told = await ledger.toldInThread(migration.id);
  const people = (await peopleNamed(directory, approversIn(cluster)))
    .filter((user) => !hasApproved(migration, user))
    .slice(0, mostPeople);
  for (const user of people) {
    const name = `${call.name}-${user}`;
    if (told.includes(name)) continue;
    // Slack takes about one message a second: meanwhile it may be decided, or planned anew.
    const newest = await ledger.migrations.get(migration.id);
    if (!newest || migrationCall(newest)?.name !== call.name) return;
    if (hasApproved(newest, user)) continue;
    try {
      await client.chat.postMessage({ channel: user, ...sent(call.message) });
    } catch (error) {
      if (!isGone(error)) throw slackFailure(error, `The direct message to ${user}`);
    }
    await ledger.addToldInThread(migration.id, [name]);
  }
}
