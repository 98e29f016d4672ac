import type { Cluster } from "../../access/policy/cluster.ts";
import { approvesFor } from "../../access/policy/may-see.ts";
import { isNamedIn, type Person } from "../../access/policy/person.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import type { LinkProposal, WorkerIdentity } from "../../ledger/ledger.ts";
import type { Message } from "../blocks/message.ts";
import { code, codeList, mention, section, time, until } from "../blocks/mrkdwn.ts";
import { stateOf } from "../blocks/words.ts";
import { madeAgain } from "../link/link-answers.ts";

export interface WhoAmI {
  readonly person: Person;
  readonly principal: string | null;
  /** Whether no rule goes by it before it is linked again. */
  readonly again: boolean;
  /** What waits for an administrator's confirmation. */
  readonly proposal: LinkProposal | null;
  readonly requests: readonly AccessRequest[];
  /** Those that the configuration names. */
  readonly clusters: readonly Cluster[];
  readonly worker: WorkerIdentity | null;
  /** Whether a worker answered just now; otherwise what is shown is what it said last. */
  readonly workerAnswered: boolean;
}

const mostLeases = 10;

/** `whoami`: the person, what they have and what they may do, and who the bot is to AWS. */
export function whoAmIAnswer({
  person,
  principal,
  again,
  proposal,
  requests,
  clusters,
  worker,
  workerAnswered,
}: WhoAmI): Message {
  const approves = clusters.filter((cluster) => approvesFor(cluster, person)).map(({ name }) => name);
  const onCall = clusters.filter((cluster) => isNamedIn(cluster.onCall, person)).map(({ name }) => name);
  const parts = [
    `*You* ${mention(person.user)} (${code(person.user)})\n*Linked principal* ${linkWords(principal, proposal, again)}`,
    leaseLines(requests).join("\n"),
    `*You may approve on* ${namesOr("no cluster", approves)}\n*You are on call for* ${namesOr("no cluster", onCall)}`,
    `*The worker* ${workerWords(worker, workerAnswered)}`,
  ];
  return { text: parts.join("\n"), blocks: parts.map(section) };
}

function linkWords(principal: string | null, proposal: LinkProposal | null, again: boolean): string {
  const linked = principal ? code(principal) : `none yet; ${code("/eks-access link <arn>")} links yours`;
  const waiting = proposal ? ` (${code(proposal.arn)} waits for an administrator)` : "";
  return `${linked}${waiting}${again ? `. ${madeAgain}` : ""}`;
}

function leaseLines(requests: readonly AccessRequest[]): string[] {
  const active = requests.filter((request) => request.lease?.state === "active");
  if (active.length === 0) return ["*Your active access* none"];
  const shown = active
    .slice(0, mostLeases)
    .map(
      (each) => `• ${code(each.level, 80)} on ${code(each.cluster, 80)} (${code(each.id, 40)}): ${leaseState(each)}`,
    );
  const left = active.length - shown.length;
  return ["*Your active access*", ...shown, ...(left > 0 ? [`${left} more: ${code("/eks-access list mine")}`] : [])];
}

/** What the message of the request says at length, on one line. */
function leaseState(request: AccessRequest): string {
  const { lease } = request;
  if (!lease || lease.end) return stateOf(request);
  return `${until(lease.endsAt, request.durationSeconds)}${lease.drift ? ", *but not in force*" : ""}`;
}

function namesOr(none: string, names: readonly string[]): string {
  return names.length > 0 ? codeList(names, 1000) : none;
}

function workerWords(worker: WorkerIdentity | null, answered: boolean): string {
  if (!worker) return "✗ no worker has ever answered. Check that one runs and that it has AWS credentials.";
  const identity = `${code(worker.arn)} in account ${code(worker.account)}`;
  if (answered) return `✓ AWS says: ${identity}`;
  return `✗ no worker answered just now. Last seen ${time(worker.at)} as ${identity}. Check that one runs.`;
}
