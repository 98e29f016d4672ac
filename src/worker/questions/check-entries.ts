import { AccessError } from "../../access/failure/access-error.ts";
import type { Cluster } from "../../access/policy/cluster.ts";
import type { AccessRequest } from "../../access/request/record.ts";
import { type AccessEntries, accessEntriesOf } from "../../aws/access-entries.ts";
import type { AwsAuthDocument } from "../../aws-auth/index.ts";
import { readingOrder, summarizeEntries } from "../../diagnosis/check-entries.ts";
import type { EntriesReport } from "../../diagnosis/check-report.ts";
import type { Granted, Reader } from "../../diagnosis/lease-problems.ts";
import type { WorkerContext } from "../context.ts";
import { openEksForEntries } from "../open/open-eks.ts";
import type { ReachedCluster } from "../open/reach-cluster.ts";
import { withOurTags } from "./look-at-entries.ts";
import { inTime, type ReadingLimits, readEntries, whyNotRead } from "./read-entries.ts";

/** What a report on access entries takes beside the cluster. */
export interface EntriesQuestion {
  readonly reached: ReachedCluster;
  /** The grants in this cluster that are not over, as read before it was looked at. */
  readonly granted: readonly AccessRequest[];
  /** The same, and as they are now. */
  readonly grantedNow: () => Promise<Granted>;
  readonly asker: Reader;
  /** As it is read meanwhile; null: it decides nothing, is not there, or could not be read. */
  readonly document: Promise<AwsAuthDocument | null>;
  readonly limits: ReadingLimits;
}

/** Checks the access entries of a cluster, as far as they can be read: a failure is a part of the report. */
export async function reportEntries(
  context: WorkerContext,
  cluster: Cluster,
  question: EntriesQuestion,
): Promise<EntriesReport> {
  const { reached } = question;
  if (reached.description.authenticationMode === "CONFIG_MAP") return { type: "none" };
  let entries: AccessEntries | null = null;
  try {
    entries = accessEntriesOf(await openEksForEntries(cluster, reached.eks));
    return await check(context, cluster, entries, question);
  } catch (error) {
    context.log.warn({ cluster: cluster.name, err: error }, "could not check the access entries");
    return { type: "failed", message: whyNotRead(error) };
  } finally {
    entries?.close();
  }
}

async function check(
  { keys, now }: WorkerContext,
  cluster: Cluster,
  entries: AccessEntries,
  { reached, granted: before, grantedNow, asker, document: reading, limits }: EntriesQuestion,
): Promise<EntriesReport> {
  const began = performance.now();
  const bindings = reached.client.roleBindings().catch(() => null);
  const [listed, document] = await Promise.all([listInTime(entries, cluster, limits), reading]);
  const left = () => Math.max(0, limits.withinMs - (performance.now() - began));
  const order = readingOrder(listed, before, document);
  const { entries: found, unread, why } = await readEntries(entries, order, { ...limits, withinMs: left() });
  const [bound, granted] = await Promise.all([inTime(bindings, left()), grantedNow()]);
  const read = found.map((entry) => withOurTags(cluster, entry, keys.memory));
  const boundGroups = bound && new Set(bound.groups.keys());
  const { creatorArn } = reached;
  const facts = { cluster, creatorArn, listed, read, document, boundGroups, granted, asker, now: now() };
  return { type: "checked", ...summarizeEntries(facts), unread, why };
}

async function listInTime(
  entries: AccessEntries,
  { name }: Cluster,
  { withinMs }: ReadingLimits,
): Promise<readonly string[]> {
  const listed = await inTime(entries.list(), withinMs);
  if (listed) return listed;
  const late = `EKS did not list all access entries of ${name} within ${withinMs / 1000} s`;
  throw new AccessError("aws-unreachable", late, { mend: "Ask again in a minute." });
}
