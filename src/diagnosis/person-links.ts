import { AccessError } from "../access/access-error.ts";
import { type Drift, isNotRestored, isOfRole, requestAgain } from "../access/lease/drift.ts";
import type { MappedIdentity } from "../access/lease/lease-record.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import type { AccessRequest } from "../access/record.ts";
import type { AccessEntryFact, Cause } from "./facts.ts";
import { broken, counted, type Finding, found, named, notAsked, someOf, untilWords } from "./link.ts";

export type Asker = { readonly user: string; readonly principal: string | null };

export interface SignInFacts {
  readonly accessEntry: AccessEntryFact;
  readonly mapped: MappedIdentity | null;
  /** Set if aws-auth gives one of several identities at random. */
  readonly chance: Cause | null;
  readonly isRead: boolean;
  /** It counts, but could not be read. */
  readonly isUnknown: boolean;
}

/** The principal's identity in the cluster; null: none, not certain, or for nodes. */
export function knownIdentity({ accessEntry, mapped, chance }: SignInFacts): MappedIdentity | null {
  if (accessEntry.type === "entry") return accessEntry.kind === "STANDARD" ? accessEntry.identity : null;
  return chance || accessEntry.type === "not asked" ? null : mapped;
}

/** The person's identity in the cluster. An access entry overrides aws-auth. */
export function personFinding({ principal }: Asker, facts: SignInFacts, cluster: Cluster): Finding {
  if (principal === null) return notAsked("you have no linked principal", "Link yours with /eks-access link.");
  const { accessEntry, mapped, chance, isRead, isUnknown } = facts;
  const why = `${named(`/eks-access why ${cluster.name}`)} explains it.`;
  if (accessEntry.type === "entry") {
    const { identity, kind, policies } = accessEntry;
    if (kind !== "STANDARD")
      return broken(`the access entry of ${principal} is for nodes, of type ${named(kind)}`, why);
    const more = policies.length > 0 ? `, with the access policies ${someOf(policies)}` : "";
    const rank = isRead ? ", which overrides aws-auth" : "";
    const entry = `its access entry of type ${named(kind)}${rank}`;
    return found(`${principal} is ${identityWords(identity)} through ${entry}${more}`);
  }
  if (isUnknown) return notAsked("needs the document");
  if (chance) return broken(chance.message.replace(/\.$/, ""), chance.remedy);
  if (accessEntry.type === "not asked") {
    const isIn = mapped ? `is ${identityWords(mapped)} by` : "is not in";
    const place = isRead ? `${principal} ${isIn} aws-auth, and its` : `The`;
    const of = isRead ? "" : ` of ${principal}`;
    return notAsked(`${place} access entry${of} is unknown: ${accessEntry.why}`, why);
  }
  if (mapped) return found(`${principal} is ${identityWords(mapped)}`);
  return broken(`${principal} can't sign in here: ${named("Unauthorized")}`, why);
}

export function identityWords({ username, groups }: MappedIdentity): string {
  return `${named(username)} ${groups.length > 0 ? `in ${someOf(groups)}` : "in no groups"}`;
}

/** The API server's answer for `kubectl get pods` by this identity, in the default namespace. */
export function podsFinding(
  answer: { readonly allowed: boolean; readonly reason: string },
  { accessEntry }: SignInFacts,
  cluster: Cluster,
): Finding {
  const why = answer.reason ? `: ${answer.reason.replace(/\.$/, "")}` : "";
  if (answer.allowed) return found(`can list pods in ${named("default")}${why}`);
  if (accessEntry.type === "entry" && accessEntry.policies.length > 0) {
    return notAsked("RBAC does not let you list pods; access policies are not tested");
  }
  return broken(
    `can't list pods in ${named("default")}${why}: ${named("Forbidden")}`,
    `${named(`/eks-access why ${cluster.name}`)} explains it.`,
  );
}

/** The person's active leases here with their ends, and their open requests. `open`: the cluster's open requests. */
export function leasesFinding(open: readonly AccessRequest[], asker: Asker): Finding {
  const own = open.filter((request) => isAskersOwn(request, asker));
  if (own.length === 0) return found("you have none here, and no open request");
  const words = own
    .toSorted((a, b) => (a.lease?.endsAt ?? a.expiresAt).localeCompare(b.lease?.endsAt ?? b.expiresAt))
    .slice(0, 5)
    .map(leaseWords);
  const left = own.length - words.length;
  const detail = [...words, ...(left > 0 ? [`${left} more`] : [])].join("; ");
  const [late] = own.filter((request) => request.trouble);
  return late?.trouble ? broken(detail, late.trouble.message) : found(detail);
}

function isAskersOwn(request: AccessRequest, { user, principal }: Asker): boolean {
  return request.requester === user || request.principal.toLowerCase() === principal?.toLowerCase();
}

function leaseWords(request: AccessRequest): string {
  const { id, level, lease, expiresAt } = request;
  const what = `${named(level)} (${named(id)})`;
  if (!lease) return `${what} waits and expires ${expiresAt}`;
  if (lease.end || lease.voidSince) return `${what} is being removed`;
  return lease.state === "active"
    ? `${what} ${untilWords(request)}`
    : `${what} is being applied, ${untilWords(request)}`;
}

/** Leases that did not change during the look. */
export interface ComparedLeases {
  readonly drifts: readonly Drift[];
  readonly inForce: number;
  /** How many of them were not looked for. */
  readonly unseen: number;
}

/** What others removed: they may do it again. People who answer for the cluster see all leases, others only their own. */
export function driftFinding(
  { drifts, inForce, unseen }: ComparedLeases,
  cluster: Cluster,
  reader: Reader,
  place: string,
): Finding {
  if (inForce === 0) return found("no leases are active here");
  if (drifts.length === 0) {
    if (unseen > 0) return notAsked(`not looked for: ${unseen} of ${counted(inForce, "active lease")}`);
    return found(`${counted(inForce, "active lease")} found in ${place}`);
  }
  const taken = drifts.filter(({ isUnread }) => !isUnread);
  if (taken.length > 0) {
    const first = taken.find((drift) => mayRead(reader, drift));
    return broken(
      `missing from ${place}: ${driftWords(taken, inForce, reader)}`,
      driftRemedy(cluster, first?.message, first?.request),
    );
  }
  return broken(
    `active leases have no effect: ${driftWords(drifts, inForce, reader)}`,
    `${named(`/eks-access check ${cluster.name}`)} shows the fix.`,
  );
}

/** A person who asks about leases. Without a role for the cluster they see only their own. */
export type Reader = Asker & { readonly isResponsible: boolean };

export function mayRead(reader: Reader, { request }: Pick<Drift, "request">): boolean {
  return reader.isResponsible || isAskersOwn(request, reader);
}

function driftWords(drifts: readonly Drift[], inForce: number, reader: Reader): string {
  const shown = drifts
    .filter((drift) => mayRead(reader, drift))
    .slice(0, 3)
    .map(({ request, message }) => `${named(request.id)}: ${message}`);
  const left = drifts.length - shown.length;
  const others = shown.length > 0 ? `${left} more` : `${left} of ${counted(inForce, "active lease")}`;
  return [...shown, ...(left > 0 ? [others] : [])].join("; ");
}

export function driftRemedy(
  { drift }: Pick<Cluster, "drift">,
  message = "",
  request?: Pick<AccessRequest, "lease" | "trouble">,
): string {
  if (isOfRole(message)) return new AccessError("role-absent", "").remedy;
  if (message.startsWith("the namespace ")) return new AccessError("namespace-absent", "").remedy;
  if (drift === "repair") {
    const isLeft = isNotRestored(request?.lease?.drift?.message ?? "");
    return request?.trouble?.message ?? (isLeft ? requestAgain(message) : "The worker restores it within minutes.");
  }
  return `${requestAgain(message)} Or ask an operator for drift: repair.`;
}

export function workerMissing(seconds: number): Finding {
  return broken(`no worker of this version answered within ${seconds} s`, "Check that a worker runs.");
}
