import { type Drift, driftOf, lostRole } from "../access/lease/drift.ts";
import type { RescueLease } from "../access/lease/kept-documents.ts";
import type { Holding } from "../access/lease/lease-record.ts";
import { bindingName, type ClusterBinding, type OwnBindings } from "../access/lease/own-bindings.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import { bindsRoles, namespacesIn } from "../access/policy/policy-text.ts";
import type { RoleSeen } from "../access/policy/rights.ts";
import type { ApprovedRequest } from "../access/record.ts";
import { type AccessEntry, identityOfEntry, type TagReading } from "../access-entry/index.ts";
import { keyRemedy } from "./cluster-links.ts";
import { named } from "./link.ts";
import { driftRemedy, mayRead, type Reader } from "./person-links.ts";
import { type GroupedProblems, groupProblems, type ReportedProblem } from "./problems.ts";

export interface ReadEntry {
  readonly entry: AccessEntry;
  readonly tags: TagReading;
  readonly rescue: RescueLease | null;
}

/** The part of an entry that is ours, as far as its tags have a valid seal. */
export function heldIn({ tags }: Pick<ReadEntry, "tags">): Holding | undefined {
  return tags.type === "holding" ? tags.holding : undefined;
}

/** The missing part of an active lease in the entry. Null: nothing. @param read null: the entry is gone */
export function entryDrift(request: ApprovedRequest, read: Pick<ReadEntry, "entry" | "tags"> | null): Drift | null {
  return driftOf(request, read && identityOfEntry(read.entry, heldIn(read)), null);
}

/** Whether the cluster must have the whole lease. */
export function isInForce({ lease }: ApprovedRequest): boolean {
  return lease.state === "active" && !lease.end;
}

/** A cluster's open leases, as read before and after the look at the cluster. */
export interface OpenLeases {
  /** Leases that did not change between the two reads: a concurrent run raises no alarm. */
  readonly still: readonly ApprovedRequest[];
  readonly ids: ReadonlySet<string>;
}

export function openLeasesAround(before: readonly ApprovedRequest[], after: readonly ApprovedRequest[]): OpenLeases {
  const versions = new Map(before.map(({ id, version }) => [id, version]));
  return {
    still: after.filter(({ id, version }) => versions.get(id) === version),
    ids: new Set([...before, ...after].map(({ id }) => id)),
  };
}

type TakenOut = ReportedProblem & { readonly code: "lease-part-removed" };

/** Active leases that are missing. @param from their place: `aws-auth`, `its access entry` */
export function leaseProblems(
  drifts: readonly Drift[],
  cluster: Pick<Cluster, "drift">,
  reader: Reader,
  from: string,
): readonly TakenOut[] {
  const readable = drifts.map((drift) => ({
    ...drift,
    isReadable: mayRead(reader, drift),
  }));
  const first = readable.toSorted((a, b) => Number(b.isReadable) - Number(a.isReadable));
  return first.map(({ request, message, isReadable }) => ({
    code: "lease-part-removed",
    severity: "error",
    place: isReadable ? request.principal : "another person's",
    message: isReadable
      ? `${named(request.id)} is active, but its access is missing: ${message}.`
      : `Another person's access is missing from ${from}.`,
    remedy: isReadable ? driftRemedy(cluster, message, request) : driftRemedy(cluster),
  }));
}

export interface BindingFacts extends OwnBindings {
  readonly cluster: Pick<Cluster, "drift">;
  readonly leased: OpenLeases;
  readonly reader: Reader;
  readonly now: Date;
  readonly roles: ReadonlyMap<string, RoleSeen>;
  /** Asked only where a binding is missing. Null: unknown. */
  readonly namespaces: ReadonlySet<string> | null;
}

/** What `check` reports about bindings, besides a removed lease. */
export const bindingProblemCodes = [
  "binding-forged",
  "binding-key-absent",
  "binding-overdue",
  "binding-unknown",
] as const;

const maxKinds = bindingProblemCodes.length + 1;

/** The worker removes a lease's part within seconds of its end; a late call can bring it back. */
const overdueAfterMs = 10 * 60_000;

export function isOverdue(endsAt: string, now: Date): boolean {
  return Date.parse(endsAt) + overdueAfterMs < now.getTime();
}

/** Of an access entry or a binding. */
type ClaimWords = Pick<ReportedProblem, "message" | "remedy">;

export function overdueWords(endsAt: string): ClaimWords {
  return { message: `It still claims access that ended ${endsAt}.`, remedy: nextRunRemedy };
}

const nextRunRemedy = "The worker's next run removes it.";

export function unknownWords(endsAt: string): ClaimWords {
  const message = `It claims access until ${endsAt}, but the ledger has no such lease.`;
  return { message, remedy: "The worker adopts or removes it within an hour, `eks-access recover` at once." };
}

export function bindingProblems(facts: BindingFacts): GroupedProblems {
  return groupProblems([...changed(facts), ...forged(facts), ...left(facts)], maxKinds);
}

/** The bindings and roles of leases in force that others changed or deleted. */
function changed(facts: BindingFacts): readonly ReportedProblem[] {
  const { leased, cluster, reader, roles, namespaces } = facts;
  return leaseProblems(bindingsMissing(leased.still, facts, roles, namespaces), cluster, reader, "the bindings");
}

/** A binding of a key that this worker lacks is not missing: with another worker's key it is the lease's. */
export function bindingsMissing(
  leased: readonly ApprovedRequest[],
  { parts, forged }: OwnBindings,
  roles: ReadonlyMap<string, RoleSeen>,
  namespaces: ReadonlySet<string> | null = null,
): readonly Drift[] {
  const bound = leased.filter((request) => isInForce(request) && bindsRoles(request.groups));
  const unread = forged.filter(({ lacks }) => lacks !== null).map(({ name }) => name);
  return bound.flatMap((request) => {
    const given = parts.filter(({ share, isIntact }) => isIntact && share.id === request.id).map(({ text }) => text);
    const absentFrom = (text: string) => !given.includes(text) && !unread.includes(bindingName(request.id, text));
    const missing = request.groups.filter(absentFrom);
    const gone = missing.length > 0 ? `others changed or deleted a binding: ${missing.join(", ")}` : null;
    const absent = namespacesIn(missing).find((name) => namespaces?.has(name) === false);
    const message = lostRole(request, roles) ?? (absent ? `the namespace ${absent} is gone` : gone);
    return message === null ? [] : [{ request, message }];
  });
}

function forged({ forged: found, cluster }: BindingFacts): readonly ReportedProblem[] {
  const byHand = "Delete it. The API server's audit log has who made it.";
  return found.map(({ lacks, ...binding }) => ({
    code: lacks ? "binding-key-absent" : "binding-forged",
    severity: "error",
    place: placeOf(binding),
    message: `It has eks-access's label, and ${lacks ?? "no valid seal"}.`,
    remedy: lacks ? keyRemedy() : cluster.drift === "repair" ? nextRunRemedy : byHand,
  }));
}

function left({ parts, leased, now }: BindingFacts): readonly ReportedProblem[] {
  return parts.flatMap(({ share, binding }): ReportedProblem[] => {
    const place = placeOf(binding);
    if (isOverdue(share.endsAt, now))
      return [{ code: "binding-overdue", severity: "error", place, ...overdueWords(share.endsAt) }];
    if (leased.ids.has(share.id)) return [];
    return [{ code: "binding-unknown", severity: "warning", place, ...unknownWords(share.endsAt) }];
  });
}

function placeOf({ namespace, name }: Pick<ClusterBinding, "namespace" | "name">): string {
  return namespace === null ? name : `${namespace}/${name}`;
}
