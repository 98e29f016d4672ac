import { ownArnsFor, readArn, readCluster, readOwnIdentity, readReason } from "../../access/ask/read-part.ts";
import { takeEmergency } from "../../access/emergency.ts";
import type { OwnIdentities } from "../../access/identities.ts";
import type { BreakGlass, Cluster, Level } from "../../access/policy/cluster.ts";
import { refuseRequest } from "../../access/policy/may-ask.ts";
import { noEmergency } from "../../access/policy/permissions.ts";
import { breakGlassFor, type Person } from "../../access/policy/rule.ts";
import { admittedBy, admittedInWords, type Holder, roleOrUserIn } from "../../access/principal.ts";
import type { AccessRequest, PendingRequest } from "../../access/record.ts";
import { createRequest, isLeaseOver } from "../../access/request.ts";
import { eventOf, recordChange } from "../../ledger/lifecycle.ts";
import { noteRefused } from "../app/attempts.ts";
import type { SlackContext } from "../app/context.ts";
import { clustersShown, membershipsNow } from "../app/request-people.ts";
import { identitiesNow, rememberedIdentities } from "../link/identities.ts";
import { breakGlassButton, runBlocks } from "../show/buttons.ts";
import { answer, type Message, messageOf, onlyAnswer } from "../show/message.ts";
import { actions, code, oneOf, styled, time } from "../show/mrkdwn.ts";
import { durationText } from "../show/words.ts";
import { recordedBeside, refuseTooMany } from "./limits.ts";
import { identityKey } from "./request-modal.ts";

interface EmergencyParts {
  readonly cluster: string;
  /** Empty: their own. */
  readonly principal: string;
  /** One of several of their own, by its `identityKey`; empty: the only one. */
  readonly identity: string;
  readonly reason: string;
}

/** Each part with its value, or with its mistake in a sentence. @throws AccessError */
export async function readEmergency(
  context: SlackContext,
  user: string,
  { cluster: name, principal: named, identity, reason: typed }: EmergencyParts,
) {
  const { clusters } = context.config;
  const shown = clusters.has(name.toLowerCase()) ? [] : await clustersShown(context, user);
  const names = shown.map((each) => each.name);
  const cluster = readCluster(name, clusters, names);
  const given = cluster.value?.levels.find((each) => each.name === cluster.value?.breakGlass?.level) ?? null;
  const reason = readReason(typed);
  if (named !== "") return { cluster, arn: readArn(named, given), reason, own: [] };
  const { arns, why } = await ownForEmergency(context, user, cluster.value);
  const own = identity === "" ? arns : arns.filter((arn) => identityKey(arn) === identity);
  return { cluster, arn: readOwnIdentity({ arns: own, why }, given), reason, own: ownArnsFor(own, given) };
}

/** The emergency, or why there is none. */
export async function takeAccess(
  context: SlackContext,
  user: string,
  parts: EmergencyParts,
): Promise<AccessRequest | Message> {
  const { cluster, arn, reason, own } = await readEmergency(context, user, parts);
  if (!cluster.value) return emergencyMistakeAnswer(cluster.mistake ?? "");
  const person = await personForEmergency(context, cluster.value, user);
  const may = breakGlassFor(cluster.value, person);
  const level = cluster.value.levels.find((each) => each.name === may?.level);
  // First: no one corrects a line at night that is refused then.
  if (!may || !level) return refuse(context, person, cluster.value, arn.value?.arn ?? "", reason.value ?? "");
  if (own.length > 1 && arn.mistake && reason.value) return whichAnswer(arn.mistake, own, parts);
  if (!arn.value || !reason.value) return formInstead(arn.mistake ?? reason.mistake ?? "", parts);
  const requested = { cluster: cluster.value, principal: arn.value, reason: reason.value };
  const refusal = refuseRequest({ ...requested, level, durationSeconds: may.durationSeconds });
  if (refusal) return formInstead(refusal.message, parts);
  const taken = await takenJustNow(context, user, requested);
  if (taken) return taken;
  // Each one calls a channel, makes a lease and needs a review.
  const tooMany = await refuseTooMany(context, user, "emergencies", requested.cluster.onCall);
  return tooMany ?? give(context, person, requested, level, may);
}

/**
 * After an error a person takes it again, and the first one can be recorded. Longer than the minute for which the answer asks them to
 * wait (`explainToPerson`). Later they can need more time for the same reason.
 */
const sameForMs = 3 * 60_000;

/** A second click on the same emergency gives nothing more, and alerts no one again. Null: this is the first, or the access is over. */
async function takenJustNow(
  context: SlackContext,
  user: string,
  { cluster: { name }, principal: { arn }, reason }: RequestedEmergency,
): Promise<AccessRequest | null> {
  const now = context.now();
  const isSame = (request: AccessRequest) => {
    const { emergency, cluster, principal, reason: why, createdAt } = request;
    const isNamed = cluster === name && principal === arn && why === reason;
    const isRecent = now.getTime() - Date.parse(createdAt) < sameForMs;
    return emergency !== null && isNamed && isRecent && !isLeaseOver(request, now);
  };
  const find = async () => (await context.ledger.ofRequester(user, 5)).find(isSame);
  return (await find()) ?? recordedBeside(context, ["emergency", user, name, arn, reason], find);
}

/** Emergency access has no approval, so only facts under our seals count. A worker is asked only if the ledger has none. */
export async function ownForEmergency(
  context: SlackContext,
  user: string,
  cluster: Cluster | null,
): Promise<OwnIdentities> {
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
async function personForEmergency({ directory }: SlackContext, cluster: Cluster, user: string): Promise<Person> {
  const who = cluster.breakGlass?.who ?? [];
  if (who.includes(user)) return { user, memberships: [] };
  return { user, memberships: await membershipsNow(directory, user, who) };
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
  const { cluster, principal: holder } = requested;
  const what = { level: level.name, groups: level.groups, durationSeconds, principal: holder.arn };
  const asked = recordOf(context, person, cluster, { ...what, reason: requested.reason }, now);
  const given = takeEmergency(asked, cluster, level, person, context.keys.decision, now);
  const { principal, groups, reason } = given;
  const access = { principal, admits: admittedInWords(admittedBy(principal)), level: level.name, groups };
  const detail = { ...access, durationSeconds, reason, memberships: person.memberships };
  const event = eventOf("emergency.taken", given, person.user, now, detail);
  const result = await recordChange(context, null, given, event, now);
  // Ids are random: a conflict means that this id exists, so make another.
  return result.type === "committed" ? given : give(context, person, requested, level, may);
}

/** A refusal leaves an event and no record. @param principal empty: not given, or wrong; so is the reason */
async function refuse(context: SlackContext, person: Person, cluster: Cluster, principal: string, reason: string) {
  const now = context.now();
  const what = { level: cluster.breakGlass?.level ?? "", groups: [], durationSeconds: 0, principal, reason };
  const asked = recordOf(context, person, cluster, what, now);
  const code = "break-glass";
  const event = eventOf("request.refused", asked, person.user, now, { code, reason });
  await noteRefused(context, { ...event, request: "" }, { cluster: cluster.name, code });
  return mayNotTakeEmergencyAnswer(cluster);
}

function recordOf(
  context: SlackContext,
  { user }: Person,
  { name }: Cluster,
  what: Pick<PendingRequest, "level" | "groups" | "durationSeconds" | "principal" | "reason">,
  now: Date,
): PendingRequest {
  const asked = { id: context.newRequestId(), requester: user, cluster: name, ...what, extends: null };
  return createRequest(asked, now, context.config.timing.requestExpiresAfterSeconds);
}

export function emergencyAnswer(request: AccessRequest): Message {
  const { id, level, cluster, principal, lease } = request;
  const until = time(lease?.endsAt ?? request.createdAt);
  return answer(
    `You took emergency ${code(level)} on ${code(cluster)} for ${durationText(request)}, until ${until} (${code(id)}). Principal: ${code(principal)}.\n` +
      "I'll DM you when it is active. The channel sees it; an approver reviews it.",
  );
}

/** As many as people read. */
const maxOwn = 5;

/** At night a click, not an ARN to type. */
function whichAnswer(mistake: string, own: readonly string[], { cluster, reason }: EmergencyParts): Message {
  const { blocks } = emergencyMistakeAnswer(mistake);
  const runs = own.slice(0, maxOwn).map((arn, index) => {
    return runBlocks(`run-${index}`, `break-glass ${cluster} ${arn} ${reason}`, `as ${roleOrUserIn(arn)}`);
  });
  return messageOf([...blocks, ...runs.flat()]);
}

/** Only for who may open the form. */
function formInstead(mistake: string, { cluster, reason }: EmergencyParts): Message {
  const form = actions("emergency", [breakGlassButton(`${cluster} ${reason}`)]);
  return messageOf([...emergencyMistakeAnswer(mistake).blocks, form]);
}

export function emergencyMistakeAnswer(mistake: string): Message {
  return answer(`No access given. ${styled(mistake, 3000)}`);
}

export function mayNotTakeEmergencyAnswer({ name, breakGlass }: Cluster): Message {
  const next = `Use ${code("/eks-access request")} instead; the audit log has this attempt.`;
  if (breakGlass) return onlyAnswer(whoWords(breakGlass.who), next);
  return answer(`${noEmergency("you", code(name))} ${next}`);
}

function whoWords(who: readonly string[]): string {
  const domains = who.filter((each) => each.startsWith("@")).map((domain) => `everyone at ${code(domain)}`);
  const people = who.filter((each) => !each.startsWith("@"));
  return [...(people.length > 0 ? [oneOf(people)] : []), ...domains].join(", or ");
}
