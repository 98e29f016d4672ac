import { type RequestParts, type RequestReading, readRequest } from "../../access/ask/read-request.ts";
import { requestUsage, splitRequestLine } from "../../access/ask/request-line.ts";
import { offers } from "../../access/policy/rule.ts";
import { roleOrUserIn } from "../../access/principal.ts";
import { peopleOf } from "../../access/record.ts";
import { isClosed } from "../../access/request.ts";
import { inTimeOr, withinTime } from "../../operations/deadlines.ts";
import { refuseOtherPerson } from "../app/admission.ts";
import { type Buttons, type Forms, formMs, openOnCommand, opens, submits } from "../app/answer.ts";
import { noteAttempt } from "../app/attempts.ts";
import type { Command, CommandCall, SlackContext } from "../app/context.ts";
import type { ButtonClick, Submission } from "../app/payload.ts";
import { clustersShown, isOfPerson, readerFor } from "../app/request-people.ts";
import { identitiesNow } from "../link/identities.ts";
import { askAgainAction, detailsButton, requestAction, runBlocks, runButton } from "../show/buttons.ts";
import { withoutButtons } from "../show/lost-cards.ts";
import { answer, clusterGoneAnswer, type Message, noSuchRequestAnswer, onlyAnswer } from "../show/message.ts";
import {
  actions,
  code,
  codeBlock,
  cut,
  mention,
  oneOf,
  plainLine,
  preformatted,
  section,
  styled,
} from "../show/mrkdwn.ts";
import { blockOf, readFormParts } from "./form.ts";
import { refuseTooMany } from "./limits.ts";
import { identitiesInForm, requestForm } from "./request-form.ts";
import { requestModalId } from "./request-modal.ts";
import { askFor } from "./submit-request.ts";

export const request: Command = {
  word: "request",
  usage: requestUsage,
  summary: "asks for access; alone or with a cluster it opens a form",
  records: true,
  run: async (context, call) => {
    const chosen = context.config.clusters.get(call.rest.toLowerCase());
    return call.rest === "" || chosen
      ? openOnCommand(context, call, () => requestForm(context, call.user, undefined, chosen))
      : askInOneLine(context, call);
  },
};

async function askInOneLine(context: SlackContext, { user, rest, people }: CommandCall): Promise<Message> {
  const { clusters } = context.config;
  const parts = splitRequestLine(rest, clusters, people);
  const turnedAway = (await refuseManyNames(context, user, parts)) ?? (await refuseNamed(context, user, parts));
  if (turnedAway) return turnedAway;
  const cluster = parts.principal === "" ? clusters.get(parts.cluster.toLowerCase()) : undefined;
  const own = cluster && (await identitiesNow(context, parts.for?.user ?? user, cluster, user));
  const reading = readRequest(parts, clusters, own, await namesFor(context, user, parts));
  if (reading.type === "mistakes")
    return mistakesAnswer(reading, linesOfIdentities(reading, parts, own?.arns ?? [], clusters));
  return (await askFor(context, user, reading.requested)).message;
}

/** The clusters to name if the typed one is unknown. */
async function namesFor(context: SlackContext, asker: string, { for: named, cluster }: RequestParts) {
  if (context.config.clusters.has(cluster.toLowerCase())) return [];
  const people = [asker, ...(named?.user ? [named.user] : [])];
  const shown = await Promise.all(people.map((each) => clustersShown(context, each)));
  return [...new Set(shown.flat().map(({ name }) => name))];
}

/** Each named person can cost a call to Slack, which takes some hundred a minute. Without them, no one could approve. */
async function refuseManyNames(context: SlackContext, asker: string, { for: named }: RequestParts) {
  return named?.user ? refuseTooMany(context, asker, "questions") : null;
}

/** Before any look-up or mistake: a guest can't get access, whatever else the line or form says. Null: the named person can. */
async function refuseNamed(context: SlackContext, asker: string, { for: named, cluster }: RequestParts) {
  if (!named?.user || named.isAtEnd) return null;
  const about = { id: "", cluster: context.config.clusters.get(cluster.toLowerCase())?.name ?? "" };
  return refuseOtherPerson(context, asker, named.user, about);
}

export const requestButtons: Buttons = {
  [requestAction]: opens((context, user) => requestForm(context, user)),
  [askAgainAction]: opens(formAgain, "Request again"),
};
export const requestForms: Forms = { [requestModalId]: takeForm };

const formTitle = "Ask for access";

/** Shows mistakes at their fields. Otherwise it closes the form and sends a direct message. */
async function takeForm(context: SlackContext, submission: Submission): Promise<void> {
  const { ack, view, body } = submission;
  const { clusters } = context.config;
  const parts = readFormParts(view);
  const user = body.user.id;
  const began = performance.now();
  const tooMany = await refuseManyNames(context, user, parts);
  if (tooMany) return submits(formTitle, async () => tooMany)(context, submission);
  const [own, names, turnedAway] = await Promise.all([
    identitiesInForm(context, user, view),
    namesFor(context, user, parts),
    withinTime(refuseNamed(context, user, parts), formMs.answers, null),
  ]);
  if (turnedAway) return submits(formTitle, async () => turnedAway)(context, submission);
  const reading = readRequest(parts, clusters, own, names);
  if (reading.type === "mistakes") {
    // Slack shows a field's error as it is.
    const plain = reading.mistakes.map(({ part, message }) => [blockOf(view, part), message.replaceAll("`", "")]);
    const errors = Object.fromEntries(plain);
    return ack({ response_action: "errors", errors });
  }
  const ask = async () => {
    const asked = await askFor(context, user, reading.requested);
    return asked.type === "requested" ? null : asked.message;
  };
  return submits(formTitle, ask, began)(context, submission);
}

/** Opens the form with an earlier request's values except its reason. Today's rules apply. */
async function formAgain(context: SlackContext, user: string, id: string, click: ButtonClick) {
  const request = await context.ledger.get(id);
  if (!request) return noSuchRequestAnswer(id);
  if (!(await isOfPerson(context, request, user))) {
    await noteAttempt(context, { act: "request", by: user, code: "not-yours", request });
    return onlyAnswer(oneOf(peopleOf(request)), `For your own access: ${code("/eks-access request")}.`);
  }
  // The form would choose another cluster or level.
  const cluster = context.config.clusters.get(request.cluster);
  if (!cluster) return clusterGoneAnswer(request.cluster);
  if (cluster.quiet !== null) {
    const why = plainLine(cluster.quiet).replace(/\.$/, "");
    return answer(`${code(cluster.name)} takes no requests now: ${why}.`);
  }
  const [requester, form] = await Promise.all([
    // Without an answer the form opens, and the policy checks what it sends.
    inTimeOr(readerFor(context, cluster, request.requester), formMs.opens, null),
    requestForm(context, user, request),
  ]);
  if (!requester || offers(cluster, request.level, requester)) return form;
  const note = `The policy no longer lets ${mention(request.requester)} request ${code(request.level)} on ${code(cluster.name)}.`;
  const settled = isClosed(request) ? withoutButtons(click.body, note, detailsButton(request)) : null;
  if (settled && click.body.response_url) await click.respond({ replace_original: true, ...settled });
  return answer(note);
}

type Mistakes = Extract<RequestReading, { type: "mistakes" }>;
type Clusters = Parameters<typeof readRequest>[1];

/** As many as people read. */
const maxIdentities = 5;

/** The line with each of several identities, if only that is missing: the session or role, and the line. */
function linesOfIdentities(
  { mistakes, corrected }: Mistakes,
  parts: RequestParts,
  arns: readonly string[],
  clusters: Clusters,
): readonly (readonly [name: string, line: string])[] {
  if (arns.length < 2 || mistakes.some(({ part }) => part !== "principal")) return [];
  const lines = arns.slice(0, maxIdentities).map((arn) => {
    // A level with groups takes the role of a session.
    const reading = readRequest({ ...parts, principal: arn }, clusters);
    const line = reading.type === "mistakes" ? reading.corrected : corrected.replace("<arn>", arn);
    return [roleOrUserIn(arn), line] as const;
  });
  // Equal buttons for two accounts would be a guess.
  return new Set(lines.map(([name]) => name)).size === lines.length ? lines : [];
}

export function mistakesAnswer(reading: Mistakes, lines: ReturnType<typeof linesOfIdentities> = []): Message {
  const understood =
    reading.understood.length > 0 ? ` Understood: ${plainLine(reading.understood.join(", "), 1400)}` : "";
  const parts = [
    cut(`No request made.${understood}`, 1500),
    ...reading.mistakes.map((mistake) => `✗ *${mistake.part}*: ${styled(mistake.message, 1400)}`),
    "Copy this line:",
  ];
  const text = `${parts.join("\n")}\n${codeBlock(reading.corrected)}`;
  const runs = [["request", reading.corrected] as const, ...lines.map(([name, line]) => [`as ${name}`, line] as const)];
  const buttons = runs.flatMap(([name, line], index) => runBlocks(`run-${index}`, line, name));
  const [form = ""] = /request(?: [a-z0-9-]+)?/.exec(reading.corrected) ?? [];
  const last = buttons.length > 0 ? buttons : [actions("form", [runButton(form, "Ask for access")])];
  return { text, blocks: [...parts.map(section), preformatted(reading.corrected), ...last] };
}
