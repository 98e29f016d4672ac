import { readAwsAuth } from "../../sandbox/cluster/aws-auth-map.ts";
import { arns, initialAwsAuth, region } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { type ChainedEvent, type EventType, verifyChain } from "../../src/access/audit-event.ts";
import { leasesAnnotation, readAnnotation } from "../../src/access/lease/annotation.ts";
import { sealedClusterOf } from "../../src/access/policy/cluster.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import { mintToken } from "../../src/aws/sts.ts";
import { connectCluster } from "../../src/kubernetes/cluster-client.ts";
import { approvalMessage } from "../../src/slack/decide/approval-message.ts";
import { keysOf } from "../builders/keys.ts";
import { entriesMade, type KillableProduct } from "./killable-product.ts";
import { messagesOf } from "./play-run.ts";

/** What is wrong, by the words of the promise: no lease is lost, doubled, announced early or left behind. */
export interface Findings {
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly untrue: readonly string[];
  readonly leftBehind: readonly string[];
}

/** Of these events a request has one at most, whatever happened on the way. */
const once: readonly EventType[] = [
  ...(["request.created", "request.previewed", "request.refused", "request.approved"] as const),
  ...(["lease.writing", "lease.active", "lease.ending", "lease.ended", "lease.failed"] as const),
];

/**
 * Holds document, annotation, audit log and messages against the ledger, at a moment when everything is at rest. Null: on a busy machine
 * the time of an active lease was over before all was looked at, and the worker may have ended it meanwhile.
 */
export async function judge(
  product: KillableProduct,
  request: AccessRequest,
  known: ChainedEvent[],
): Promise<Findings | null> {
  const isBound = product.giving !== "groups";
  const events = await product.ledger.events(1, 100_000);
  const audit = judgeAudit(events, request, known, isBound);
  known.splice(0, known.length, ...events);
  const isInEntries = product.giving === "bindings by access entries";
  const document = isInEntries ? judgeEntries(product, request) : judgeDocument(product, request);
  const bindings = isBound ? await judgeBindings(product, request) : nothing;
  const untrue = judgeMessages(product, request);
  const { lease } = request;
  if (lease?.state === "active" && product.now().getTime() >= Date.parse(lease.endsAt)) return null;
  return {
    lost: [...audit.lost, ...document.lost, ...bindings.lost],
    doubled: [...audit.doubled, ...document.doubled],
    untrue,
    leftBehind: [...document.leftBehind, ...bindings.leftBehind],
  };
}

/** `known` holds the events that were there before: none of them may be missing now. */
function judgeAudit(
  events: readonly ChainedEvent[],
  request: AccessRequest,
  known: readonly ChainedEvent[],
  isBound: boolean,
) {
  const lost: string[] = [];
  const verdict = verifyChain(events);
  if (verdict.type === "broken") lost.push(verdict.message);
  if (known.some((each, index) => events[index]?.hash !== each.hash)) lost.push("an event is not there any more");
  const own = events.filter(({ event }) => event.request === request.id).map(({ event }) => event.type);
  // Nothing fences a call that creates a binding: each one that is sent has its event.
  const single = once.filter((type) => !(isBound && type === "lease.writing"));
  const doubled = single
    .filter((type) => own.filter((each) => each === type).length > 1)
    .map((type) => `${type} twice`);
  const wanted = wantedEvent(request);
  if (wanted && !own.includes(wanted)) lost.push(`${wanted} is not in the audit log`);
  return { lost, doubled };
}

function wantedEvent({ state, lease }: AccessRequest): EventType | null {
  if (state === "refused") return "request.refused";
  if (lease?.state === "active") return "lease.active";
  if (lease?.state === "ended") return "lease.ended";
  return lease?.state === "failed" ? "lease.failed" : null;
}

function judgeDocument(product: KillableProduct, request: AccessRequest) {
  const [lost, doubled, leftBehind]: string[][] = [[], [], []];
  const { data = {}, metadata } = product.sandbox.cluster.awsAuth() ?? {};
  const annotation = metadata?.annotations?.[leasesAnnotation] ?? "";
  const isActive = request.lease?.state === "active";
  const isMapped = readAwsAuth(data).users.has(request.principal.toLowerCase());
  if (isActive && !isMapped) lost?.push("active, but not in the document");
  if (isActive && !annotation.includes(request.id)) lost?.push("active, but not in the annotation");
  if (Object.values(data).join().split(request.principal).length > 2) doubled?.push("two entries of one principal");
  if (!isActive && JSON.stringify(data) !== JSON.stringify(initialAwsAuth)) {
    leftBehind?.push(`the document is not as it was: ${JSON.stringify(data)}`);
  }
  if (!isActive && annotation !== "" && !remembersOnly(annotation, product, request)) {
    leftBehind?.push(`an annotation: ${annotation}`);
  }
  return { lost: lost ?? [], doubled: doubled ?? [], leftBehind: leftBehind ?? [] };
}

/** Holds the access entries against the ledger: beside EKS's own there is one, of an active lease. */
function judgeEntries(product: KillableProduct, { id, principal, lease }: AccessRequest) {
  const made = entriesMade(product);
  const isActive = lease?.state === "active";
  const own = made.filter((entry) => entry.principalArn === principal && JSON.stringify(entry.tags).includes(id));
  const others = made.filter((entry) => !(isActive && own.includes(entry)));
  return {
    lost: isActive && own.length === 0 ? ["active, without an access entry"] : [],
    doubled: [],
    leftBehind: others.map((entry) => `an access entry: ${JSON.stringify(entry)}`),
  };
}

const nothing: Pick<Findings, "lost" | "leftBehind"> = { lost: [], leftBehind: [] };

/** Holds the bindings against the ledger. */
async function judgeBindings(product: KillableProduct, request: AccessRequest): Promise<typeof nothing> {
  const { cluster, aws } = product.sandbox;
  const { name, endpoint, certificateAuthority } = cluster;
  const credentials = aws.account.sessionFor(arns.creator, "judge");
  const token = await mintToken(credentials, { eksName: name, region }, product.now());
  const client = connectCluster({ name, endpoint, certificateAuthority, token });
  const found = await client.listLeaseBindings().finally(() => client.close());
  const own = found.filter((binding) => binding.name.includes(request.id));
  const isActive = request.lease?.state === "active";
  return {
    lost: isActive && own.length !== request.groups.length ? [`active, with ${own.length} bindings`] : [],
    leftBehind: isActive ? [] : found.map((binding) => `the binding ${binding.name}`),
  };
}

/** What a cluster keeps where a lease was revoked before its end: whose approval counts no more, and no lease. */
function remembersOnly(annotation: string, product: KillableProduct, { id, lease }: AccessRequest): boolean {
  const { memory } = keysOf(product.sandbox);
  const reading = readAnnotation(product.cluster ? sealedClusterOf(product.cluster) : "", annotation, memory);
  if (reading.type !== "holdings" || reading.holdings.length > 0) return false;
  return lease?.end?.cause !== "revoked" || reading.withdrawals.list.some((each) => each.id === id);
}

/** One message shows what the ledger says. A second one, where Slack took a call whose answer got lost, says nothing. */
function judgeMessages(product: KillableProduct, request: AccessRequest): string[] {
  const texts = messagesOf(product, request).map(textOf);
  const { text, blocks } = approvalMessage(request, product.cluster);
  const wanted = textOf({ text, blocks: blocks.map((block) => ({ ...block })) });
  const untrue = texts.filter((text) => text !== wanted && /\[\w+\]|\*(Active|Ended|Failed)\*|Waiting/.test(text));
  const isSeen = texts.includes(wanted) || (request.state === "refused" && toldInPerson(product, request));
  return [
    ...untrue.map((text) => `a message says: ${text}`),
    ...(isSeen ? [] : [`no message shows: ${wanted}`]),
    ...(reasonOf(request) === "" ? ["it failed without a reason"] : []),
  ];
}

function toldInPerson({ sandbox }: KillableProduct, { id, refusal }: AccessRequest): boolean {
  // A word that Slack would format is shown as code.
  const plain = (text: string) => text.replaceAll("`", "");
  const told = sandbox.slack.person("U0ENGINEER").directMessages().map(textOf).map(plain);
  return told.some((text) => text.includes(id) && text.includes(plain(refusal?.message ?? "")));
}

/** Why it came to nothing; null where it did not. */
function reasonOf({ refusal, lease }: AccessRequest): string | null {
  return refusal?.message ?? lease?.failure?.message ?? null;
}
