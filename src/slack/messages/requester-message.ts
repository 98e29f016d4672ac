import type { Cluster } from "../../policy/cluster.ts";
import type { AccessRequest } from "../../request/request.ts";
import { code, codeBlock, cut, mention, plainLine, section, time } from "../mrkdwn.ts";
import { leaseButtons } from "./approval-message.ts";
import type { Message } from "./message.ts";
import { proofLines, remainsOf, said, troubleOf } from "./words.ts";

export interface Milestone {
  /** Names it in the list of what was told; each is told once. */
  readonly name: string;
  readonly message: Message;
}

/** What the requester has to be told in a direct message now; null: nothing. A pure function of the record. */
export function milestoneOf(request: AccessRequest, cluster: Cluster | undefined): Milestone | null {
  const subject = `${code(request.level)} on ${code(request.cluster)} (${code(request.id)})`;
  const tell = (name: string, text: string): Milestone => ({ name, message: { text, blocks: [section(text)] } });
  const { denial, grant, trouble } = request;
  if (trouble) return tell(`${milestoneState(request)}-${trouble.code}`, `${subject}: ${troubleOf(request)}`);
  if (request.state === "refused") {
    return tell("refused", `${subject} can't be given. ${said(request.refusal?.message ?? "")}.`);
  }
  if (request.state === "denied" && denial) {
    return tell(
      "denied",
      `${mention(denial.by)} denied ${subject}.${denial.why && ` ${cut(plainLine(denial.why), 600)}`}`,
    );
  }
  if (request.state === "lapsed")
    return tell("lapsed", `${subject} lapsed: nobody decided in time. Ask again if you still need it.`);
  if (request.state === "pending" && request.voided) {
    const { message } = request.voided;
    return tell(
      `void-${message}`,
      `The approval of ${subject} is void: ${said(message)}. The approvers are asked again.`,
    );
  }
  if (grant?.state === "active" && grant.drift) {
    return tell(`drift-${grant.drift.at}`, `${subject} is not in aws-auth any more: ${said(grant.drift.message)}.`);
  }
  if (grant?.state === "active" && !grant.end && grant.warnedAt) {
    const text = `${subject} ends ${time(grant.endsAt)}.`;
    return { name: "ending-soon", message: { text, blocks: [section(text), leaseButtons(request)] } };
  }
  if (grant?.state === "active" && !grant.end) return tell("active", activeText(request, subject, cluster));
  if (grant?.state === "failed") {
    return tell("failed", `${subject} was approved but could not be given. ${said(grant.failure?.message ?? "")}.`);
  }
  if (grant?.state === "ended") {
    const how = grant.end?.cause === "revoked" ? `was revoked by ${mention(grant.end.by)}` : "is over";
    return tell("ended", `${subject} ${how}: ${remainsOf(grant)}. Ask again with ${code("/eks-access request")}.`);
  }
  return null;
}

function milestoneState({ state, grant }: AccessRequest): string {
  return grant ? grant.state : state;
}

function activeText(request: AccessRequest, subject: string, cluster: Cluster | undefined): string {
  const { grant } = request;
  const proof = grant?.proof ? `\n${proofLines(grant.proof)}` : "";
  const login = cluster
    ? `\nSign in with\n${codeBlock(`aws eks update-kubeconfig --region ${cluster.region} --name ${cluster.eksName}\nkubectl get pods`)}`
    : "";
  return `${subject} is active until ${time(grant?.endsAt ?? request.lapsesAt)}.${proof}${login}`;
}
