import { formatDuration } from "../../access/ask/duration.ts";
import type { Extension } from "../../access/ask/extension.ts";
import type { RequestInput } from "../../access/ask/read-request.ts";
import { needsEmail, theyCanLink } from "../../access/identities.ts";
import { isPermanent } from "../../access/lease/lease-record.ts";
import type { Cluster, Rule } from "../../access/policy/cluster.ts";
import { type AskRefusal, type AskVerdict, mayAsk, type PolicyQuestion } from "../../access/policy/may-ask.ts";
import { levelGroupsIn } from "../../access/policy/policy-text.ts";
import { approvalsNeeded, breakGlassFor } from "../../access/policy/rule.ts";
import { admittedBy, admittedInWords } from "../../access/principal.ts";
import {
  type AccessRequest,
  askerOf,
  type PendingRequest,
  peopleOf,
  type RefusedRequest,
  typedFieldsOf,
} from "../../access/record.ts";
import { createRequest, refusedRequest } from "../../access/request.ts";
import { sealLink } from "../../access/seals.ts";
import { eventOf, recordChange } from "../../ledger/lifecycle.ts";
import { withinTime } from "../../operations/deadlines.ts";
import { refuseOtherPerson } from "../app/admission.ts";
import { formMs } from "../app/answer.ts";
import { noteRefused } from "../app/attempts.ts";
import type { SlackContext } from "../app/context.ts";
import { activeApprovers, remedyForApprovers, shortageText } from "../app/people-called.ts";
import { currentIdOf, isInOthersName, personFor, requesterFactsOf, requiresLinks } from "../app/request-people.ts";
import { lookUpIdentities } from "../link/identities.ts";
import { breakGlassButton } from "../show/buttons.ts";
import { answer, type Message, messageOf } from "../show/message.ts";
import { actions, code, mention, oneOf, plainLine } from "../show/mrkdwn.ts";
import { placeText } from "../show/words.ts";
import { refuseToAsk } from "./limits.ts";

/** Requests access, or says why not. @param asker gets it, unless the request names another person @throws AccessError */
export async function askFor(context: SlackContext, asker: string, requested: RequestInput): Promise<AskOutcome> {
  const about = { id: "", cluster: requested.cluster.name };
  // Without an answer of Slack, they get no access.
  const named = requested.askedFor && (await currentIdOf(context, requested.askedFor).catch(() => requested.askedFor));
  const other = named === asker ? null : named;
  const cantGet = other === null ? null : await refuseOtherPerson(context, asker, other, about);
  const tooMuch = cantGet ?? (await refuseToAsk(context, asker, { ...requested, askedFor: other }));
  if (tooMuch) return { type: "refused", message: tooMuch };
  const request = await submitRequest(context, asker, { ...requested, askedFor: other });
  if (!request.refusal) return { type: "requested", message: requestedAnswer(request) };
  const isForNow = notNow.has(request.refusal.code);
  const message = isForNow ? await withWayOut(context, asker, requested.cluster, request) : requestedAnswer(request);
  return { type: "refused", message };
}

/** A refusal that only the time makes. */
const notNow: ReadonlySet<string> = new Set<AskRefusal>(["quiet", "outside-hours"]);

/** At night a person must not search for what is left: emergency access, or who is on call. */
async function withWayOut(context: SlackContext, asker: string, cluster: Cluster, request: AccessRequest) {
  const said = requestedAnswer(request);
  const person = await personFor(context, cluster, asker).catch(() => ({ user: asker, memberships: [] }));
  const typed = `${cluster.name} ${request.reason}`;
  if (breakGlassFor(cluster, person))
    return messageOf([...said.blocks, actions("emergency", [breakGlassButton(typed)])]);
  const others = oneOf(cluster.onCall.filter((each) => each !== asker));
  return others ? answer(`${said.text} In an emergency, ask ${others}.`) : said;
}

export interface AskOutcome {
  readonly type: "requested" | "refused";
  readonly message: Message;
}

/** Records a request. The worker checks the cluster before the approvers see it. @throws AccessError */
export async function submitRequest(
  context: SlackContext,
  asker: string,
  requested: RequestInput,
  extension: Extension | null = null,
): Promise<AccessRequest> {
  const now = context.now();
  const requester = requested.askedFor ?? asker;
  const askedBy = requested.askedFor === null ? (extension?.askedBy ?? null) : asker;
  const requesterFacts = await requesterFactsOf(context, requested.cluster, requester, requested.principal.arn, asker);
  const verdict = await judge(context, { ...requested, requester, askedBy, requesterFacts }, now);
  if (verdict.type === "allowed") await lookUpFirst(context, asker, requester, requested.cluster);
  const details = detailsOf(requested, extension);
  const who = { id: context.newRequestId(), requester, askedBy, requesterFacts, cluster: requested.cluster.name };
  const asked = createRequest({ ...who, ...details }, now, context.config.timing.requestExpiresAfterSeconds);
  const { request, type, refusal } = answered(asked, verdict);
  const admits = admittedInWords(admittedBy(request.principal));
  const forOther = requested.askedFor === null ? {} : { requester, askedBy };
  const event = eventOf(type, request, asker, now, { ...refusal, ...details, ...forOther, admits });
  // A refusal leaves an event and no record: otherwise people without rights could fill the ledger.
  if (refusal) {
    const { cluster, level, principal } = request;
    await noteRefused(context, { ...event, request: "" }, { cluster, level, principal, code: refusal.code });
    return request;
  }
  const { pending: maxPending } = context.config.limits;
  const result = await recordChange(context, null, request, event, now, { maxPending });
  if (result.type === "conflict" && !result.current) {
    const message = `You already have ${maxPending} requests waiting. Cancel one, or ask again later.`;
    return refusedRequest(request, { code: "too-many-pending", message });
  }
  // Ids are random: a conflict means that this id exists, so make another.
  if (result.type === "conflict") return submitRequest(context, asker, requested, extension);
  // The request waits already: its person must not read that it failed.
  await linkFirst(context, request, now).catch((error: unknown) => {
    context.log.warn({ request: request.id, err: error }, "could not remember the principal of a first request");
  });
  return request;
}

/** The preview says whether a typed ARN is the person's own, by what a worker knows of them. */
async function lookUpFirst(context: SlackContext, asker: string, requester: string, cluster: Cluster): Promise<void> {
  if (!needsEmail(context.config.identities)) return;
  await withinTime(lookUpIdentities(context, requester, cluster, asker), formMs.answers, null);
}

function detailsOf(requested: RequestInput, extension: Extension | null) {
  const { level, principal, durationSeconds } = requested;
  return {
    level: level.name,
    groups: levelGroupsIn(level.groups, requested.namespaces),
    principal: principal.arn,
    durationSeconds,
    ...typedFieldsOf(requested),
    extends: extension?.of ?? null,
    until: extension?.until ?? null,
  };
}

type Asking = PolicyQuestion & RequestInput & { readonly askedBy: string | null };
type Refused = Extract<AskVerdict, { type: "refused" }>;

async function judge(context: SlackContext, asking: Asking, now: Date): Promise<AskVerdict> {
  const verdict = mayAsk(asking, now);
  if (verdict.type === "refused") return verdict;
  const { rule } = verdict;
  const [level, principal] = [asking.level.name, asking.principal.arn];
  if (await isInOthersName(context, asking.cluster, { ...asking, level, principal }, rule)) {
    const message = `${principal} may not be theirs alone. ${theyCanLink}`;
    return { type: "refused", code: "not-theirs", message, rule };
  }
  return (await refuseWithoutApprovers(context, peopleOf(asking), asking, rule, now)) ?? verdict;
}

/** The first request in an AWS account. A later one for another principal, or for another person, proves nothing. */
async function linkFirst({ config, ledger, keys }: SlackContext, request: AccessRequest, now: Date): Promise<void> {
  const { requester, askedBy, principal } = request;
  if (askedBy !== null || requiresLinks(config)) return;
  const seal = sealLink(requester, principal, { by: null, at: now.toISOString() }, keys.decision);
  await ledger.linkPrincipal(requester, { arn: principal, seal });
}

function answered(request: PendingRequest, verdict: AskVerdict) {
  if (verdict.type === "allowed") return { request, type: "request.created" as const, refusal: null };
  const { code, message, rule } = verdict;
  const record: RefusedRequest = { ...request, state: "refused", refusal: { code, message } };
  return { request: record, type: "request.refused" as const, refusal: { code, rule: rule?.name ?? null } };
}

/** Refuses a request that too few active approvers could decide. Null: there are enough, or Slack does not answer. */
async function refuseWithoutApprovers(
  { directory, log }: Pick<SlackContext, "directory" | "log">,
  people: readonly string[],
  { cluster, level }: Pick<RequestInput, "cluster" | "level">,
  rule: Rule,
  now: Date,
): Promise<Refused | null> {
  const needed = approvalsNeeded(rule, level, now);
  const who = { enough: needed, ...(!rule.selfApproval && { without: people }) };
  try {
    const { active } = await activeApprovers(directory, rule, cluster, who);
    if (active.length >= needed) return null;
    const message = `${level.name} on ${cluster.name} ${shortageText(needed, active.length)}. ${remedyForApprovers(rule, cluster)}`;
    return { type: "refused", code: "too-few-approvers", message, rule };
  } catch (error) {
    log.warn({ cluster: cluster.name, err: error }, "could not check whether approvers are active in Slack");
    return null;
  }
}

export function requestedAnswer(request: AccessRequest): Message {
  const { requester } = request;
  const [forPerson, addressee] =
    askerOf(request) === requester ? ["", "you"] : [` for ${mention(requester)}`, "both of you"];
  const lasting = isPermanent(request.durationSeconds)
    ? "without an end date"
    : `for ${formatDuration(request.durationSeconds)}`;
  if (request.refusal) return answer(`No request made${forPerson}. ${plainLine(request.refusal.message)}`);
  return answer(
    `Requested ${code(request.level)} on ${code(request.cluster)}${placeText(request, 1500)}${forPerson} ${lasting} (${code(request.id)}). I'll DM ${addressee}.\n` +
      `Principal: ${code(request.principal)}${ticketWords(request)}. Reason: ${plainLine(request.reason)}`,
  );
}

function ticketWords({ ticket }: AccessRequest): string {
  return ticket === null ? "" : `, ticket ${code(ticket)}`;
}
