import type { ModalView } from "@slack/types";
import { takeEmergency } from "../../access/approval/emergency.ts";
import type { OwnIdentities } from "../../access/approval/identities.ts";
import type { BreakGlass, Cluster, Level } from "../../access/policy/cluster.ts";
import { mayRequest } from "../../access/policy/may-ask.ts";
import type { Person } from "../../access/policy/person.ts";
import { breakGlassFor } from "../../access/policy/rule.ts";
import { formatDuration } from "../../access/request/extension.ts";
import { maxReasonLength, readArn, readCluster, readOwnIdentity, readReason } from "../../access/request/read-part.ts";
import type { AccessRequest, PendingRequest } from "../../access/request/record.ts";
import { createRequest } from "../../access/request/request.ts";
import { admittedBy, admittedInWords, type Holder } from "../../aws-auth/index.ts";
import { eventOf, recordChange } from "../../ledger/lifecycle.ts";
import { withinTime } from "../../operations/deadlines.ts";
import { answerSubmission, type ButtonClick, openOnClick, type Submission } from "../app/answer.ts";
import type { Command } from "../app/command.ts";
import type { SlackContext } from "../app/context.ts";
import { refuseActor } from "../people/admission.ts";
import { noteRefused } from "../people/attempts.ts";
import { rememberedIdentities } from "../people/identities.ts";
import { personShown } from "../people/requester-facts.ts";
import { answer, type Message, messageModal, text } from "../show/message.ts";
import { code, mentions, plainLine, section, time } from "../show/mrkdwn.ts";
import { durationText } from "../show/words.ts";
import { recordedBeside } from "./limits.ts";

const usageLine = code("/eks-access break-glass <cluster> [<arn>] <reason>");

export const breakGlassCommand: Command = {
  word: "break-glass",
  usage: "<cluster> [<arn>] <reason>",
  summary: "emergency access now; alerts the channel and needs a review",
  records: true,
  run: (context, { user, rest }) => breakGlass(context, user, rest),
};

/** `break-glass <cluster> [<arn>] <reason>`: gives access at once, or says why not. The audit log has both. @throws AccessError */
export function breakGlass(context: SlackContext, user: string, line: string): Promise<Message> {
  const [cluster = "", ...words] = line.trim().split(/\s+/);
  const principal = words[0]?.startsWith("arn:") ? words.shift() : undefined;
  if (/^for @\S+$/i.test(words.slice(0, 2).join(" "))) {
    const mistake = "You can take emergency access only for yourself. The other person must take it themselves.";
    return Promise.resolve(emergencyMistakeAnswer(mistake));
  }
  return takeAccess(context, user, { cluster, principal, reason: words.join(" ") });
}

interface EmergencyParts {
  readonly cluster: string;
  /** Absent: the linked one. */
  readonly principal: string | undefined;
  readonly reason: string;
}

async function readEmergency(
  context: SlackContext,
  user: string,
  { cluster: name, principal: named, reason: typed }: EmergencyParts,
) {
  const cluster = readCluster(name, context.config.clusters);
  const given = cluster.value?.levels.find((each) => each.name === cluster.value?.breakGlass?.level) ?? null;
  const arn =
    named === undefined
      ? readOwnIdentity(await ownForEmergency(context, user, cluster.value), given)
      : readArn(named, given);
  return { cluster, arn, reason: readReason(typed) };
}

/** The mistakes in a form, by field, so the person keeps what they typed. @throws AccessError */
async function emergencyMistakes(
  context: SlackContext,
  user: string,
  parts: EmergencyParts,
): Promise<Readonly<Record<string, string>>> {
  const { cluster, arn, reason } = await readEmergency(context, user, parts);
  const found = { cluster: cluster.mistake, principal: arn.mistake, reason: reason.mistake };
  return Object.fromEntries(Object.entries(found).flatMap(([part, mistake]) => (mistake ? [[part, mistake]] : [])));
}

async function takeAccess(context: SlackContext, user: string, parts: EmergencyParts): Promise<Message> {
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
  const given = (await takenJustNow(context, user, requested)) ?? (await give(context, person, requested, level, may));
  return emergencyAnswer(given, requested.cluster);
}

/** A second click on the same emergency gives nothing more, and alerts no one again. Null: this is the first. */
function takenJustNow(
  context: SlackContext,
  user: string,
  { cluster: { name }, principal: { arn }, reason }: RequestedEmergency,
): Promise<AccessRequest | null> {
  const isSame = ({ emergency, cluster, principal, reason: why, lease }: AccessRequest) =>
    emergency !== null && lease?.state !== "ended" && cluster === name && principal === arn && why === reason;
  return recordedBeside(context, ["emergency", user, name, arn, reason], async () =>
    (await context.ledger.ofRequester(user, 5)).find(isSame),
  );
}

/** Emergency access has no approval, so only facts under our seals count. */
async function ownForEmergency(context: SlackContext, user: string, cluster: Cluster | null): Promise<OwnIdentities> {
  return cluster ? rememberedIdentities(context, user, cluster) : { arns: [], why: null };
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
  const asked = recordOf(context, person, requested, level.name, level.groups, durationSeconds, now);
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
  const asked = recordOf(context, person, requested, emergency?.level ?? "", [], 0, now);
  const code = "break-glass";
  const event = eventOf("request.refused", asked, person.user, now, { code, reason: requested.reason });
  await noteRefused(context, { ...event, request: "" }, { cluster: requested.cluster.name, code });
  return mayNotTakeEmergencyAnswer(requested.cluster);
}

function recordOf(
  context: SlackContext,
  { user }: Person,
  { cluster, principal, reason }: RequestedEmergency,
  level: string,
  groups: readonly string[],
  durationSeconds: number,
  now: Date,
): PendingRequest {
  const id = context.newRequestId();
  const who = { id, requester: user, cluster: cluster.name, principal: principal.arn };
  const what = { level, groups, durationSeconds, reason, extends: null };
  return createRequest({ ...who, ...what }, now, context.config.timing.requestExpiresAfterSeconds);
}

export function emergencyAnswer(request: AccessRequest, cluster: Cluster): Message {
  const { id, level, principal, lease } = request;
  const until = time(lease?.endsAt ?? request.createdAt);
  return answer(
    `You took emergency ${code(level)} on ${code(cluster.name)} for ${durationText(request)}, until ${until} (${code(id)}). Principal: ${code(principal)}.\n` +
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

export const breakGlassModalId = "break-glass";

/** Slack takes no more options in a list. */
const maxOptions = 100;

export function handleBreakGlassButton(context: SlackContext, click: ButtonClick): Promise<void> {
  return openOnClick(context, click, async () => {
    const person = await personShown(context, click.body.user.id);
    const clusters = [...context.config.clusters.values()].filter((cluster) => breakGlassFor(cluster, person));
    return clusters.length > 0
      ? breakGlassModal(clusters.slice(0, maxOptions))
      : messageModal("Emergency access", answer("The policy gives you no emergency access. Ask for access instead."));
  });
}

/** The form is the confirmation: it shows the effect. The policy names the level. */
function breakGlassModal(clusters: readonly Cluster[]): ModalView {
  const options = clusters.map(({ name }) => ({ text: text(name), value: name }));
  const [first] = options;
  const levels = clusters.flatMap(({ name, breakGlass: may }) =>
    may ? [`${code(name)}: ${code(may.level)} for ${formatDuration(may.durationSeconds)}`] : [],
  );
  return {
    type: "modal",
    callback_id: breakGlassModalId,
    title: text("Emergency access"),
    submit: text("Take it now"),
    close: text("Cancel"),
    blocks: [
      section(
        `:rotating_light: You get access at once, without an approval. I alert the channel, and an approver reviews it.\n${levels.slice(0, 20).join("\n")}`,
      ),
      {
        type: "input",
        block_id: "cluster",
        label: text("Cluster"),
        element: { type: "static_select", action_id: "value", options, ...(first && { initial_option: first }) },
      },
      {
        type: "input",
        block_id: "reason",
        label: text("Why"),
        element: { type: "plain_text_input", action_id: "value", multiline: true, max_length: maxReasonLength },
      },
      {
        type: "input",
        block_id: "principal",
        optional: true,
        label: text("IAM role or user, if it is not your linked one"),
        element: { type: "plain_text_input", action_id: "value" },
      },
    ],
  };
}

/** Slack waits three seconds for the answer to a form. In milliseconds. */
const readingMs = 1_000;

export async function handleBreakGlassSubmission(context: SlackContext, submission: Submission): Promise<void> {
  const { values } = submission.view.state;
  const user = submission.body.user.id;
  const cluster = values.cluster?.value?.selected_option?.value ?? "";
  const principal = values.principal?.value?.value?.trim() || undefined;
  const reason = (values.reason?.value?.value ?? "").trim().replace(/\s+/g, " ");
  const parts = { cluster, principal, reason };
  const errors = await withinTime(
    emergencyMistakes(context, user, parts).catch(() => ({})),
    readingMs,
    {},
  );
  if (Object.keys(errors).length > 0) return submission.ack({ response_action: "errors", errors });
  return answerSubmission(context, submission, "Emergency access", () => takeAccess(context, user, parts));
}
