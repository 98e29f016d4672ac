import { account, channel, clusterName } from "../../sandbox/scene.ts";
import type { SandboxMessage } from "../../sandbox/slack/inputs.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import { isClosed } from "../../src/access/request.ts";
import { armFault } from "./arm-fault.ts";
import type { FaultKind } from "./fault-kinds.ts";
import type { KillableProduct } from "./killable-product.ts";
import { type Phase, phases, type Step } from "./steps.ts";

/** What goes wrong at which call. */
export interface Strike {
  readonly step: Step;
  readonly fault: FaultKind;
}

/** One way through the flow, with one fault in a phase at most. */
export interface Run {
  /** Unique on its product; it is the reason and names the principal. */
  readonly name: string;
  readonly strikes: readonly Strike[];
  /** How the access ends: a person revokes it, or its time is over. */
  readonly ending: "revoked" | "expired";
  /** Of a lease that expires; 4 unless said otherwise. */
  readonly leaseSeconds?: number;
}

export interface Played {
  /** As the ledger has it when everything has come to rest; null: nothing ever came of it. */
  readonly request: AccessRequest | null;
  /** The faults that were never met. */
  readonly missed: readonly Strike[];
}

/** Every fault here passes; what has not come to rest after this long is stuck. */
const patienceMs = 120_000;
/** A later try is not waited for: the clock goes there. */
const laterMs = 5_000;
/** A person who sees nothing happen does it again after this long. */
const impatienceMs = 1_500;

/** Long enough to be leased on a machine that is idle, short enough to wait for. */
export const shortLeaseSeconds = 4;

export const principalOf = ({ name }: Run) => `arn:aws:iam::${account}:user/${name}`;

/** Plays request, approval and revocation, and does again what got lost on the way to the product, as a person would. */
export async function playRun(
  product: KillableProduct,
  run: Run,
  atRest: (request: AccessRequest) => Promise<void>,
): Promise<Played> {
  // EKS makes no access entry of a user that IAM does not know.
  product.sandbox.aws.account.addUser({ name: run.name });
  const missed = new Set(run.strikes);
  let request: AccessRequest | null = null;
  for (const phase of phases) {
    const strike = run.strikes.find(({ step }) => step.phase === phase);
    const fault = strike && armFault(product, strike);
    request = await reach(product, run, phase);
    if (strike && (await fault?.over())) missed.delete(strike);
    await atRest(request);
    if (isClosed(request)) break;
  }
  return { request, missed: [...missed] };
}

/** Acts, and waits until the ledger has come to where this phase leads, and Slack shows it. */
async function reach(product: KillableProduct, run: Run, phase: Phase): Promise<AccessRequest> {
  const began = performance.now();
  let actedAt = Number.NEGATIVE_INFINITY;
  let request: AccessRequest | null = null;
  while (performance.now() - began < patienceMs) {
    request = await findRequest(product, run).catch(() => request);
    if (request && isThere(request, phase) && (await isShown(product, request))) return request;
    if (performance.now() - actedAt > impatienceMs && isToDo(request, phase, run)) {
      await act(product, run, phase, request);
      actedAt = performance.now();
    }
    const nextTry = Date.parse(request?.trouble?.retryAt ?? "");
    if (nextTry > product.now().getTime() + laterMs) product.passTo(nextTry);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${phase} came to no end: ${JSON.stringify(request)}`);
}

async function findRequest({ ledger }: KillableProduct, { name }: Run): Promise<AccessRequest | null> {
  const requests = await ledger.ofRequester("U0ENGINEER", 3);
  return requests.findLast((each) => each.reason === name) ?? null;
}

function isThere(request: AccessRequest, phase: Phase): boolean {
  if (isClosed(request)) return true;
  if (phase === "ask") return request.preview !== null;
  return phase === "approve" && request.lease?.state === "active" && request.trouble === null;
}

async function isShown({ ledger }: KillableProduct, request: AccessRequest): Promise<boolean> {
  const shown = await ledger.shown(request.id).catch(() => null);
  return shown?.version === request.version;
}

/** Whether the ledger knows nothing yet of what the person did. */
function isToDo(request: AccessRequest | null, phase: Phase, { ending }: Run): boolean {
  if (phase === "ask") return request === null;
  if (phase === "approve") return request?.state === "pending";
  return ending === "revoked" && request?.lease?.state === "active" && request.lease.end === null;
}

async function act({ sandbox }: KillableProduct, run: Run, phase: Phase, request: AccessRequest | null): Promise<void> {
  const { person } = sandbox.slack;
  if (phase === "ask") {
    const time = run.ending === "expired" ? `${run.leaseSeconds ?? shortLeaseSeconds}s` : "1h";
    const line = `/eks-access request ${clusterName} ${principalOf(run)} viewer for ${time} ${run.name}`;
    await person("U0ENGINEER").command(line, channel);
  } else if (phase === "approve") {
    const message = messagesOf({ sandbox }, request).findLast((each) => textOf(each).includes("[Approve]"));
    if (message) await person("U0APPROVER").click(message, "approve");
  } else {
    await person("U0APPROVER").command(`/eks-access revoke ${request?.id} done`, channel);
  }
}

/** The messages in the channel that name a request. */
export function messagesOf(
  { sandbox }: Pick<KillableProduct, "sandbox">,
  request: AccessRequest | null,
): SandboxMessage[] {
  return sandbox.slack.messages(channel).filter((each) => request && JSON.stringify(each.blocks).includes(request.id));
}
