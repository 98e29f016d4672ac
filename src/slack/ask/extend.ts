import type { ModalView, MrkdwnOption } from "@slack/types";
import { formatDuration, readTime } from "../../access/ask/duration.ts";
import { type ExtensionChoice, extensionChoices, readExtension } from "../../access/ask/extension.ts";
import { readNamespaces, readTicket } from "../../access/ask/read-part.ts";
import { extensionsOf } from "../../access/lease/revoke.ts";
import type { Cluster, Level } from "../../access/policy/cluster.ts";
import { levelsOffered } from "../../access/policy/rule.ts";
import { readHolder } from "../../access/principal.ts";
import { type AccessRequest, typedFieldsOf } from "../../access/record.ts";
import { isRescue } from "../../access/request.ts";
import { type Buttons, type Forms, openOnCommand, opens, submits } from "../app/answer.ts";
import { noteAttempt } from "../app/attempts.ts";
import { type Command, idAndRest, type SlackContext } from "../app/context.ts";
import { isOfPerson, personFor } from "../app/request-people.ts";
import { extendAction } from "../show/buttons.ts";
import {
  answer,
  clusterGoneAnswer,
  failureAnswer,
  formModal,
  type Message,
  noSuchRequestAnswer,
  onlyAnswer,
} from "../show/message.ts";
import {
  code,
  context as contextBlock,
  mention,
  plainLine,
  plainText,
  section,
  shortTime,
  styled,
  time,
} from "../show/mrkdwn.ts";
import { refuseToAsk } from "./limits.ts";
import { requestedAnswer, submitRequest } from "./submit-request.ts";

export const extend: Command = {
  word: "extend",
  usage: "<id> [for 1h]",
  summary: "asks for more time; without a time it opens a form",
  records: true,
  run: (context, call) => {
    const [id, words] = idAndRest(call.rest);
    const typed = words.replace(/^for\b\s*/i, "");
    if (typed === "") return openOnCommand(context, call, () => extendForm(context, call.user, id));
    return extendLease(context, call.user, id, () => readTime(typed), typed);
  },
};

const extendModalId = "extend";

const usualSeconds = 3600;

async function extendForm(context: SlackContext, user: string, id: string): Promise<ModalView | Message> {
  const found = await readExtendable(context, user, id);
  if ("text" in found) return found;
  const now = context.now();
  const choices = extensionChoices(found.request, found.level, now);
  if (choices.length > 0) return extendModal(found.request, choices);
  const reading = readExtension(found.request, found.level, Number.POSITIVE_INFINITY, now);
  return answer(`:warning: ${styled(reading.type === "refused" ? reading.message : "")}`);
}

export function extendModal(request: AccessRequest, choices: readonly ExtensionChoice[]): ModalView {
  const { id, level, cluster, lease } = request;
  const options = choices.map(optionOf);
  const usual = options[choices.findLastIndex(({ bySeconds }) => bySeconds <= usualSeconds)];
  const form = { id: extendModalId, memory: id, title: "Extend access", submit: "Ask", close: "Cancel" };
  return formModal(form, [
    section(`${code(level)} on ${code(cluster)} (${code(id)}) ends ${time(lease?.endsAt ?? "")}.`),
    {
      type: "input",
      block_id: "until",
      label: plainText("How much longer"),
      element: { type: "radio_buttons", action_id: "value", options, ...(usual && { initial_option: usual }) },
    },
    contextBlock("A late approval does not move this end."),
  ]);
}

/** The value is the visible end: the request asks for it, whenever the form is sent. */
function optionOf({ bySeconds, until }: ExtensionChoice): MrkdwnOption {
  const words = `${formatDuration(bySeconds)} more, until ${shortTime(until)}`;
  return { text: { type: "mrkdwn", text: words, verbatim: true }, value: until };
}

export const extensionButtons: Buttons = { [extendAction]: opens(extendForm, "Extend access") };
export const extensionForms: Forms = {
  [extendModalId]: submits("Extend access", (context, user, id, view) => {
    const until = Date.parse(view.state.values.until?.value?.selected_option?.value ?? "");
    return extendLease(context, user, id, ({ lease }) => {
      const seconds = (until - Date.parse(lease?.endsAt ?? "")) / 1000;
      return seconds > 0 ? seconds : null;
    });
  }),
};

/** The lease, if this person can ask to extend it: only its holder can. `level`: with the longest time for this person. */
async function readExtendable(context: SlackContext, user: string, id: string) {
  const request = await context.ledger.get(id);
  if (!request) return noSuchRequestAnswer(id);
  if (!(await isOfPerson(context, { requester: request.requester }, user))) {
    await noteAttempt(context, { act: "extend", by: user, code: "not-yours", request });
    return onlyAnswer(mention(request.requester));
  }
  const cluster = context.config.clusters.get(request.cluster);
  const level = cluster?.levels.find((each) => each.name === request.level);
  const reading = readHolder(request.principal);
  if (isRescue(request)) return answer(`${code(id)} is a rescue. Start another one once it ends.`);
  if (!cluster) return clusterGoneAnswer(request.cluster);
  if (!level || reading.type === "invalid")
    return failureAnswer(`${request.cluster} does not offer ${request.level}. Request another level.`);
  const longer = await extendedBy(context, request);
  if (longer) {
    const until = time(longer.lease.endsAt);
    return answer(`${code(longer.id)} extends ${code(id)} until ${until} already. Extend ${code(longer.id)}.`);
  }
  // An extension is a request: it has what the cluster and the level ask for now.
  const missing = readNamespaces(request.namespaces, level).mistake ?? readTicket(request.ticket, cluster).mistake;
  if (missing) return failureAnswer(`${missing} Request access again.`);
  return { request, cluster, level: await offeredTo(context, cluster, level, user), principal: reading.principal };
}

/** The rule may allow less than the level. Without an answer of Slack, the policy decides about the request later. */
async function offeredTo(context: SlackContext, cluster: Cluster, level: Level, user: string): Promise<Level> {
  const person = await personFor(context, cluster, user).catch(() => null);
  const offered = person ? levelsOffered(cluster, person) : [];
  return offered.find(({ name }) => name === level.name) ?? level;
}

async function extendedBy({ ledger }: SlackContext, { id, cluster, lease }: AccessRequest) {
  const endOf = (request: AccessRequest) => Date.parse(request.lease?.endsAt ?? "") || 0;
  const [last] = extensionsOf(id, await ledger.leasedOf(cluster)).toSorted((a, b) => endOf(b) - endOf(a));
  return last && lease?.state === "active" && !lease.end ? last : null;
}

async function extendLease(
  context: SlackContext,
  user: string,
  id: string,
  bySeconds: (request: AccessRequest) => number | null,
  typed = "",
): Promise<Message> {
  const found = await readExtendable(context, user, id);
  if ("text" in found) return found;
  const { request, cluster, level, principal } = found;
  const seconds = bySeconds(request);
  const reading = readExtension(request, level, seconds ?? 0, context.now());
  if (reading.type === "refused") return answer(`:warning: ${styled(reading.message)}`);
  if (seconds === null) return noDurationAnswer(request, typed);
  const { until, durationSeconds } = reading;
  const requested = {
    cluster,
    // The policy applies the rule itself, so only the configured level counts here.
    level: cluster.levels.find(({ name }) => name === level.name) ?? level,
    principal,
    durationSeconds,
    askedFor: null,
    ...typedFieldsOf(request),
  };
  const extension = { of: request.id, until, askedBy: request.askedBy };
  const notNow = await refuseToAsk(context, user, requested, extension);
  return notNow ?? extensionAnswer(await submitRequest(context, user, requested, extension), request);
}

function noDurationAnswer({ id, level, cluster, lease }: AccessRequest, typed: string): Message {
  const said = typed === "" ? "say how much longer" : plainLine(`"${typed}" is not a duration`, 200);
  return answer(
    `Nothing changed: ${said}. Write for example 30m, 4h or 1h30m: ${code(`/eks-access extend ${id} for 1h`)}. ${code(level)} on ${code(cluster)} ends ${time(lease?.endsAt ?? "")}.`,
  );
}

export function extensionAnswer(request: AccessRequest, extended: AccessRequest): Message {
  if (request.refusal) return requestedAnswer(request);
  return answer(
    `Requested: extend ${code(extended.id)} until ${time(request.until ?? "")} (${code(request.id)}). I'll DM you. ` +
      `Otherwise it ends ${time(extended.lease?.endsAt ?? extended.expiresAt)}.`,
  );
}
