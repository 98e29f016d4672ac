import type { Button } from "@slack/types";
import { othersWhoMayApprove } from "../../access/approval/decision.ts";
import type { Lease } from "../../access/lease/lease-record.ts";
import { isProving, isReviewingEnd, isSigningInAtFirst } from "../../access/lease/proving.ts";
import { signInWay } from "../../access/lease/sign-in.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { admittedBy, entryArnOf, readHolder } from "../../aws-auth/index.ts";
import { cancelButton, detailsButton, doneButton, extendButtons } from "../blocks/buttons.ts";
import type { Message } from "../blocks/message.ts";
import { code, codeBlock, mention, mentions, plainLine, preformatted, section, time, until } from "../blocks/mrkdwn.ts";
import { admitsText, endProofLines, proofLines, remainsOf, said, troubleOf } from "../blocks/words.ts";

export interface Milestone {
  /** Its name in the list of messages sent; each is sent once. */
  readonly name: string;
  readonly message: Message;
}

const askAgain = `Ask again with ${code("/eks-access request")}.`;

/**
 * The direct message that the requester needs now, with the next step; null: none. A pure function of the record and of the
 * names of earlier messages: a message that access is restored needs the one that it was lost.
 */
export function milestoneOf(
  request: AccessRequest,
  cluster: Cluster | undefined,
  delivered: readonly string[] = [],
): Milestone | null {
  const { trouble, lease, state } = request;
  if (trouble) {
    return tell(`${lease?.state ?? state}-${trouble.code}`, `${subjectOf(request)}: ${troubleOf(request)}`);
  }
  return lease ? leaseMilestone(request, cluster, delivered) : requestMilestone(request, cluster);
}

function tell(name: string, text: string, buttons: readonly Button[] = []): Milestone {
  return { name, message: withButtons({ text, blocks: [section(text)] }, buttons) };
}

function withButtons({ text, blocks }: Message, buttons: readonly Button[]): Message {
  const actions = buttons.length > 0 ? [{ type: "actions" as const, elements: [...buttons] }] : [];
  return { text, blocks: [...blocks, ...actions] };
}

function subjectOf({ level, cluster, id }: AccessRequest): string {
  return `${code(level)} on ${code(cluster)} (${code(id)})`;
}

/** Before there is a lease. The answer to `cancel` is enough; it needs no message. */
function requestMilestone(request: AccessRequest, cluster: Cluster | undefined): Milestone | null {
  const subject = subjectOf(request);
  const { state, denial, refusal } = request;
  if (state === "refused") {
    // The answer to the command or the form already said what the policy refused.
    if (request.version === 1) return null;
    return tell("refused", `Couldn't give ${subject}; nothing changed. ${said(refusal?.message ?? "")}.`);
  }
  if (state === "denied" && denial) {
    const why = denial.why && ` ${plainLine(denial.why, 600)}`;
    return tell(
      "denied",
      `${mention(denial.by)} denied ${subject}.${why}\nQuestions? Ask them, or request something else.`,
    );
  }
  if (state === "lapsed") return tell("lapsed", `${subject} lapsed without a decision. ${askAgain}`);
  return state === "pending" ? pendingMilestone(request, cluster) : null;
}

function pendingMilestone(request: AccessRequest, cluster: Cluster | undefined): Milestone | null {
  const subject = subjectOf(request);
  const { voided, preview, approvals, approvalsWanted, lapsesAt } = request;
  const who = cluster ? mentions(othersWhoMayApprove(request, cluster)) : "";
  const last = approvals.at(-1);
  if (last) {
    const left = approvalsWanted - approvals.length;
    const needs = `Needs ${left} more approval${left === 1 ? "" : "s"}, from ${who}.`;
    return tell(`approval-${last.at}`, `${mention(last.by)} approved ${subject}. ${needs}`);
  }
  if (voided) {
    const text = `The approval of ${subject} no longer counts: ${said(voided.message)}. The approvers must decide again.`;
    return tell(`void-${voided.message}`, text);
  }
  if (!preview) return null;
  const text = `Waiting for ${who} to decide about ${subject}. Expires ${time(lapsesAt)}.`;
  return tell("asked", `${text}\n${admitsText(request)}`, [detailsButton(request), cancelButton(request)]);
}

function leaseMilestone(
  request: AccessRequest,
  cluster: Cluster | undefined,
  delivered: readonly string[],
): Milestone | null {
  const subject = subjectOf(request);
  const { lease, approvals } = request;
  if (lease?.state === "scheduled" && !lease.end) {
    const by = mentions(approvals.map((each) => each.by));
    const text = `${request.emergency ? "You took emergency access:" : `${by} approved`} ${subject}.\n${admitsText(request)}\nApplying it now. I'll DM you when it is active.`;
    return tell(`${request.emergency ? "emergency" : "approved"}-${approvals.at(-1)?.at}`, text);
  }
  if (lease?.state === "failed") {
    const text = `Couldn't apply ${subject}${request.emergency ? "" : ", although it was approved"}. ${said(lease.failure?.message ?? "")}.`;
    return tell("failed", `${text} ${askAgain}`);
  }
  if (lease?.state === "ended") return endedMilestone(request, lease, delivered);
  return lease?.state === "active" ? activeMilestone(request, cluster, delivered) : null;
}

function activeMilestone(
  request: AccessRequest,
  cluster: Cluster | undefined,
  delivered: readonly string[],
): Milestone | null {
  const subject = subjectOf(request);
  const { lease } = request;
  if (!lease) return null;
  const { drift } = lease;
  if (drift) return tell(`drift-${drift.at}`, `You lost ${subject}: ${said(drift.message)}.`);
  // The end has its own message when it is done.
  if (lease.end) return null;
  const gone = delivered.findLast((name) => name.startsWith("drift-"));
  const back = gone?.replace("drift-", "repaired-");
  if (back && !delivered.includes(back)) {
    return tell(
      back,
      `${subject} works again, and is proved. It lasts ${until(lease.endsAt, request.durationSeconds)}.`,
    );
  }
  const buttons = [...extendButtons(request), doneButton(request)];
  if (lease.warnedAt) {
    return tell("ending-soon", `${subject} ends ${time(lease.endsAt)}. Do you still need it?`, buttons);
  }
  return provedMilestone(request, lease, cluster, delivered);
}

/** One message with the whole proof. If signing in takes longer, a first message has the proof so far. */
function provedMilestone(
  request: AccessRequest,
  lease: Lease,
  cluster: Cluster | undefined,
  delivered: readonly string[],
): Milestone | null {
  if (isSigningInAtFirst(lease)) return null;
  const subject = subjectOf(request);
  const buttons = [...extendButtons(request), doneButton(request)];
  const proof = lease.proof ? `\n${proofLines(lease)}` : "";
  const isUnfinished = isProving(lease);
  if (isUnfinished && delivered.includes("active")) return null;
  if (!isUnfinished && delivered.includes("active-unfinished")) {
    return tell("active", `${subject} is active, and its proof is complete:\n${admitsText(request)}${proof}`, buttons);
  }
  const text = `${subject} is active ${until(lease.endsAt, request.durationSeconds)}.\n${admitsText(request)}${proof}`;
  const login = cluster && signInMessage(request, cluster);
  const message = {
    text: login ? `${text}\n${login.text}` : text,
    blocks: [section(text), ...(login?.blocks ?? [])],
  };
  return { name: isUnfinished ? "active-unfinished" : "active", message: withButtons(message, buttons) };
}

/** If the API server does not answer, the first message comes at once, and a second one has its answer. */
function endedMilestone(request: AccessRequest, lease: Lease, delivered: readonly string[]): Milestone | null {
  const subject = subjectOf(request);
  const isUnproved = isReviewingEnd(lease);
  if (isUnproved && delivered.includes("ended")) return null;
  const proof = endProofLines(lease);
  if (!isUnproved && delivered.includes("ended-unproved")) {
    return tell("ended", `Checked again that ${subject} ended:\n${proof}`);
  }
  return tell(isUnproved ? "ended-unproved" : "ended", `${endedText(request, lease, subject)}${proof && `\n${proof}`}`);
}

function endedText(request: AccessRequest, { end }: Lease, subject: string): string {
  const { requester } = request;
  if (end?.cause !== "revoked") return `${subject} ended: ${remainsOf(request)}. ${askAgain}`;
  if (end.by === requester) return `${subject} ended as you asked: ${remainsOf(request)}.`;
  const why = end.why && ` (${plainLine(end.why, 300)})`;
  return `${subject} was revoked by ${mention(end.by)}${why}: ${remainsOf(request)}. ${askAgain}`;
}

/** The lines to copy once access is active, and the credentials that they need. */
export function signInMessage(request: AccessRequest, cluster: Cluster): Message {
  const { region, eksName, name } = cluster;
  const lines = [
    `aws eks update-kubeconfig --region ${region} --name ${eksName} --alias ${name}`,
    `kubectl get pods${namespaceOption(request, cluster)}`,
  ].join("\n");
  const intro = `Sign in with the credentials of ${code(request.principal)}:`;
  const hint = assumeHint(request, cluster);
  return {
    text: [intro, codeBlock(lines), ...(hint ? [hint] : [])].join("\n"),
    blocks: [section(intro), preformatted(lines), ...(hint ? [section(hint)] : [])],
  };
}

/** A level may list pods in one namespace alone: its own check names that namespace. */
function namespaceOption({ level }: AccessRequest, { levels }: Cluster): string {
  const checks = levels.find((each) => each.name === level)?.verify ?? [];
  const namespace = checks.find(({ resource }) => resource === "pods")?.namespace ?? "";
  return /^[a-z0-9-]+$/.test(namespace) && namespace !== "default" ? ` --namespace ${namespace}` : "";
}

/**
 * aws-auth has a role without its path, but STS needs the path. `--role-arn` is for people without the role's credentials;
 * we can't know what they have. If the worker itself may assume the role, the configuration has its path; an access entry has it too.
 */
function assumeHint({ principal: arn, lease }: AccessRequest, cluster: Cluster): string {
  const reading = readHolder(arn);
  if (reading.type === "invalid" || reading.principal.kind === "user") return "";
  const admitted = admittedBy(entryArnOf(arn));
  // A role of IAM Identity Center is assumed through its permission set only.
  if (admitted.type === "permission-set")
    return `They come with a profile of the permission set ${code(admitted.name)}: add ${code("--profile <name>")} to the first line.`;
  // The name of a session is given where the role is assumed, and kubectl would give another one.
  if (reading.principal.kind === "session") return `Use the profile with which you assume ${code(admitted.name)}.`;
  const way = signInWay(cluster, arn);
  const known = way.type === "role" ? way.roleArn : lease?.proof?.entryArn;
  if (known) return `No profile for this role? Add ${code(`--role-arn ${known}`)} to the first line.`;
  const line = `aws iam get-role --role-name ${reading.principal.name} --query Role.Arn --output text`;
  return `No profile for this role? ${code(line)} prints its ARN with its path: add it to the first line, after ${code("--role-arn")}.`;
}
