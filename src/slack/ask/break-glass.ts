import type { InputBlock, ModalView } from "@slack/types";
import { formatDuration } from "../../access/ask/duration.ts";
import { readArn, readCluster, readOwnIdentity, readReason } from "../../access/ask/read-part.ts";
import { takeEmergency } from "../../access/emergency.ts";
import { accountIn, type OwnIdentities } from "../../access/identities.ts";
import type { BreakGlass, Cluster, Level } from "../../access/policy/cluster.ts";
import { mayRequest } from "../../access/policy/may-ask.ts";
import { breakGlassFor, type Person } from "../../access/policy/rule.ts";
import { admittedBy, admittedInWords, type Holder } from "../../access/principal.ts";
import type { AccessRequest, PendingRequest } from "../../access/record.ts";
import { createRequest, isLeaseOver } from "../../access/request.ts";
import { eventOf, recordChange } from "../../ledger/lifecycle.ts";
import { withinTime } from "../../operations/deadlines.ts";
import { refuseActor } from "../app/admission.ts";
import { type Buttons, type Forms, openOnCommand, opens, submits } from "../app/answer.ts";
import { noteRefused } from "../app/attempts.ts";
import type { Command } from "../app/command.ts";
import type { SlackContext } from "../app/context.ts";
import type { FormChange, Submission, Suggestion } from "../app/payload.ts";
import { clustersShown, personShown } from "../app/request-people.ts";
import { identitiesNow, rememberedIdentities } from "../link/identities.ts";
import { breakGlassAction } from "../show/buttons.ts";
import { answer, formModal, type Message, messageModal } from "../show/message.ts";
import { code, mentions, plainLine, plainText, section, time } from "../show/mrkdwn.ts";
import { durationText } from "../show/words.ts";
import { blockOf, chosenIdentity, fieldId, readFormParts } from "./form.ts";
import { choose, input, suggestionsOf } from "./form-fields.ts";
import { recordedBeside, refuseTooMany } from "./limits.ts";
import { identityKey, ownBlocks, whyInput } from "./request-modal.ts";

const usageLine = code("/eks-access break-glass <cluster> [<arn>] <reason>");

export const breakGlassCommand: Command = {
  word: "break-glass",
  usage: "[<cluster> [<arn>] <reason>]",
  summary: "emergency access now, alone with a form; alerts the channel and needs a review",
  records: true,
  run: async (context, call) =>
    call.rest === ""
      ? openOnCommand(context, call, () => breakGlassForm(context, call.user, ""))
      : breakGlass(context, call.user, call.rest),
};

/** `break-glass <cluster> [<arn>] <reason>`: gives access at once, or says why not. The audit log has both. @throws AccessError */
export async function breakGlass(context: SlackContext, user: string, line: string): Promise<Message> {
  const [cluster = "", ...words] = line.trim().split(/\s+/);
  const principal = words[0]?.startsWith("arn:") ? (words.shift() ?? "") : "";
  if (/^for @\S+$/i.test(words.slice(0, 2).join(" "))) {
    const mistake = "Emergency access is for yourself alone.";
    return emergencyMistakeAnswer(mistake);
  }
  const parts = { cluster, principal, identity: "", reason: words.join(" ") };
  const taken = await takeAccess(context, user, parts);
  return "id" in taken ? emergencyAnswer(taken) : taken;
}

interface EmergencyParts {
  readonly cluster: string;
  /** Empty: their own. */
  readonly principal: string;
  /** One of several of their own, by its `identityKey`; empty: the only one. */
  readonly identity: string;
  readonly reason: string;
}

async function readEmergency(
  context: SlackContext,
  user: string,
  { cluster: name, principal: named, identity, reason: typed }: EmergencyParts,
) {
  const { clusters } = context.config;
  const shown = clusters.has(name.toLowerCase()) ? [] : await clustersShown(context, user);
  const cluster = readCluster(
    name,
    clusters,
    shown.map((each) => each.name),
  );
  const given = cluster.value?.levels.find((each) => each.name === cluster.value?.breakGlass?.level) ?? null;
  const reason = readReason(typed);
  if (named !== "") return { cluster, arn: readArn(named, given), reason };
  const { arns, why } = await ownForEmergency(context, user, cluster.value);
  const own = identity === "" ? arns : arns.filter((arn) => identityKey(arn) === identity);
  return { cluster, arn: readOwnIdentity({ arns: own, why }, given), reason };
}

/** The emergency, or why there is none. */
async function takeAccess(
  context: SlackContext,
  user: string,
  parts: EmergencyParts,
): Promise<AccessRequest | Message> {
  const { cluster, arn, reason } = await readEmergency(context, user, parts);
  const mistake = cluster.mistake ?? arn.mistake ?? reason.mistake;
  if (!cluster.value || !arn.value || !reason.value) return emergencyMistakeAnswer(mistake ?? "");
  const requested = { cluster: cluster.value, principal: arn.value, reason: reason.value };
  const turnedAway = await refuseActor(context, user, "break-glass", { id: "", cluster: requested.cluster.name });
  if (turnedAway) return turnedAway;
  const person = await personForEmergency(context, cluster.value, user);
  const may = breakGlassFor(cluster.value, person);
  const level = requested.cluster.levels.find((each) => each.name === may?.level);
  if (!may || !level) return refuse(context, person, requested);
  const possible = mayRequest({ ...requested, level, durationSeconds: may.durationSeconds });
  if (possible.type === "refused") return emergencyMistakeAnswer(possible.message);
  const taken = await takenJustNow(context, user, requested);
  if (taken) return taken;
  // Each one calls a channel, makes a lease and needs a review.
  const tooMany = await refuseTooMany(context, user, "emergencies", requested.cluster.onCall);
  return tooMany ?? give(context, person, requested, level, may);
}

/** A second click on the same emergency gives nothing more, and alerts no one again. Null: this is the first, or the access is over. */
function takenJustNow(
  context: SlackContext,
  user: string,
  { cluster: { name }, principal: { arn }, reason }: RequestedEmergency,
): Promise<AccessRequest | null> {
  const isSame = (request: AccessRequest) => {
    const { emergency, cluster, principal, reason: why } = request;
    const isNamed = cluster === name && principal === arn && why === reason;
    return emergency !== null && isNamed && !isLeaseOver(request, context.now());
  };
  return recordedBeside(context, ["emergency", user, name, arn, reason], async () =>
    (await context.ledger.ofRequester(user, 5)).find(isSame),
  );
}

/** Emergency access has no approval, so only facts under our seals count. A worker is asked only if the ledger has none. */
async function ownForEmergency(context: SlackContext, user: string, cluster: Cluster | null): Promise<OwnIdentities> {
  if (!cluster) return { arns: [], why: null };
  const remembered = await rememberedIdentities(context, user, cluster);
  return remembered.arns.length > 0 ? remembered : identitiesNow(context, user, cluster);
}

interface RequestedEmergency {
  readonly cluster: Cluster;
  readonly principal: Holder;
  readonly reason: string;
}

/** A person named by id needs no user groups: Slack may be down in an emergency. */
async function personForEmergency(
  { directory }: Pick<SlackContext, "directory">,
  cluster: Cluster,
  user: string,
): Promise<Person> {
  const who = cluster.breakGlass?.who ?? [];
  if (who.includes(user)) return { user, memberships: [] };
  return { user, memberships: await directory.membershipsOf(user, who) };
}

async function give(
  context: SlackContext,
  person: Person,
  requested: RequestedEmergency,
  level: Level,
  may: BreakGlass,
): Promise<AccessRequest> {
  const { durationSeconds } = may;
  const now = context.now();
  const asked = recordOf(context, person, requested, { level: level.name, groups: level.groups, durationSeconds }, now);
  const given = takeEmergency(asked, requested.cluster, level, person, context.keys.decision, now);
  const { principal, groups, reason } = given;
  const admits = admittedInWords(admittedBy(principal));
  const detail = {
    principal,
    admits,
    level: level.name,
    groups,
    durationSeconds,
    reason,
    memberships: person.memberships,
  };
  const event = eventOf("emergency.taken", given, person.user, now, detail);
  const result = await recordChange(context, given, event, now);
  // Ids are random: a conflict means that this id exists, so make another.
  return result.type === "committed" ? given : give(context, person, requested, level, may);
}

/** A refusal leaves an event and no record. */
async function refuse(context: SlackContext, person: Person, requested: RequestedEmergency): Promise<Message> {
  const now = context.now();
  const { breakGlass: emergency } = requested.cluster;
  const what = { level: emergency?.level ?? "", groups: [], durationSeconds: 0 };
  const asked = recordOf(context, person, requested, what, now);
  const code = "break-glass";
  const event = eventOf("request.refused", asked, person.user, now, { code, reason: requested.reason });
  await noteRefused(context, { ...event, request: "" }, { cluster: requested.cluster.name, code });
  return mayNotTakeEmergencyAnswer(requested.cluster);
}

function recordOf(
  context: SlackContext,
  { user }: Person,
  { cluster, principal, reason }: RequestedEmergency,
  what: Pick<PendingRequest, "level" | "groups" | "durationSeconds">,
  now: Date,
): PendingRequest {
  const id = context.newRequestId();
  const who = { id, requester: user, cluster: cluster.name, principal: principal.arn };
  const asked = { ...who, ...what, reason, extends: null };
  return createRequest(asked, now, context.config.timing.requestExpiresAfterSeconds);
}

export function emergencyAnswer(request: AccessRequest): Message {
  const { id, level, cluster, principal, lease } = request;
  const until = time(lease?.endsAt ?? request.createdAt);
  return answer(
    `You took emergency ${code(level)} on ${code(cluster)} for ${durationText(request)}, until ${until} (${code(id)}). Principal: ${code(principal)}.\n` +
      "Applying it now. I'll DM you when it is active. The channel sees it, and an approver reviews it.",
  );
}

function emergencyMistakeAnswer(mistake: string): Message {
  return answer(`No access given. ${plainLine(mistake)} Write ${usageLine}.`);
}

export function mayNotTakeEmergencyAnswer({ name, breakGlass }: Cluster): Message {
  const who = breakGlass ? `Only ${whoWords(breakGlass.who)} can.` : "The policy lets no one use it.";
  return answer(
    `You can't use break-glass on ${code(name)}. ${who} Use ${code("/eks-access request")} instead; the audit log has this attempt.`,
  );
}

function whoWords(who: readonly string[]): string {
  const domains = who.filter((each) => each.startsWith("@")).map((domain) => `everyone at ${code(domain)}`);
  const people = who.filter((each) => !each.startsWith("@"));
  return [...(people.length > 0 ? [mentions(people)] : []), ...domains].join(", ");
}

const breakGlassModalId = "break-glass";
/** Another cluster can be in another account, where the person has another identity. */
export const breakGlassClusterAction = "break-glass-cluster";

export const breakGlassButtons: Buttons = {
  [breakGlassAction]: opens((context, user) => breakGlassForm(context, user, "")),
};
export const breakGlassForms: Forms = { [breakGlassModalId]: takeForm };

export async function handleBreakGlassCluster(context: SlackContext, { ack, body, client }: FormChange): Promise<void> {
  await ack();
  const { view } = body;
  if (!view) return;
  const form = await breakGlassForm(context, body.user.id, readFormParts(view).cluster);
  await client.views.update({ view_id: view.id, view: form });
}

/** Slack opens a form within three seconds or not at all. In milliseconds. */
const lookingUpMs = 1_200;

/** @param chosen the cluster's name; another one: the first that the policy gives them */
async function breakGlassForm(context: SlackContext, user: string, chosen: string): Promise<ModalView> {
  const clusters = await emergencyClusters(context, user);
  const cluster = clusters.find(({ name }) => name === chosen) ?? clusters[0];
  if (!cluster)
    return messageModal(
      "Emergency access",
      answer("The policy gives you no emergency access. Request access instead."),
    );
  const looking = ownForEmergency(context, user, cluster).catch(() => unknownIdentity);
  const { arns, why } = await withinTime(looking, lookingUpMs, unknownIdentity);
  // A person's only link counts everywhere, also where the cluster refuses its account.
  const taken = arns.filter((arn) => [cluster.account, ...cluster.foreignAccounts].includes(accountIn(arn)));
  return breakGlassModal(clusters, cluster, { arns: taken, why });
}

async function emergencyClusters(context: SlackContext, user: string): Promise<readonly Cluster[]> {
  const person = await personShown(context, user);
  return [...context.config.clusters.values()].filter((cluster) => breakGlassFor(cluster, person));
}

export async function handleBreakGlassSearch(context: SlackContext, { ack, body, payload }: Suggestion): Promise<void> {
  const clusters = await emergencyClusters(context, body.user.id);
  const names = clusters.map(({ name }) => name);
  await ack({ options: suggestionsOf(names, payload.value) });
}

const unknownIdentity: OwnIdentities = { arns: [], why: null };

/** The form is the confirmation: it shows the effect. The policy names the level. */
function breakGlassModal(clusters: readonly Cluster[], cluster: Cluster, own: OwnIdentities): ModalView {
  const { name: chosen, breakGlass: may } = cluster;
  const gives = may ? `${code(chosen)}: ${code(may.level)} for ${formatDuration(may.durationSeconds)}` : "";
  const names = clusters.map(({ name }) => name);
  const shown = { title: "Emergency access", submit: "Take it now", close: "Cancel" };
  return formModal({ id: breakGlassModalId, memory: "", ...shown }, [
    section(
      [":rotating_light: You get access at once. The channel sees it, and an approver reviews it.", gives].join("\n"),
    ),
    choose({ id: fieldId("cluster"), label: "Cluster", names, chosen, action: breakGlassClusterAction }),
    ...ownBlocks({ cluster: chosen, identity: "", askedFor: "" }, own),
    whyInput(true),
    emergencyPrincipal(chosen, own),
  ]);
}

/** Optional only if an identity of theirs is known: no one is to learn it from an error at night. */
function emergencyPrincipal(cluster: string, { arns }: OwnIdentities): InputBlock {
  const id = fieldId("principal", cluster);
  if (arns.length > 0) return { ...input(id, "Another IAM role or user", {}), optional: true };
  const block = input(id, "IAM role or user", { placeholder: plainText("arn:aws:iam::111122223333:role/developers") });
  return { ...block, hint: plainText("aws sts get-caller-identity prints yours.") };
}

/** Slack waits three seconds for the answer to a form. In milliseconds. */
const readingMs = 1_000;

async function takeForm(context: SlackContext, submission: Submission): Promise<void> {
  const { view, body } = submission;
  const user = body.user.id;
  const { cluster, principal, reason: typed } = readFormParts(view);
  const parts = { cluster, principal, identity: chosenIdentity(view), reason: typed.trim().replace(/\s+/g, " ") };
  const reading = readEmergency(context, user, parts).catch(() => null);
  const read = await withinTime(reading, readingMs, null);
  const found = { cluster: read?.cluster.mistake, principal: read?.arn.mistake, reason: read?.reason.mistake };
  const errors = Object.entries(found).flatMap(([part, mistake]) =>
    mistake ? [[blockOf(view, part as keyof typeof found), mistake] as const] : [],
  );
  if (errors.length > 0) return submission.ack({ response_action: "errors", errors: Object.fromEntries(errors) });
  const take = async () => {
    const taken = await takeAccess(context, user, parts);
    // The direct message has the rest: no one closes an answer at night.
    return "id" in taken ? null : taken;
  };
  return submits("Emergency access", take)(context, submission);
}
