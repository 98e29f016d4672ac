import type { ModalView } from "@slack/types";
import { isMigrationId } from "../../access/lists.ts";
import { actsOf, maySeeRequest } from "../../access/policy/permissions.ts";
import { peopleOf } from "../../access/record.ts";
import { continuationOf } from "../../ledger/look-ups.ts";
import { noteAttempt } from "../app/attempts.ts";
import { type Command, idAndRest, type SlackContext } from "../app/context.ts";
import { personFor } from "../app/request-people.ts";
import type { Place } from "../migrate/plan-answer.ts";
import { readMigrationStatus } from "../migrate/read-migration-status.ts";
import { runButton } from "../show/buttons.ts";
import { clusterGoneAnswer, detailsModal, type Message, noSuchRequestAnswer, notYoursAnswer } from "../show/message.ts";
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
  if (isMigrationId(id)) return readMigrationStatus(context, user, id, place);
  const request = await context.ledger.get(id);
  if (!request && (await clustersSeenBy(context, user)).includes(id.toLowerCase())) return clusterAnswer(id);
  if (!request) return (await readRemoved(context, user, id)) ?? noSuchRequestAnswer(id);
  const cluster = context.config.clusters.get(request.cluster);
  const person = await personFor(context, cluster, user, peopleOf(request));
  if (!maySeeRequest(request, cluster, person)) {
    await noteAttempt(context, { act: "see", by: user, code: "not-yours", request });
    return cluster ? notYoursAnswer(request) : clusterGoneAnswer(request.cluster);
  }
  const events = await context.ledger.eventsOf(id, maxEvents);
  const extension = await continuationOf(context.ledger, request);
  const acts = actsOf(request, cluster, person, context.now(), extension !== null);
  return { request, events, acts, extension };
}

function clusterAnswer(cluster: string): Message {
  const said = `${code(cluster.toLowerCase())} is a cluster, not a request.`;
  const runs = [`check ${cluster}`, "status"].map((line) => actions(`run-${line}`, [runButton(line)]));
  return { text: said, blocks: [section(said), ...runs] };
}
