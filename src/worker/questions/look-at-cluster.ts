import { AccessError, explainFailure, hasCode } from "../../access/access-error.ts";
import type { Drift, SectionWriter } from "../../access/lease/drift.ts";
import { isGivenByEntry } from "../../access/lease/holding.ts";
import { readRescueTags } from "../../access/lease/kept-documents.ts";
import { type Cluster, clusterArnOf, sealedClusterOf } from "../../access/policy/cluster.ts";
import { bindsRoles } from "../../access/policy/policy-text.ts";
import { type Caller, entryArnsByPrincipal, sessionNameIn, withoutRolePath } from "../../access/principal.ts";
import type { ApprovedRequest } from "../../access/record.ts";
import type { MemoryKeys } from "../../access/seal.ts";
import { isCurrentList, readNamespaceList, sealNamespaces } from "../../access/shared-lists.ts";
import { type AccessEntry, readHoldingTags } from "../../access-entry/index.ts";
import { type AccessEntries, accessEntriesOf, entryFor } from "../../aws/access-entries.ts";
import type { EksCluster } from "../../aws/eks-cluster.ts";
import { inBinaryData, parseSteps, render } from "../../aws-auth/index.ts";
import type { DocumentFacts } from "../../diagnosis/cluster-links.ts";
import type { WhyFacts } from "../../diagnosis/facts.ts";
import { bindingsMissing, entryDrift, type ReadEntry } from "../../diagnosis/leases.ts";
import { counted } from "../../diagnosis/link.ts";
import { type RolesToAsk, type RoleTimes, rolesToAsk } from "../../diagnosis/remade-roles.ts";
import { roleInEntry } from "../../diagnosis/replaced-roles.ts";
import type { NamespacesReport } from "../../diagnosis/reports.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import { withinTime } from "../../operations/deadlines.ts";
import { inParallel, inTurns } from "../../operations/parallel.ts";
import type { WorkerContext } from "../context.ts";
import { type OpenedCluster, type ReachedCluster, reachCluster } from "../open-cluster.ts";
import { openEksForEntries } from "../open-eks.ts";
import { driftInDocument } from "../reconcile/prove.ts";
import { rolesSeen } from "../reconcile/review-questions.ts";
import { memoryBeside, ownBindingsAmong } from "../remembered.ts";

/** The access that a person asks about: to see the pods of a cluster. */
export const pods = { verb: "list", resource: "pods", namespace: "default" };

/** A failure is a part of the report: it leaves the other parts whole. @param what of the log's line */
export async function orFailed<Report>(
  { log }: WorkerContext,
  { name }: Cluster,
  what: string,
  report: () => Promise<Report>,
  wordsOf: (error: unknown) => string = explainFailure,
) {
  try {
    return await report();
  } catch (error) {
    log.warn({ cluster: name, err: error }, what);
    return { type: "failed", message: wordsOf(error) } as const;
  }
}

/** All of an account share IAM's rate, so a look asks about one role after the other, and about no more than these. */
const maxRoles = 200;

/** A person waits, and the answer is whole without IAM's. */
const iamWithinMs = 5_000;

/** Asks IAM when it made the roles of these entries, and whether it has them. A failure ends the asking, and is a part of the answer. */
export async function readRoleTimes(
  iam: Pick<OpenedCluster, "roleMadeAt">,
  cluster: Cluster,
  asked: RolesToAsk,
  withinMs = iamWithinMs,
): Promise<RoleTimes> {
  const { own: arns } = rolesToAsk(asked, cluster);
  const madeAt = new Map<string, string>();
  const absent = new Set<string>();
  const until = performance.now() + withinMs;
  try {
    for (const arn of arns.slice(0, maxRoles)) {
      if (performance.now() > until) return { madeAt, absent, why: "AWS did not answer in time" };
      const at = await iam.roleMadeAt(arn);
      if (at === null) absent.add(arn);
      else madeAt.set(arn, at);
    }
  } catch (error) {
    if (!(error instanceof AccessError)) throw error;
    return { madeAt, absent, why: error.what };
  }
  const why = arns.length > maxRoles ? `The worker asks about at most ${counted(maxRoles, "role")}` : null;
  return { madeAt, absent, why };
}

export interface LookedAtEntries {
  /** Includes entries of nodes and of EKS itself. */
  readonly count: number;
  /** Why tags of ours have no valid seal; null: all that were read have one. */
  readonly untrusted: string | null;
  /** The given leases that a person removed. */
  readonly drifts: readonly Drift[];
}

/** Counts a cluster's entries and reads those of active leases. @throws AccessError */
export async function lookAtEntries(
  eks: EksCluster,
  cluster: Cluster,
  keys: MemoryKeys,
  inForce: readonly ApprovedRequest[],
): Promise<LookedAtEntries> {
  const entries = accessEntriesOf(eks);
  const arns = await entries.list();
  const read = await inParallel(inForce, (request) => readPerson(entries, arns, cluster, keys, request));
  return {
    count: arns.length,
    untrusted: read.find(({ untrusted }) => untrusted !== null)?.untrusted ?? null,
    drifts: read.flatMap(({ drift }) => drift ?? []),
  };
}

async function readPerson(
  entries: AccessEntries,
  arns: readonly string[],
  cluster: Cluster,
  keys: MemoryKeys,
  request: ApprovedRequest,
): Promise<{ readonly untrusted: string | null; readonly drift: Drift | null }> {
  const arn = entryArnsByPrincipal(arns).get(request.principal.toLowerCase());
  const entry = arn === undefined ? null : await entries.describe(arn);
  if (!entry) return { untrusted: null, drift: entryDrift(request, null) };
  const read = withOurTags(cluster, entry, keys);
  return { untrusted: read.tags.type === "untrusted" ? read.tags.message : null, drift: entryDrift(request, read) };
}

/** An entry with our tags, as far as our seal covers them. */
export function withOurTags(cluster: Cluster, entry: AccessEntry, keys: MemoryKeys): ReadEntry {
  return {
    entry,
    tags: readHoldingTags(sealedClusterOf(cluster), withoutRolePath(entry.principalArn), entry, keys),
    rescue: readRescueTags(clusterArnOf(cluster), entry.principalArn, entry.tags, keys),
  };
}

/** A principal's access entry, if the mode has them. A missing permission does not stop the other questions. */
export async function accessEntryFact(
  { eks, description }: Pick<ReachedCluster, "description" | "eks">,
  cluster: Cluster,
  caller: Caller,
): Promise<Pick<WhyFacts, "accessEntry" | "rolesInEntries">> {
  const none = { type: "none" } as const;
  if (description.authenticationMode === "CONFIG_MAP") return { accessEntry: none, rolesInEntries: [] };
  try {
    const own = await openEksForEntries(cluster, eks);
    const { entry, listed } = await entryFor(accessEntriesOf(own), caller.principal.arn);
    const rolesInEntries = listed.map((principalArn) => roleInEntry({ principalArn }));
    if (!entry) return { accessEntry: none, rolesInEntries };
    const { username, groups, policies, type: kind, principalArn, createdAt } = entry;
    const names = policies.map(({ name }) => name);
    const identity = { username: usernameIn(username, caller), groups };
    const times = await readRoleTimes(eks, cluster, { entries: [entry], document: null });
    const madeAt = times.madeAt.get(principalArn);
    const about = { policies: names, principalArn, createdAt, madeAt, whyUnknown: times.why };
    return { accessEntry: { type: "entry", identity, kind, ...about } as const, rolesInEntries };
  } catch (error) {
    if (!(error instanceof AccessError) || error.retryable) throw error;
    return { accessEntry: { type: "not asked", why: error.what }, rolesInEntries: null };
  }
}

/** Bindings name a session by it. A role without a session has the template alone. */
function usernameIn(template: string, { principal, callerArn }: Caller): string {
  const sessionName = sessionNameIn(callerArn);
  return sessionName === null
    ? template
    : (render(template, { accountId: principal.account, sessionName }) ?? template);
}

/** The live document in any state; `readClusterState` refuses some. */
export type LiveDocument = DocumentFacts & { readonly managers: readonly SectionWriter[] };

/** Null: there is no ConfigMap. @throws AccessError */
export async function readLiveDocument(
  client: ClusterClient,
  cluster: Cluster,
  keys: MemoryKeys,
): Promise<LiveDocument | null> {
  const configMap = await client.readAwsAuth();
  if (!configMap) return null;
  const { data, immutable, managers, deletion, object } = configMap;
  const { untrusted } = memoryBeside(cluster, configMap, keys);
  const read = await inTurns(parseSteps(data));
  const unread = inBinaryData(object);
  const texts = unread.map(({ name }) => [
    `binaryData.${name}`,
    Buffer.from(object.binaryData?.[name] ?? "", "base64").toString(),
  ]);
  const document = {
    ...read,
    data: { ...data, ...Object.fromEntries(texts) },
    problems: [...unread, ...read.problems],
  };
  return { document, immutable, isBeingDeleted: deletion !== null, untrusted, managers };
}

/** The given active leases that are missing in the document: those by bindings and access entries are never there. */
export function driftsIn({ document, managers }: LiveDocument, inForce: readonly ApprovedRequest[]): readonly Drift[] {
  const inDocument = inForce.filter((request) => !isGivenByEntry(request) && !bindsRoles(request.groups));
  return inDocument.flatMap((request) => driftInDocument(request, document, managers) ?? []);
}

/** The given active leases with a changed or deleted binding or role. Reads nothing if none is by bindings. @throws AccessError */
export async function bindingDrifts(
  client: Pick<ClusterClient, "listLeaseBindings" | "roleRules" | "namespaces">,
  cluster: Cluster,
  keys: MemoryKeys,
  inForce: readonly ApprovedRequest[],
): Promise<readonly Drift[]> {
  const bound = inForce.filter(({ groups }) => bindsRoles(groups));
  if (bound.length === 0) return [];
  const own = await ownBindingsAmong(sealedClusterOf(cluster), await client.listLeaseBindings(), keys);
  const given = own.parts.map(({ text }) => text);
  const roles = await rolesSeen(client, [], given);
  return bindingsMissing(bound, own, roles, await namespacesIf(bindingsMissing(bound, own, roles), client));
}

/** Neither the worker nor a new request restores a binding in a deleted namespace. @param missing empty: asks nothing, null */
export async function namespacesIf(missing: readonly Drift[], client: Pick<ClusterClient, "namespaces">) {
  return missing.length === 0
    ? null
    : client.namespaces().then(
        (found) => new Set(found.map(({ name }) => name)),
        () => null,
      );
}

const listing = { id: "namespaces", requester: "eks-access" };

/** Lists a cluster's namespaces for the form, seals the list, and publishes it for the next search. */
export async function reportNamespaces(context: WorkerContext, cluster: Cluster): Promise<NamespacesReport> {
  const { ledger, keys, now } = context;
  const known = readNamespaceList(await ledger.namespacesOf(cluster.name), cluster, keys.preview, now());
  if (known && isCurrentList(known, now())) return { type: "found", list: known };
  return orFailed(context, cluster, "could not list the namespaces", async () => {
    const found = await reachCluster(context, cluster, listing, ({ client }) => client.namespaces());
    const names = found.flatMap(({ name, isEnding }) => (isEnding ? [] : name));
    const list = sealNamespaces(cluster, names, now(), keys.preview);
    await ledger.rememberNamespaces(list);
    return { type: "found", list };
  });
}

export interface ReadingLimits {
  readonly most: number;
  readonly width: number;
  /** In milliseconds, including the listing. */
  readonly withinMs: number;
}

/** Below the deadline of a question, which also needs time for other calls. */
export const readingLimits: ReadingLimits = { most: 500, width: 5, withinMs: 20_000 };

interface Progress {
  readonly queue: string[];
  readonly found: AccessEntry[];
  done: number;
  running: number;
  failure: unknown;
}

/** Reads entries in this order, within the limits. After a failure it returns the entries read before. @returns `why`: a sentence; null: all were read */
export async function readEntries(
  { describe }: Pick<AccessEntries, "describe">,
  arns: readonly string[],
  { most, width, withinMs }: ReadingLimits,
) {
  const queue = arns.slice(0, most);
  const progress: Progress = { queue, found: [], done: 0, running: Math.min(width, queue.length), failure: null };
  const lanes = Array.from({ length: progress.running }, () => readLane(describe, progress));
  await withinTime(Promise.all(lanes), withinMs, null);
  // Nothing uses the results of calls that are still open.
  queue.length = 0;
  const { found, done, failure } = progress;
  const unread = arns.length - done;
  const maxWords = `The worker asks about at most ${counted(most, "entry", "entries")}.`;
  const limits = done < Math.min(most, arns.length) ? lateWords : maxWords;
  const why = failure === null ? limits : whyNotRead(failure);
  return { entries: [...found], unread, why: unread === 0 ? null : why };
}

export const lateWords = "AWS did not answer in time. Try again in a minute.";

/** A lane that EKS throttles after three tries gives its entry back and stops. The last lane, or any other failure, ends all. */
async function readLane(describe: AccessEntries["describe"], progress: Progress): Promise<void> {
  const { queue, found } = progress;
  for (let arn = queue.shift(); arn !== undefined; arn = queue.shift()) {
    try {
      const entry = await describe(arn);
      progress.done += 1;
      if (entry) found.push(entry);
    } catch (error) {
      if (hasCode(error, "aws-throttled") && progress.running > 1) queue.unshift(arn);
      else {
        progress.failure ??= error;
        queue.length = 0;
      }
      break;
    }
  }
  progress.running -= 1;
}

export function whyNotRead(error: unknown): string {
  return hasCode(error, "aws-throttled") ? `${error.what}. Try again in a minute.` : explainFailure(error);
}
