import { isOwnUsername, signInUsernameFor } from "../../access/lease/lease.ts";
import { type Cluster, isSessionPinned } from "../../access/policy/cluster.ts";
import { entryArnOf, readHolder, sessionNameIn } from "../../access/principal.ts";
import { type NamedEntry, render } from "../../aws-auth/index.ts";
import { anySession, impossibleSession } from "./review.ts";
import { entryKeyOf, type SignInPlace } from "./sign-in-place.ts";

export type SignInName =
  /** Neither aws-auth nor an access entry names it, and we can add none. `why`: a sentence with the way out. */
  | { readonly type: "none"; readonly why: string }
  | {
      readonly type: "name";
      readonly username: string;
      readonly groups: readonly string[];
      /** The username of another session of the same role. If it is the same, all sessions share one. */
      readonly other: string;
      /** Why no binding can name it: a sentence with the fix. Null: one can. */
      readonly refusal: string | null;
      /** The owner of the entry that gives the name. `planned`: a lease adds the entry. `ours`: it stays while a lease needs it. */
      readonly entry: "theirs" | "ours" | "planned";
    };

export interface SignInNames {
  /** The entries that name principals; of access entries, those that were read. */
  readonly entries: readonly NamedEntry[];
  readonly of: (principal: string) => SignInName;
}

export interface SignInMap {
  /** In the cluster's order: an access entry has precedence over aws-auth. */
  readonly places: readonly SignInPlace[];
  /** Where a new entry goes; null: nowhere. */
  readonly addTo: SignInPlace["way"] | null;
}

/** The usernames of the principals, by their entries. Pure. */
export function signInNames(map: SignInMap, cluster: Cluster): SignInNames {
  const known = new Map<string, SignInName>();
  return {
    entries: map.places.flatMap(({ named }) => named),
    of: (principal) => {
      const name = known.get(principal) ?? nameOf(map, cluster, principal);
      known.set(principal, name);
      return name;
    },
  };
}

function nameOf({ places, addTo }: SignInMap, cluster: Cluster, principal: string): SignInName {
  for (const place of places) {
    const name = nameIn(place, cluster, principal);
    if (name) return name;
  }
  return (
    (addTo === null ? null : plannedName(cluster, principal)) ?? { type: "none", why: whyUnnamed(cluster, principal) }
  );
}

/** The place of a principal's entry, or of a new one; null: nowhere. */
export function placeFor({ places, addTo }: SignInMap, principal: string): SignInPlace | null {
  const named = places.find(({ signsInAs }) => signsInAs(principal, impossibleSession) !== null);
  return named ?? places.find(({ way }) => way === addTo) ?? null;
}

function nameIn(place: SignInPlace, cluster: Cluster, principal: string): SignInName | null {
  const session = sessionNameIn(principal);
  const own = place.signsInAs(principal, session ?? anySession);
  const other = place.signsInAs(principal, impossibleSession);
  if (!own || !other) return null;
  const where = place.way === "aws-auth" ? "aws-auth" : "its access entry";
  const refusal = refuseName(cluster, principal, session, { own: own.username, other: other.username, place: where });
  return { type: "name", ...own, other: other.username, refusal, entry: isOurs(place, principal) ? "ours" : "theirs" };
}

/** An entry that others replaced has another username. */
function isOurs({ holdings, identityOf }: SignInPlace, principal: string): boolean {
  const identity = identityOf(entryArnOf(principal));
  const isAdded = holdings.get(entryKeyOf(principal))?.entryAdded === true;
  return isAdded && identity !== null && isOwnUsername(identity.username);
}

/** The name that an entry of ours gives; null: no entry would give this principal its own name. */
function plannedName(cluster: Cluster, principal: string): SignInName | null {
  const reading = readHolder(principal);
  if (reading.type === "invalid") return null;
  const { kind, account } = reading.principal;
  if (kind === "role" && isSessionPinned(cluster, principal)) return null;
  const template = signInUsernameFor(reading.principal);
  const as = (session: string) => render(template, { accountId: account, sessionName: session });
  const [username, other] = [as(sessionNameIn(principal) ?? ""), as(impossibleSession)];
  if (username === null || other === null) return null;
  return { type: "name", username, other, groups: [], refusal: null, entry: "planned" };
}

/** @param principal a user has no session */
export function sessionArn(principal: string, session: string): string {
  const [, partition, , , account, ...rest] = entryArnOf(principal).split(":");
  const [kind, ...path] = rest.join(":").split("/");
  return kind === "role" ? `arn:${partition}:sts::${account}:assumed-role/${path.at(-1)}/${session}` : principal;
}

function whyUnnamed(cluster: Cluster, principal: string): string {
  const { name } = cluster;
  const role = entryArnOf(principal);
  const problem = `${role} can't sign in to ${name}: no entry names it.`;
  return role === principal && role.includes(":role/") && isSessionPinned(cluster, role)
    ? `${problem} Ask with your session: aws sts get-caller-identity prints it.`
    : `${problem} Ask an operator for an entry ${sessionNameIn(principal) === null ? "" : "with {{SessionNameRaw}}, "}without groups.`;
}

/** Why no lease can bind this name; null: one can. */
function refuseName(
  cluster: Cluster,
  principal: string,
  session: string | null,
  { own, other, place }: { readonly own: string; readonly other: string; readonly place: string },
): string | null {
  const role = entryArnOf(principal);
  const gives = `${place} gives ${role} the username ${own}.`;
  if (own.startsWith("system:") || own.includes("{{"))
    return `${gives} No lease can use it. Ask an operator to change it.`;
  if (principal.includes(":user/")) return null;
  if (session !== null && own === other) {
    return `${gives} All sessions share it. Ask an operator for an entry with {{SessionNameRaw}}.`;
  }
  if (session === null && own !== other) {
    const instead = isSessionPinned(cluster, role)
      ? "Ask with your session: aws sts get-caller-identity prints it."
      : `People choose the session names of ${role}. Ask for a level with groups.`;
    return `${place} gives each session of ${role} its own username. ${instead}`;
  }
  return null;
}
