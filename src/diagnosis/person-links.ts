import type { Drift } from "../access/lease/drift.ts";
import type { Cluster } from "../access/policy/cluster.ts";
import type { AccessRequest, MappedIdentity } from "../access/request/record.ts";
import type { AccessEntryFact, Cause } from "./facts.ts";
import { broken, counted, type Finding, found, named, notAsked, someOf, untilWords } from "./link.ts";

/** Whom a question is about. */
export interface Asker {
  /** Slack user id. */
  readonly user: string;
  /** The ARN that they are linked with; null: none. */
  readonly principal: string | null;
}

/** As whom somebody gets in: by their access entry, or by aws-auth. */
export interface SignInFacts {
  readonly accessEntry: AccessEntryFact;
  /** By aws-auth. */
  readonly mapped: MappedIdentity | null;
  /** Why aws-auth says one of several by chance; null: it does not. */
  readonly chance: Cause | null;
  /** Whether the cluster reads aws-auth at all. */
  readonly isRead: boolean;
}

/** Who the principal is to the cluster; null: nobody for certain, as far as is known. */
export function knownIdentity({ accessEntry, mapped, chance }: SignInFacts): MappedIdentity | null {
  if (accessEntry.type === "entry") return accessEntry.identity;
  return chance ? null : mapped;
}

/** Who the person is to the cluster. An access entry goes before aws-auth. */
export function youFinding({ principal }: Asker, standing: SignInFacts, cluster: Cluster): Finding {
  if (principal === null) {
    return notAsked(
      "no principal is linked with you",
      `Link yours: ${named("/eks-access link arn:aws:iam::…")} (${named("aws sts get-caller-identity")} shows it).`,
    );
  }
  const { accessEntry, mapped, chance, isRead } = standing;
  const why = `${named(`/eks-access why ${cluster.name}`)} says why.`;
  if (accessEntry.type === "entry") {
    const { identity, kind, policies } = accessEntry;
    const more = policies.length > 0 ? `, with the access policies ${someOf(policies)}` : "";
    const rank = isRead ? ", which goes before aws-auth" : "";
    const entry = `its access entry of type ${named(kind)}${rank}`;
    return found(`${principal} is ${identityWords(identity)} by ${entry}${more}`);
  }
  if (chance) return broken(chance.message.replace(/\.$/, ""), chance.remedy);
  if (mapped) return found(`${principal} is ${identityWords(mapped)}`);
  if (accessEntry.type === "not asked") {
    const place = isRead ? `${principal} is nobody in aws-auth, and its` : `The`;
    const of = isRead ? "" : ` of ${principal}`;
    return notAsked(`${place} access entry${of} was not asked for: ${accessEntry.why}`, why);
  }
  return broken(`${principal} is nobody here: ${named("Unauthorized")}`, why);
}

export function identityWords({ username, groups }: MappedIdentity): string {
  return `${named(username)} ${groups.length > 0 ? `in ${someOf(groups)}` : "in no groups"}`;
}

/** What the API server says of `kubectl get pods` by this identity, in the namespace that kubectl takes by itself. */
export function podsFinding(
  answer: { readonly allowed: boolean; readonly reason: string },
  { accessEntry }: SignInFacts,
  cluster: Cluster,
): Finding {
  const why = answer.reason ? `: ${answer.reason.replace(/\.$/, "")}` : "";
  if (answer.allowed) return found(`may list pods in ${named("default")}${why}`);
  if (accessEntry.type === "entry" && accessEntry.policies.length > 0) {
    return notAsked(
      "RBAC alone does not let you list pods; what an access policy allows can't be asked for somebody else",
    );
  }
  return broken(
    `may not list pods in ${named("default")}${why}: ${named("Forbidden")}`,
    `${named(`/eks-access why ${cluster.name}`)} says why.`,
  );
}

/** The person's active leases here with their ends, and what waits. `open` are the cluster's open requests. */
export function leasesFinding(open: readonly AccessRequest[], asker: Asker): Finding {
  const own = open.filter((request) => isOf(request, asker));
  if (own.length === 0) return found("you have none here, and ask for none");
  const words = own
    .toSorted((a, b) => (a.lease?.endsAt ?? a.lapsesAt).localeCompare(b.lease?.endsAt ?? b.lapsesAt))
    .slice(0, 5)
    .map(leaseWords);
  const left = own.length - words.length;
  const detail = [...words, ...(left > 0 ? [`${left} more`] : [])].join("; ");
  const [late] = own.filter((request) => request.trouble);
  return late?.trouble ? broken(detail, late.trouble.message) : found(detail);
}

/** Whether a lease is of whoever asks. */
export function isOf(request: AccessRequest, { user, principal }: Asker): boolean {
  return request.requester === user || request.principal.toLowerCase() === principal?.toLowerCase();
}

function leaseWords(request: AccessRequest): string {
  const { id, level, lease, lapsesAt } = request;
  const what = `${named(level)} (${named(id)})`;
  if (!lease) return `${what} waits, and lapses ${lapsesAt}`;
  if (lease.end || lease.voidSince) return `${what} is being taken away`;
  return lease.state === "active"
    ? `${what} ${untilWords(request)}`
    : `${what} is being applied, ${untilWords(request)}`;
}

/**
 * What others took out of where it stood: somebody else writes there, and may do it again. Told of everybody's leases to who
 * answers for the cluster, of their own to anybody else.
 */
export function driftFinding(
  drifts: readonly Drift[],
  inForce: number,
  cluster: Cluster,
  asker: Asker & { readonly answers: boolean },
  place: string,
): Finding {
  if (inForce === 0) return found("no leases are active here");
  if (drifts.length === 0) return found(`${counted(inForce, "active lease")} found in ${place}`);
  const taken = drifts.filter(({ unread }) => unread === undefined);
  if (taken.length > 0) {
    return broken(`somebody took out of ${place}: ${driftWords(taken, inForce, asker)}`, driftRemedy(cluster));
  }
  return broken(
    `active leases count for nothing: ${driftWords(drifts, inForce, asker)}`,
    `${named(`/eks-access check ${cluster.name}`)} says how to mend the section.`,
  );
}

function driftWords(drifts: readonly Drift[], inForce: number, asker: Asker & { readonly answers: boolean }): string {
  const readable = drifts.filter(({ request }) => asker.answers || isOf(request, asker));
  const shown = readable.slice(0, 3).map(({ request, message }) => `${named(request.id)}: ${message}`);
  const left = drifts.length - shown.length;
  const others = shown.length > 0 ? `${left} more` : `${left} of ${counted(inForce, "active lease")}`;
  return [...shown, ...(left > 0 ? [others] : [])].join("; ");
}

/** What to do about leases that somebody took out. */
export function driftRemedy({ drift }: Pick<Cluster, "drift">): string {
  return drift === "repair"
    ? "The worker puts them back at its next look; let whoever took them out leave them there."
    : "Let whoever took them out leave them there, and ask again; or set drift: repair in eks-access.yml.";
}

/** No worker took the question, or none finished it. */
export function workerMissing(seconds: number): Finding {
  return broken(
    `no worker answered within ${seconds} s, or not in a form that is known here`,
    "Check that a worker of the same version runs and reaches Redis; its log says what it does.",
  );
}
