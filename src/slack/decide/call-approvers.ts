import { hasApproved, type Migration } from "../../access/migration/migration.ts";
import { approversIn } from "../../access/policy/may-see.ts";
import { isGone, slackFailure } from "../app/slack-failure.ts";
import { peopleNamed } from "../blocks/people-named.ts";
import { migrationCall } from "../migrate/migration-words.ts";
import { type MessengerContext, sent } from "../show/messenger-context.ts";

/** More approvers are not asked one by one: somebody of these will read it. */
const mostPeople = 20;

/**
 * Asks the approvers of a move in direct messages where their channel can't be reached, and reminds them there: a deleted
 * channel never wedges it. Each call is remembered for each person. @throws AccessError
 */
export async function callApprovers(context: MessengerContext, migration: Migration): Promise<void> {
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
