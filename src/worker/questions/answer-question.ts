import { AccessError, explain } from "../../access/failure/access-error.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import { isOfCluster } from "../../access/policy/creation.ts";
import { creatorArnOf } from "../../access/policy/creator.ts";
import { partitionOf } from "../../access/policy/may-request.ts";
import type { AccessRequest, MappedIdentity } from "../../access/request/record.ts";
import { type Caller, readCaller, resolve } from "../../aws-auth/index.ts";
import type { CreatorReport } from "../../diagnosis/creator-report.ts";
import type { AccessEntryFact, WhyFacts } from "../../diagnosis/facts.ts";
import { diagnose } from "../../diagnosis/why.ts";
import type { WhyReport } from "../../diagnosis/why-report.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import { openFor } from "../../ledger/open-for.ts";
import type { ClusterJob, ClusterQuestion } from "../../ledger/queues.ts";
import type { WorkerContext } from "../context.ts";
import { reportMigration } from "../migration/migration.ts";
import { becomeCreator } from "../open/become-creator.ts";
import { askCloudTrail, knownCreator, rememberedCreation } from "../open/discover-creator.ts";
import { openCluster } from "../open/open-cluster.ts";
import { reachCluster } from "../open/reach-cluster.ts";
import { accessEntryFact } from "./access-entry-fact.ts";
import { reportChain } from "./chain.ts";
import { reportCheck } from "./check.ts";
import { lookAtDocument } from "./look-at-document.ts";

const pods = { verb: "list", resource: "pods", namespace: "default" };

/** How many requests of a cluster are looked through for closed ones, the newest first. */
const mostRequests = 500;

const questions: ReadonlySet<ClusterJob["type"]> = new Set<ClusterQuestion["type"]>([
  "creator",
  "whoami",
  "check",
  "migrate",
  "why",
]);

export function isQuestion(job: ClusterJob): job is ClusterQuestion {
  return questions.has(job.type);
}

/** What somebody in Slack wants to know of a cluster. The answer goes back as the job's return value. */
export async function answerQuestion(
  context: WorkerContext,
  cluster: Cluster,
  question: ClusterQuestion,
): Promise<unknown> {
  switch (question.type) {
    case "creator":
      return reportCreator(context, cluster);
    case "whoami":
      return reportChain(context, cluster, question);
    case "check":
      return reportCheck(context, cluster, question);
    case "migrate":
      return reportMigration(context, cluster, question);
    case "why":
      return reportWhy(context, cluster, question);
  }
}

/** Asks CloudTrail who created the cluster, and tries to become the creator that the configuration names, or CloudTrail. */
export async function reportCreator(context: WorkerContext, cluster: Cluster): Promise<CreatorReport> {
  let createdAt: Date | null = null;
  let becomes: CreatorReport["becomes"];
  try {
    const open = await openCluster(context, cluster, []);
    ({ createdAt } = open.description);
    becomes = { ok: true, message: "", arn: open.creatorArn, isMissing: false };
    open.close();
  } catch (error) {
    const arn = await becomesAnyway(context, cluster);
    const isMissing = arn !== null && error instanceof AccessError && error.code === "cluster-not-found";
    becomes = { ok: arn !== null, message: explain(error), arn, isMissing };
  }
  const memory = await rememberedCreation(context, cluster);
  const remembered = memory && isOfCluster(memory, createdAt) ? memory : null;
  try {
    const record = await askCloudTrail(context, cluster, createdAt);
    return { becomes, record: record ?? remembered, isRemembered: !record && remembered !== null, trouble: null };
  } catch (error) {
    return { becomes, record: remembered, isRemembered: remembered !== null, trouble: explain(error) };
  }
}

/** Whom the worker can become though the cluster can't be used, as one that is being created; null: nobody. */
async function becomesAnyway(context: WorkerContext, cluster: Cluster): Promise<string | null> {
  try {
    const creator = await knownCreator(context, cluster);
    await becomeCreator(cluster, creator, []);
    return creatorArnOf(creator);
  } catch (error) {
    if (error instanceof AccessError) return null;
    throw error;
  }
}

interface WhyQuestion {
  /** Slack user id of whoever asks. */
  readonly user: string;
  /** Whether they answer for the cluster, and may see what others asked for. */
  readonly answers: boolean;
  /** The ARN that is asked about, as it was given. */
  readonly principal: string;
}

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

async function gather(context: WorkerContext, cluster: Cluster, asked: WhyQuestion): Promise<WhyFacts> {
  const { user, principal } = asked;
  const now = context.now();
  const reading = readCaller(principal, partitionOf(cluster));
  const common = { cluster, given: principal, user, now };
  const nothing = { mode: "CONFIG_MAP", accessEntry: { type: "none" }, document: null, boundGroups: null } as const;
  // Whoever is nobody anywhere is told so without a look at the cluster.
  if (reading.type === "nobody") return { ...common, ...nothing, creatorArn: null, pods: null, requests: [] };
  return reachCluster(context, cluster, { id: "why", requester: user }, async (reached) => {
    const { creatorArn, description, client } = reached;
    const mode = description.authenticationMode;
    const { caller } = reading;
    const accessEntry = await accessEntryFact(reached, cluster, caller);
    const requests = await requestsOf(context, cluster, asked, caller);
    const inside = await lookInside(context, cluster, client, caller, { accessEntry, isRead: mode !== "API" });
    return { ...common, creatorArn, mode, accessEntry, requests, ...inside };
  });
}

async function lookInside(
  { keys }: WorkerContext,
  cluster: Cluster,
  client: ClusterClient,
  caller: Caller,
  { accessEntry, isRead }: { accessEntry: AccessEntryFact; isRead: boolean },
): Promise<Pick<WhyFacts, "document" | "boundGroups" | "pods">> {
  const looked = isRead ? await lookAtDocument(client, cluster, keys.memory) : null;
  const document = looked?.document ?? null;
  const identity = identityOf(accessEntry) ?? (document && resolve(document, caller.callerArn));
  if (!identity) return { document, boundGroups: null, pods: null };
  const bindings = await client.roleBindings().catch(() => null);
  const boundGroups = bindings && new Set(bindings.groups.keys());
  return { document, boundGroups, pods: await client.may(identity, pods) };
}

function identityOf(accessEntry: AccessEntryFact): MappedIdentity | null {
  return accessEntry.type === "entry" ? accessEntry.identity : null;
}

/** Of the principal, newest first: those of whoever asks, and everybody's for who answers for the cluster. */
async function requestsOf(
  { ledger }: WorkerContext,
  { name }: Cluster,
  { user, answers }: WhyQuestion,
  { principal }: Caller,
): Promise<readonly AccessRequest[]> {
  const newest = { list: "all", clusters: [name], requester: null, match: "any" } as const;
  const [open, { requests }] = await Promise.all([openFor(ledger, name, user), ledger.list(newest, 0, mostRequests)]);
  const byId = new Map([...open, ...requests].map((request) => [request.id, request]));
  return [...byId.values()]
    .filter((request) => request.principal.toLowerCase() === principal.arn.toLowerCase())
    .filter((request) => answers || request.requester === user)
    .toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
}
