import type { Button, KnownBlock, ModalView } from "@slack/types";
import { formatDuration } from "../../access/ask/duration.ts";
import { type AuditEvent, type ChainedEvent, type EventType, happened, peopleIn } from "../../access/audit-event.ts";
import { type Act, maySeeRequest } from "../../access/policy/permissions.ts";
import { bindsRoles, isFullControl } from "../../access/policy/policy-text.ts";
import { type AccessRequest, type ApprovedRequest, type Asked, type Preview, peopleOf } from "../../access/record.ts";
import { givesFullControl, isRescue } from "../../access/request.ts";
import { noteAttempt } from "../app/attempts.ts";
import type { SlackContext } from "../app/context.ts";
import { memberFor } from "../app/request-people.ts";
import {
  approveButton,
  askAgainButtons,
  cancelButton,
  decideValue,
  denyButton,
  extendButton,
  reviewedButton,
  revokeButton,
} from "../show/buttons.ts";
import { asClause, troubleText } from "../show/failure-words.ts";
import { detailsModal, failureAnswer, type Message, messageOf, notYoursAnswer } from "../show/message.ts";
import {
  actions,
  code,
  codeList,
  context,
  cut,
  fields,
  firstOf,
  mention,
  plainLine,
  plainText,
  preformatted,
  revealed,
  section,
  styled,
  time,
} from "../show/mrkdwn.ts";
import { endProofLines, proofLines } from "../show/proof.ts";
import {
  admitsText,
  asksText,
  changePlace,
  droppedTexts,
  emergencyTitle,
  extendedUntil,
  extendsText,
  leaseField,
  mappedIdentityText,
  placeText,
  reviewState,
  stateText,
  voidedText,
} from "../show/words.ts";

/** More events than any record has, with the refused attempts of several people. */
export const maxEvents = 500;

/** The first event of a record: its actor asked. */
const askingEvents: readonly string[] = ["request.created", "emergency.taken", "migration.asked"];

const buttonOf: Readonly<Record<Act, (request: AccessRequest) => Button>> = {
  approve: approveButton,
  deny: denyButton,
  cancel: cancelButton,
  review: reviewedButton,
  extend: extendButton,
  revoke: revokeButton,
};

export interface Status {
  readonly request: AccessRequest;
  readonly events: readonly ChainedEvent[];
  readonly acts: readonly Act[];
  readonly extension?: ApprovedRequest | null;
}

/** Everything about one request, for a reader who may see it: its state, change, proof and history. */
export function statusAnswer(status: Status): Message {
  const { request } = status;
  return messageOf([
    ...subjectBlocks(request),
    section(cut(stateText(request), 1500)),
    ...(status.extension ? [section(`*Active* ${extendedUntil(status.extension)}`)] : []),
    ...stateBlocks(request),
    ...changeBlocks(request),
    section(`*What happened*\n${timelineText(status.events, 2000)}`),
    ...actBlocks(status),
  ]);
}

function subjectBlocks(request: AccessRequest): KnownBlock[] {
  const { id, reason, namespaces } = request;
  const title = request.emergency ? emergencyTitle(request) : `*${asksText(request)}${extendsText(request)}*`;
  // The change is cut, too: a requester could hide one namespace behind others.
  const isWhole = title.includes(placeText(request, 1500));
  return [
    section(`${title}\n${admitsText(request)}\n>${plainLine(reason, 1200)}`),
    fields([
      `*Principal*\n${code(request.principal)}`,
      isRescue(request)
        ? `*Access policy*\n${code("AmazonEKSClusterAdminPolicy")}`
        : `*${bindsRoles(request.groups) ? "Roles" : "Groups"}*\n${codeList(request.groups, 500)}`,
      leaseField(request),
      `*Request*\n${code(id)}, asked ${time(request.createdAt)}`,
      ...(request.ticket ? [`*Ticket*\n${code(request.ticket)}`] : []),
      ...(isWhole ? [] : [`*Namespaces*\n${codeList(namespaces.split(","), 1500)}`]),
    ]),
  ];
}

function stateBlocks(request: AccessRequest): KnownBlock[] {
  const { voided, lease } = request;
  const trouble = troubleText(request);
  const ended = lease?.state === "ended" && endProofLines(lease);
  const proof = lease?.state === "active" && !lease.end && !lease.drift && lease.proof;
  return [
    ...(voided && request.state === "pending" ? [section(`:warning: ${voidedText(voided)}`)] : []),
    ...(request.state === "pending" ? droppedTexts(request.dropped).map((text) => context(`:warning: ${text}`)) : []),
    ...(request.emergency ? [section(reviewState(request))] : []),
    ...(trouble ? [section(cut(trouble, 900))] : []),
    ...(ended ? [section(`*Proof of the end*\n${ended}`)] : []),
    ...(proof ? [section(`*Proof* ${time(proof.at)}\n${proofLines(lease)}`)] : []),
  ];
}

/** A change that did not happen, or is undone: past tense. */
function changeBlocks(request: AccessRequest): KnownBlock[] {
  const { preview } = request;
  if (!preview) return [];
  const isOpen = request.state === "pending" || request.state === "approved";
  const title = isOpen ? `Change to ${changePlace(preview)}` : `What would have changed in ${changePlace(preview)}`;
  const seen = `as the worker saw it ${time(preview.at)}, digest ${code(preview.digest.slice(0, 12))}`;
  return [
    ...(request.state === "pending"
      ? [...warningBlocks(request, preview), ...rightsBlocks(preview), ...otherLeases(preview)]
      : []),
    section(
      `*Before* ${mappedIdentityText(preview.today, 400)}\n*After* ${mappedIdentityText(preview.afterwards, 700)}`,
    ),
    section(
      `*${title}*, ${seen}${preview.diff ? "" : `\nNothing changes: ${request.extends ? `this only extends ${code(request.extends)}` : "another lease already gives this"}.`}`,
    ),
    ...(preview.diff ? [preformatted(revealed(preview.diff), 1700)] : []),
  ];
}

const maxWarnings = 10;

/** Before all else: an approver may not read to the end. The worker warns of a group that is full control by itself. */
function warningBlocks(request: AccessRequest, { warnings }: Preview): KnownBlock[] {
  const isByRole = givesFullControl(request) && !isFullControl(request.groups);
  const full = isByRole ? ["Full control: everything in every namespace."] : [];
  const all = [...full, ...warnings].map((warning) => `:warning: ${asClause(warning, 250)}`);
  return firstOf(all, maxWarnings, (left) => `:warning: ${left} more warning${left > 1 ? "s" : ""}`).map(context);
}

/** Approvers decide about rights: the names of groups and roles say little. */
function rightsBlocks({ rights, way }: Pick<Preview, "rights" | "way">): KnownBlock[] {
  if (!rights || rights.length === 0) return [];
  const isByBinding = way === "binding";
  const lines = rights.map(({ group, role, where, allows }) => {
    const of = isByBinding ? "" : ` (${styled(role, 80)})`;
    return `• ${code(isByBinding ? role : group, 130)} ${styled(where, 60)}: ${styled(allows, 140)}${of}`;
  });
  const title = `*What these ${isByBinding ? "roles" : "groups"} can do*`;
  return [section([title, ...firstOf(lines, 4, (left) => `and ${left} more roles`)].join("\n"))];
}

/** An approver must see everything that the principal will have. */
function otherLeases({ leases }: Preview): KnownBlock[] {
  const given = leases.filter(({ groups }) => groups.length > 0);
  if (given.length === 0) return [];
  const all = given.map(({ id, groups, endsAt }) => `${codeList(groups, 200)} until ${time(endsAt)} (${code(id)})`);
  return [section(`*Other leases* ${firstOf(all, 5, (left) => `and ${left} more`).join(", ")}`)];
}

/** The change is above its buttons, also for a typed `approve`. */
function actBlocks({ request, acts, extension }: Status): KnownBlock[] {
  const elements = [...acts.map((act) => buttonOf[act](request)), ...(extension ? [] : askAgainButtons(request))];
  return elements.length > 0 ? [actions(`status-${request.id}`, elements)] : [];
}

/** It remembers the digest of its change, and its submit approves exactly that. */
export function statusModal(status: Status, notice: Message | null): ModalView {
  const { request, acts } = status;
  if (!acts.includes("approve")) return detailsModal(request.id, statusAnswer(status), notice);
  const others = acts.filter((act) => act !== "approve");
  return {
    ...detailsModal(request.id, statusAnswer({ ...status, acts: others }), notice),
    private_metadata: decideValue(request),
    // Slack takes 24 characters.
    submit: plainText(givesFullControl(request) ? "Approve full control" : "Approve"),
  };
}

export function approveBelowAnswer({ blocks }: Message): Message {
  return messageOf([section("Not approved yet. Read the change, then click *Approve* below."), ...blocks]);
}

/** For the same readers; of an unreadable record, why. Null: nothing. @throws AccessError */
export async function readRemoved(context: SlackContext, user: string, id: string): Promise<Message | null> {
  const { ledger, config } = context;
  const events = await ledger.eventsOf(id, maxEvents);
  const [first] = events;
  const last = events.findLast(({ event }) => event.type !== "attempt.refused");
  if (!first || !last) return null;
  const { type, cluster: name, actor, detail } = first.event;
  // Without a requester: a worker found the lease in a cluster. Then only approvers and on-call read it.
  const people: Asked = askingEvents.includes(type) ? peopleIn(actor, detail) : { requester: "" };
  const record = { id, cluster: name, ...people };
  const cluster = config.clusters.get(record.cluster);
  if (!maySeeRequest(record, cluster, await memberFor(context, cluster, user, peopleOf(record)))) {
    await noteAttempt(context, { act: "see", by: user, code: "not-yours", request: record });
    return notYoursAnswer(record);
  }
  const why = await ledger.whyUnreadable(id);
  if (why !== null) return failureAnswer(why);
  return removedAnswer(record, events, last.event.at, config.ledger.keepSeconds);
}

const closing = /^(migration\.|request\.(denied|cancelled|expired|refused)$|lease\.(ended|failed)$)/;

function removedAnswer(
  { id, cluster }: { readonly id: string; readonly cluster: string },
  events: readonly ChainedEvent[],
  closedAt: string,
  keepSeconds: number,
): Message {
  const subject = `${code(id)} on ${code(cluster)}`;
  const text = events.some(({ event }) => closing.test(event.type))
    ? `${subject} closed ${time(closedAt)}. Records stay ${formatDuration(keepSeconds)}; the audit log has it.`
    : `:warning: ${subject} has no record in Redis, and no event closed it. Access still ends on time. Restore it from a copy of Redis; check who writes there.`;
  return messageOf([section(text), section(`*What happened*\n${timelineText(events, 2000)}`)]);
}

/** Anyone who knows an id can cause these. */
const refusals: ReadonlySet<EventType> = new Set(["attempt.refused", "decision.refused"]);

/** Where there is no room, it leaves out refused attempts first. @param plan what a migration is */
export function timelineText(
  events: readonly ChainedEvent[],
  maxLength: number,
  plan: "migration" | "repair" = "migration",
): string {
  const [first, ...others] = events;
  if (!first) return "";
  const beginning = phoneLine(first, plan);
  const isRefusal = ({ event }: ChainedEvent) => refusals.has(event.type);
  const newest = others.toReversed();
  const shown = new Map<ChainedEvent, string>();
  let room = maxLength - beginning.length - 40;
  for (const each of [...newest.filter((event) => !isRefusal(event)), ...newest.filter(isRefusal)]) {
    const line = phoneLine(each, plan);
    room -= line.length + 1;
    if (room < 0) break;
    shown.set(each, line);
  }
  const left = others.length - shown.size;
  const lines = others.flatMap((each) => shown.get(each) ?? []);
  return [beginning, ...(left > 0 ? [`… ${left} more …`] : []), ...lines].join("\n");
}

function phoneLine({ sequence, event }: ChainedEvent, plan: string): string {
  // Someone with Redis, or a newer version, can write others.
  const what = Object.hasOwn(happened, event.type) ? happened[event.type] : code(event.type, 60);
  return `${code(`#${sequence}`)} ${time(event.at)} ${mention(event.actor)} ${what.replace("migration", plan)}${detailOf(event)}`;
}

function detailOf({ type, detail }: AuditEvent): string {
  const found = type === "lease.signed-in" ? detail.signedIn : type === "lease.rights-asked" && detail.authorized;
  if (typeof found === "string") return `: ${plainLine(found, 60)}`;
  if (typeof detail.approver === "string")
    return `: that of ${mention(detail.approver)}, ${plainLine(String(detail.why))}`;
  if (type === "request.created" && typeof detail.requester === "string") return ` for ${mention(detail.requester)}`;
  const { why, code: failure, attempts, act, step } = detail;
  const tried = typeof attempts === "number" && attempts > 1 ? `, try ${attempts}` : "";
  const what = typeof act === "string" ? `${code(act, 60)}: ` : "";
  if (typeof failure === "string" && failure !== "") return ` (${what}${code(failure, 60)}${tried})`;
  if (typeof step === "string") return `: ${code(step, 200)}`;
  return typeof why === "string" && why !== "" ? `: ${plainLine(why, 200)}` : "";
}
