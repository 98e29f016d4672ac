import { findAccessEntry } from "../aws/access-entry.ts";
import type { AwsCredentials } from "../aws/credentials.ts";
import { resolve } from "../aws-auth/resolve.ts";
import type { AccessEntryFact, WhyFacts } from "../diagnosis/facts.ts";
import { diagnose } from "../diagnosis/why.ts";
import { AccessError, explain } from "../failure/access-error.ts";
import type { ClusterClient } from "../kubernetes/cluster-client.ts";
import type { Cluster } from "../policy/cluster.ts";
import { partitionOf } from "../policy/may-request.ts";
import { type Caller, readCaller } from "../principal/caller.ts";
import type { AccessRequest, MappedIdentity } from "../request/request.ts";
import type { WorkerContext } from "./context.ts";
import { lookAtDocument } from "./look-at-document.ts";
import { reachCluster } from "./reach-cluster.ts";
import type { WhyReport } from "./why-report.ts";

export interface WhyQuestion {
  /** Slack user id of whoever asks. */
  readonly user: string;
  /** The ARN that is asked about, as it was given. */
  readonly principal: string;
}

const pods = { verb: "list", resource: "pods", namespace: "default" };

/** Gathers all that can be known of why a principal can't get in, and says why. Writes nothing. */
export async function reportWhy(context: WorkerContext, cluster: Cluster, asked: WhyQuestion): Promise<WhyReport> {
  try {
    const { causes, identity, ...rest } = diagnose(await gather(context, cluster, asked));
    const plain = identity && { username: identity.username, groups: [...identity.groups] };
    return { type: "diagnosis", ...rest, identity: plain, causes: [...causes] };
  } catch (error) {
    context.log.warn({ cluster: cluster.name, err: error }, "could not find out why");
    return { type: "failed", message: explain(error) };
  }
}

async function gather(context: WorkerContext, cluster: Cluster, { user, principal }: WhyQuestion): Promise<WhyFacts> {
  const now = context.now();
  const reading = readCaller(principal, partitionOf(cluster));
  const common = { cluster, given: principal, user, now };
  const nothing = { mode: "CONFIG_MAP", accessEntry: { type: "none" }, document: null, boundGroups: null } as const;
  // Whoever is nobody anywhere is told so without a look at the cluster.
  if (reading.type === "nobody") return { ...common, ...nothing, creatorArn: null, pods: null, requests: [] };
  return reachCluster(context, cluster, { id: "why", requester: user }, async (reached) => {
    const { credentials, creatorArn, description, client } = reached;
    const mode = description.authenticationMode;
    const { caller } = reading;
    const accessEntry = mode === "CONFIG_MAP" ? nothing.accessEntry : await entryOf(credentials, cluster, caller);
    const requests = await requestsOf(context, cluster, user, caller);
    const inside = await lookInside(context, cluster, client, caller, { accessEntry, isRead: mode !== "API" });
    return { ...common, creatorArn, mode, accessEntry, requests, ...inside };
  });
}

/** Without the permission, the rest can be told all the same. */
async function entryOf(credentials: AwsCredentials, cluster: Cluster, caller: Caller): Promise<AccessEntryFact> {
  try {
    const entry = await findAccessEntry(credentials, cluster, caller.principal.arn);
    if (!entry) return { type: "none" };
    const { username, groups, policies } = entry;
    return { type: "entry", identity: { username, groups }, policies };
  } catch (error) {
    if (error instanceof AccessError && !error.retryable) return { type: "not asked", why: error.what };
    throw error;
  }
}

async function lookInside(
  { sealKeys }: WorkerContext,
  cluster: Cluster,
  client: ClusterClient,
  caller: Caller,
  { accessEntry, isRead }: { accessEntry: AccessEntryFact; isRead: boolean },
): Promise<Pick<WhyFacts, "document" | "boundGroups" | "pods">> {
  const looked = isRead ? await lookAtDocument(client, cluster, sealKeys) : null;
  const document = looked?.document ?? null;
  const identity = identityOf(accessEntry) ?? (document && resolve(document, caller.callerArn));
  if (!identity) return { document, boundGroups: null, pods: null };
  const bindings = await client.groupBindings().catch(() => null);
  const boundGroups = bindings && new Set(bindings.keys());
  return { document, boundGroups, pods: await client.may(identity, pods) };
}

function identityOf(accessEntry: AccessEntryFact): MappedIdentity | null {
  return accessEntry.type === "entry" ? accessEntry.identity : null;
}

/** Of the principal, whoever asked for it, and of whoever asks now: closed ones are found by the person alone. */
async function requestsOf(
  { ledger }: WorkerContext,
  cluster: Cluster,
  user: string,
  { principal }: Caller,
): Promise<readonly AccessRequest[]> {
  const [open, own] = await Promise.all([ledger.openOf(cluster.name), ledger.ofRequester(user, 100)]);
  const byId = new Map([...open, ...own].map((request) => [request.id, request]));
  return [...byId.values()]
    .filter(
      (request) => request.cluster === cluster.name && request.principal.toLowerCase() === principal.arn.toLowerCase(),
    )
    .toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
}
