import type { Logger } from "pino";
import { AccessError, explainFailure } from "../../access/access-error.ts";
import { ownIdentities } from "../../access/identities.ts";
import { isGivenByEntry } from "../../access/lease/holding.ts";
import { type Cluster, partitionOf } from "../../access/policy/cluster.ts";
import { runsAs } from "../../access/policy/creator.ts";
import { bindsRoles } from "../../access/policy/policy-text.ts";
import { readCaller } from "../../access/principal.ts";
import type { AwsCredentials } from "../../aws/client-settings.ts";
import type { EksCluster } from "../../aws/eks-cluster.ts";
import { callerIdentity } from "../../aws/sts.ts";
import { resolve } from "../../aws-auth/index.ts";
import {
  apiServerFinding,
  documentFinding,
  documentNotRead,
  entriesFinding,
  modeFinding,
  writeFinding,
} from "../../diagnosis/cluster-links.ts";
import { isInForce, openLeasesAround } from "../../diagnosis/leases.ts";
import { broken, completeChain, type Finding, found, type Link, type LinkName, named } from "../../diagnosis/link.ts";
import { randomEntryCause } from "../../diagnosis/mapped.ts";
import {
  type Asker,
  type ComparedLeases,
  driftFinding,
  knownIdentity,
  leasesFinding,
  personFinding,
  podsFinding,
  type SignInFacts,
} from "../../diagnosis/person-links.ts";
import type { ChainReport } from "../../diagnosis/reports.ts";
import { knownIdentitiesOf } from "../../ledger/links.ts";
import { openRequestsFor } from "../../ledger/look-ups.ts";
import { becomeCreator } from "../become-creator.ts";
import type { WorkerContext } from "../context.ts";
import { identityOfRun } from "../discover-creator.ts";
import { connectAs, type ReachedCluster } from "../open-cluster.ts";
import { openEksForEntries, openEksOfRun } from "../open-eks.ts";
import {
  accessEntryFact,
  bindingDrifts,
  driftsIn,
  type LiveDocument,
  lookAtEntries,
  pods,
  readLiveDocument,
} from "./look-at-cluster.ts";

/** The object in a question to the API server. */
const awsAuth = { resource: "configmaps", namespace: "kube-system", name: "aws-auth" };

export interface ChainQuestion {
  readonly user: string;
  /** Whether they handle the cluster's outages or requests, and so see other people's leases. */
  readonly isResponsible: boolean;
}

/** Tests every step from the worker's own identity to a person's pods, and measures each. */
export async function reportChain(
  context: WorkerContext,
  cluster: Cluster,
  asked: ChainQuestion,
): Promise<ChainReport> {
  const taker = linkTaker(context.log);
  const { user, isResponsible } = asked;
  const chain = { context, cluster, take: taker.take };
  const aws = await takeAwsLinks(chain, user);
  const reached = aws && (await takeApiLinks(chain, aws));
  try {
    const known = await knownIdentitiesOf(context, user, cluster);
    const [principal = null] = ownIdentities(context.config.identities, cluster, known);
    const asker = { user, isResponsible, principal };
    const inside = reached && (await lookInside(chain, reached));
    if (reached && inside) await lookForPerson(chain, reached, inside, asker);
    await lookAtLeases(chain, asker, inside);
  } finally {
    reached?.client.close();
  }
  return { links: completeChain(taker.links, cluster) };
}

/** A cluster, and what takes its links in their order. */
interface Chain extends Pick<LinkTaker, "take"> {
  readonly context: WorkerContext;
  readonly cluster: Cluster;
}

async function lookForPerson({ cluster, take }: Chain, reached: Reached, inside: Inside, asker: Asker): Promise<void> {
  const facts = await take(
    "you",
    async () => requesterFactsOf(cluster, reached, inside, asker),
    (found) => personFinding(asker, found, cluster),
  );
  const identity = facts && knownIdentity(facts);
  if (!identity) return;
  await take(
    "pods",
    () => reached.client.may(identity, pods),
    (answer) => podsFinding(answer, facts, cluster),
  );
}

async function requesterFactsOf(
  cluster: Cluster,
  reached: Reached,
  { document, isRead, isUnknown }: Inside,
  { principal }: Asker,
): Promise<SignInFacts> {
  const reading = principal === null ? null : readCaller(principal, partitionOf(cluster));
  if (reading?.type !== "caller")
    return { accessEntry: { type: "none" }, mapped: null, chance: null, isRead, isUnknown };
  const { caller } = reading;
  const mapped = document && resolve(document, caller.callerArn);
  const chance = document && randomEntryCause(document, caller);
  const { accessEntry } = await accessEntryFact(reached, cluster, caller);
  return { accessEntry, mapped, chance, isRead, isUnknown };
}

async function lookAtLeases(
  { context: { ledger }, cluster, take }: Chain,
  asker: Asker & ChainQuestion,
  inside: Inside | null,
): Promise<void> {
  const open = () => openRequestsFor(ledger, cluster.name, asker.user);
  await take("leases", open, (requests) => leasesFinding(requests, asker));
  if (!inside) return;
  await take("drift", inside.compare, (found) => driftFinding(found, cluster, asker, inside.place));
}

interface Inside {
  /** Null: there is none, or it is not read. */
  readonly document: LiveDocument["document"] | null;
  readonly isRead: boolean;
  /** It counts, but could not be read. */
  readonly isUnknown: boolean;
  /** What was compared with the leases, in words. */
  readonly place: string;
  /** @throws AccessError */
  readonly compare: () => Promise<ComparedLeases>;
}

/** Looks at the document and the access entries, if the cluster reads them. Null: the chain ends here. */
async function lookInside({ context, cluster, take }: Chain, reached: Reached): Promise<Inside | null> {
  const { ledger, keys } = context;
  const mode = reached.description.authenticationMode;
  const isRead = mode !== "API";
  const inForce = (await ledger.leasedOf(cluster.name)).filter(isInForce);
  const looked = await take(
    "document",
    () => (isRead ? readLiveDocument(reached.client, cluster, keys.memory) : null),
    (facts) => (isRead ? documentFinding(facts, cluster) : documentNotRead),
  );
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
  const bound = inForce.some(({ groups }) => bindsRoles(groups));
  const places = [
    ...(looked ? ["the document"] : []),
    ...(entries ? ["the access entries"] : []),
    ...(bound ? ["the bindings"] : []),
  ];
  const compare = async () => {
    const drifts = [
      ...(looked ? driftsIn(looked, inForce) : []),
      ...(entries?.drifts ?? []),
      ...(await bindingDrifts(reached.client, cluster, keys.memory, inForce)),
    ];
    const { still } = openLeasesAround(inForce, await ledger.leasedOf(cluster.name));
    const unseen = still.filter((each) => !bindsRoles(each.groups) && !(isGivenByEntry(each) ? entries : looked));
    const lost = drifts.filter(({ request }) => still.some(({ id }) => id === request.id));
    return { drifts: lost, inForce: still.length, unseen: unseen.length };
  };
  const seen = { document: looked?.document ?? null, isRead, isUnknown: looked === undefined };
  return { ...seen, place: places.join(" and "), compare };
}

type Reached = Pick<ReachedCluster, "client" | "eks" | "description">;

interface ReachedAws {
  readonly credentials: AwsCredentials;
  readonly creatorArn: string;
  readonly eks: EksCluster;
}

async function takeAwsLinks({ context, cluster, take }: Chain, user: string): Promise<ReachedAws | null> {
  const identity = runsAs(cluster);
  // A user with keys in a profile needs no identity of the worker's own.
  const isNeeded = identity.type !== "user" || identity.profile === undefined;
  const asking = () => callerIdentity("default", cluster.region);
  const worker = await take(
    "worker",
    () => (isNeeded ? asking() : asking().catch(() => null)),
    (who) => found(who ? `AWS says: ${who.arn}` : "it has no identity of its own and needs none for this cluster"),
  );
  if (worker === undefined) return null;
  const creator = await take(
    "creator",
    async () => becomeCreator(cluster, await identityOfRun(context, cluster), [{ id: "whoami", requester: user }]),
    ({ identity }) => found(`the worker acts as ${cluster.operator ? "the operator " : ""}${identity.arn}`),
  );
  if (!creator) return null;
  const { credentials, creatorArn } = creator;
  const eks = await take(
    "cluster",
    () => openEksOfRun(credentials, cluster),
    ({ description: { name, status, version } }) =>
      found(`${named(name)} is ${status}, Kubernetes ${version || "of unknown version"}`),
  );
  return eks ? { credentials, creatorArn, eks } : null;
}

async function takeApiLinks(
  { context, cluster, take }: Chain,
  { credentials, creatorArn, eks }: ReachedAws,
): Promise<Reached | null> {
  const { description } = eks;
  const client = await connectAs(credentials, cluster, description, context.now(), [], {
    as: creatorArn,
    ledger: context.ledger,
  });
  const identity = await take("api-server", () => client.whoAmI(), apiServerFinding);
  if (identity === undefined) {
    client.close();
    return null;
  }
  const isRead = description.authenticationMode !== "API";
  await take(
    "write",
    () => (isRead ? client.mayI({ verb: "update", ...awsAuth }) : null),
    (may) => (may === null ? documentNotRead : writeFinding(may, cluster)),
  );
  await take("mode", () => description.authenticationMode, modeFinding);
  return { client, eks, description };
}

interface LinkTaker {
  readonly links: readonly Link[];
  /** The value; undefined: it failed, and the link says why. */
  take: <T>(name: LinkName, ask: () => T | Promise<T>, describe: (value: T) => Finding) => Promise<T | undefined>;
}

/** A failure becomes a broken link, never an error, so that earlier results stay. */
function linkTaker(log: Logger): LinkTaker {
  const links: Link[] = [];
  return {
    links,
    take: async (name, ask, describe) => {
      try {
        const value = await ask();
        links.push({ name, isReached: true, ...describe(value) });
        return value;
      } catch (error) {
        log.warn({ link: name, err: error }, "a step from a person to their pods failed");
        const isKnown = error instanceof AccessError;
        const detail = isKnown ? error.what : explainFailure(error).replace(/\..*$/, "");
        const finding = broken(detail, isKnown ? error.remedy : "The log has the details.");
        links.push({ name, isReached: true, ...finding });
        return undefined;
      }
    },
  };
}
