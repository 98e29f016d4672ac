import type { ModalView } from "@slack/types";
import { isMigration } from "../../access/lists.ts";
import { actsOf, maySeeRequest, migrationActsOf } from "../../access/policy/permissions.ts";
import { peopleOf } from "../../access/record.ts";
import { continuationOf, recordWith } from "../../ledger/look-ups.ts";
import { noteAttempt } from "../app/attempts.ts";
import { type Command, idAndRest, type SlackContext } from "../app/context.ts";
import { memberFor } from "../app/request-people.ts";
import { noSuchAnswer } from "../migrate/migration-words.ts";
import { migrationStatusAnswer, type Place } from "../migrate/plan-answer.ts";
import { runButton } from "../show/buttons.ts";
import { clusterGoneAnswer, detailsModal, type Message, notYoursAnswer } from "../show/message.ts";
import { actions, code, section } from "../show/mrkdwn.ts";
import { clustersSeenBy, readOverview } from "./overview.ts";
import { maxEvents, readRemoved, type Status, statusAnswer, statusModal } from "./status-answer.ts";

export const status: Command = {
  word: "status",
  usage: "[<id>]",
  summary: "shows one request or migration: its state, change, proof and history; without an id, the backlog",
  run: (context, { user, rest }) =>
    rest === "" ? readOverview(context, user) : readStatus(context, user, idAndRest(rest)[0]),
};

/** Everything about a request or a migration, for this reader. @throws AccessError */
export async function readStatus(context: SlackContext, user: string, id: string): Promise<Message> {
  const found = await findStatus(context, user, id, "message");
  return "request" in found ? statusAnswer(found) : found;
}

/** The same as a modal, for an approval. `notice`: the answer to the last click, on top. @throws AccessError */
export async function readDetails(
  context: SlackContext,
  user: string,
  id: string,
  notice: Message | null,
): Promise<ModalView> {
  const found = await findStatus(context, user, id, "view");
  return "request" in found ? statusModal(found, notice) : detailsModal(id, found, notice);
}

async function findStatus(context: SlackContext, user: string, id: string, place: Place): Promise<Status | Message> {
  const { ledger, config, now } = context;
  const record = await recordWith(ledger, id);
  if (!record && (await clustersSeenBy(context, user)).includes(id.toLowerCase())) return clusterAnswer(id);
  if (!record) return (await readRemoved(context, user, id)) ?? noSuchAnswer(id);
  const cluster = config.clusters.get(record.cluster);
  const person = await memberFor(context, cluster, user, peopleOf(record));
  if (!maySeeRequest(record, cluster, person)) {
    await noteAttempt(context, { act: "see", by: user, code: "not-yours", request: record });
    return cluster ? notYoursAnswer(record) : clusterGoneAnswer(record.cluster);
  }
  const events = await ledger.eventsOf(id, maxEvents);
  if (isMigration(record)) {
    const acts = migrationActsOf(record, cluster, person, now());
    return migrationStatusAnswer({ migration: record, events, acts }, place);
  }
  const extension = await continuationOf(ledger, record);
  return { request: record, events, acts: actsOf(record, cluster, person, now(), extension !== null), extension };
}

function clusterAnswer(cluster: string): Message {
  const said = `${code(cluster.toLowerCase())} is a cluster, not a request.`;
  const runs = [`check ${cluster}`, "status"].map((line) => actions(`run-${line}`, [runButton(line)]));
  return { text: said, blocks: [section(said), ...runs] };
}
