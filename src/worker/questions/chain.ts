import type { Drift } from "../../access/lease/drift.ts";
import { isGivenByEntry } from "../../access/lease/written.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { partitionOf } from "../../access/policy/may-request.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { readCaller, resolve } from "../../aws-auth/index.ts";
import type { ChainReport } from "../../diagnosis/chain-report.ts";
import { documentFinding, entriesFinding, unread } from "../../diagnosis/cluster-links.ts";
import { isInForce } from "../../diagnosis/entry-lease.ts";
import { completeChain } from "../../diagnosis/link.ts";
import { chanceCause } from "../../diagnosis/mapped.ts";
import {
  type Asker,
  driftFinding,
  knownIdentity,
  leasesFinding,
  podsFinding,
  type SignInFacts,
  youFinding,
} from "../../diagnosis/person-links.ts";
import { openFor } from "../../ledger/open-for.ts";
import type { WorkerContext } from "../context.ts";
import { openEksForEntries } from "../open/open-eks.ts";
import { type LinkTaker, linkTaker } from "../take-links.ts";
import { accessEntryFact } from "./access-entry-fact.ts";
import { type Reached, takeApiLinks, takeAwsLinks } from "./chain-way-in.ts";
import { driftsIn, type LookedAt, lookAtDocument } from "./look-at-document.ts";
import { lookAtEntries } from "./look-at-entries.ts";

const pods = { verb: "list", resource: "pods", namespace: "default" };

export interface ChainQuestion {
  /** Slack user id of whoever asks. */
  readonly user: string;
  /** Whether they answer for the cluster, and may see what others have. */
  readonly answers: boolean;
}

/** Goes the whole way from the worker's own identity to somebody's pods, and tells each link with its time. */
export async function reportChain(
  context: WorkerContext,
  cluster: Cluster,
  asked: ChainQuestion,
): Promise<ChainReport> {
  const taker = linkTaker(context.log);
  const { user, answers } = asked;
  const aws = await takeAwsLinks(context, cluster, user, taker);
  const reached = aws && (await takeApiLinks(context, cluster, aws, taker));
  try {
    const asker = { user, answers, principal: await context.ledger.principalOf(user) };
    const inside = reached && (await lookInside(context, cluster, reached, taker));
    if (reached && inside) await lookForPerson(cluster, reached, inside, asker, taker);
    await lookAtLeases(context, cluster, asker, inside, taker);
  } finally {
    reached?.client.close();
  }
  return { links: [...completeChain(taker.links)] };
}

async function lookForPerson(
  cluster: Cluster,
  reached: Reached,
  inside: Inside,
  asker: Asker,
  { take }: LinkTaker,
): Promise<void> {
  const standing = await take(
    "you",
    async () => standingOf(cluster, reached, inside, asker),
    (found) => youFinding(asker, found, cluster),
  );
  const identity = standing && knownIdentity(standing);
  if (!identity) return;
  await take(
    "pods",
    () => reached.client.may(identity, pods),
    (answer) => podsFinding(answer, standing, cluster),
  );
}

async function standingOf(
  cluster: Cluster,
  reached: Reached,
  { document, isRead }: Inside,
  { principal }: Asker,
): Promise<SignInFacts> {
  const reading = principal === null ? null : readCaller(principal, partitionOf(cluster));
  if (reading?.type !== "caller") return { accessEntry: { type: "none" }, mapped: null, chance: null, isRead };
  const { caller } = reading;
  const mapped = document && resolve(document, caller.callerArn);
  const chance = document && chanceCause(document, caller);
  return { accessEntry: await accessEntryFact(reached, cluster, caller), mapped, chance, isRead };
}

/** The ledger knows the leases, whatever the cluster says. */
async function lookAtLeases(
  { ledger }: WorkerContext,
  cluster: Cluster,
  asker: Asker & ChainQuestion,
  inside: Inside | null,
  { take }: LinkTaker,
): Promise<void> {
  await take(
    "leases",
    () => openFor(ledger, cluster.name, asker.user),
    (requests) => leasesFinding(requests, asker),
  );
  if (!inside) return;
  const { drifts, inForce, place } = inside;
  await take(
    "drift",
    () => drifts,
    (found) => driftFinding(found, inForce.length, cluster, asker, place),
  );
}

/** What the cluster goes by. */
interface Inside {
  /** Null: there is none, or it is not read. */
  readonly document: LookedAt["document"] | null;
  readonly isRead: boolean;
  /** What was looked at for drift, in words. */
  readonly place: string;
  readonly inForce: readonly AccessRequest[];
  readonly drifts: readonly Drift[];
}

/** Looks at the document and at the access entries, as far as the cluster goes by them. Null: the chain ends there. */
async function lookInside(
  { ledger, keys }: WorkerContext,
  cluster: Cluster,
  reached: Reached,
  { take }: LinkTaker,
): Promise<Inside | null> {
  const mode = reached.description.authenticationMode;
  const isRead = mode !== "API";
  const looked = await take(
    "document",
    () => (isRead ? lookAtDocument(reached.client, cluster, keys.memory) : null),
    (facts) => (isRead ? documentFinding(facts, cluster) : unread),
  );
  const granted = await ledger.grantedOf(cluster.name);
  const inForce = granted.filter(isInForce);
  const byEntry = inForce.filter(isGivenByEntry);
  const entries = await take(
    "entries",
    async () =>
      mode === "CONFIG_MAP"
        ? null
        : lookAtEntries(await openEksForEntries(cluster, reached.eks), cluster, keys.memory, byEntry),
    entriesFinding,
  );
  if (!looked && !entries) return null;
  const places = [...(looked ? ["the document"] : []), ...(entries ? ["the access entries"] : [])];
  const inDocument = looked
    ? driftsIn(
        looked,
        inForce.filter((request) => !isGivenByEntry(request)),
      )
    : [];
  const drifts = [...inDocument, ...(entries?.drifts ?? [])];
  return { document: looked?.document ?? null, isRead, place: places.join(" and "), inForce, drifts };
}
