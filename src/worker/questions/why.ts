import { type Cluster, partitionOf } from "../../access/policy/cluster.ts";
import { type Caller, readCaller } from "../../access/principal.ts";
import { type AccessRequest, isTheirs } from "../../access/record.ts";
import { resolve } from "../../aws-auth/index.ts";
import type { AccessEntryFact, WhyFacts } from "../../diagnosis/facts.ts";
import type { WhyReport } from "../../diagnosis/reports.ts";
import { diagnose } from "../../diagnosis/why.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import { listedIn, openRequestsFor } from "../../ledger/look-ups.ts";
import type { WorkerContext } from "../context.ts";
import { reachCluster } from "../open-cluster.ts";
import { accessEntryFact, orFailed, pods, readLiveDocument } from "./look-at-cluster.ts";

export interface WhyQuestion {
  readonly user: string;
  /** Whether they handle the cluster's outages or requests, and so see other people's requests. */
  readonly isResponsible: boolean;
  readonly principal: string;
}

export function reportWhy(context: WorkerContext, cluster: Cluster, asked: WhyQuestion): Promise<WhyReport> {
  return orFailed(context, cluster, "could not explain why a principal can't get in", async () => {
    return { type: "diagnosis", ...diagnose(await gather(context, cluster, asked)) };
  });
}

async function gather(context: WorkerContext, cluster: Cluster, asked: WhyQuestion): Promise<WhyFacts> {
  const { user, principal } = asked;
  const now = context.now();
  const reading = readCaller(principal, partitionOf(cluster));
  const common = { cluster, given: principal, user, now };
  const unknown = { document: null, boundGroups: null, rolesInEntries: null } as const;
  const nothing = { mode: "CONFIG_MAP", accessEntry: { type: "none" }, ...unknown } as const;
  if (reading.type === "none") return { ...common, ...nothing, creatorArn: null, pods: null, requests: [] };
  return reachCluster(context, cluster, { id: "why", requester: user }, async (reached) => {
    const { description, client } = reached;
    // A creator that EKS gave no rights signs in as everyone else does.
    const creatorArn = description.isCreatorAdmin ? reached.creatorArn : null;
    const mode = description.authenticationMode;
    const { caller } = reading;
    const { accessEntry, rolesInEntries } = await accessEntryFact(reached, cluster, caller);
    const requests = await requestsOf(context, cluster, asked, caller);
    const inside = await lookInside(context, cluster, client, caller, { accessEntry, isRead: mode !== "API" });
    return { ...common, creatorArn, mode, accessEntry, rolesInEntries, requests, ...inside };
  });
}

async function lookInside(
  { keys }: WorkerContext,
  cluster: Cluster,
  client: ClusterClient,
  caller: Caller,
  { accessEntry, isRead }: { accessEntry: AccessEntryFact; isRead: boolean },
): Promise<Pick<WhyFacts, "document" | "boundGroups" | "pods">> {
  const looked = isRead ? await readLiveDocument(client, cluster, keys.memory) : null;
  const document = looked?.document ?? null;
  const byEntry = accessEntry.type === "entry" ? accessEntry.identity : null;
  const identity = byEntry ?? (document && resolve(document, caller.callerArn));
  if (!identity) return { document, boundGroups: null, pods: null };
  const bindings = await client.roleBindings().catch(() => null);
  return { document, boundGroups: bindings && new Set(bindings.groups.keys()), pods: await client.may(identity, pods) };
}

/** It searches this many of a cluster's newest requests for closed ones. */
const maxRequests = 500;

/** The principal's requests, a session's with its role's, newest first: only the person's own, unless they see other people's. */
async function requestsOf(
  { ledger }: WorkerContext,
  { name }: Cluster,
  { user, isResponsible }: WhyQuestion,
  { principal, callerArn }: Caller,
): Promise<readonly AccessRequest[]> {
  const arns = [principal.arn, callerArn].map((arn) => arn.toLowerCase());
  const [open, newest] = await Promise.all([
    openRequestsFor(ledger, name, user),
    listedIn(ledger, "all", name, maxRequests),
  ]);
  const byId = new Map([...open, ...newest].map((request) => [request.id, request]));
  return [...byId.values()]
    .filter((request) => arns.includes(request.principal.toLowerCase()))
    .filter((request) => isResponsible || isTheirs(request, user))
    .toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
}
