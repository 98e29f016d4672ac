import type { Cluster } from "../../access/policy/cluster.ts";
import { type AccessEntry, identityOfEntry } from "../../access-entry/index.ts";
import {
  entryArnIn,
  entryArnOf,
  type NamedEntry,
  type ReadDocument,
  render,
  resolve,
  sessionNameIn,
} from "../../aws-auth/index.ts";
import { inParallel } from "../in-parallel.ts";
import type { OpenedCluster } from "../open/open-cluster.ts";
import { parseRemembered } from "../remembered.ts";
import { anySession, nobodysSession } from "./review.ts";

/** As whom a principal signs in, before any binding. */
export type SignInName =
  /** Neither aws-auth nor an access entry names it. `why`: a sentence with the way out. */
  | { readonly type: "nobody"; readonly why: string }
  | {
      readonly type: "name";
      readonly username: string;
      readonly groups: readonly string[];
      /** The username of another session of the same role; the same one: all sessions share it. */
      readonly other: string;
      /** Why nothing may be bound to that name: a sentence with the way out. Null: it may. */
      readonly refusal: string | null;
    };

export interface SignInNames {
  /** What names principals there: of access entries, those that were read. */
  readonly entries: readonly NamedEntry[];
  readonly of: (principal: string) => SignInName;
}

/**
 * Asks the cluster as whom these principals sign in: an access entry goes before aws-auth.
 * @param principals ARNs of users, roles and sessions
 * @throws AccessError
 */
export async function signInNames(
  { mode, entries, client }: Pick<OpenedCluster, "mode" | "entries" | "client">,
  cluster: Cluster,
  principals: readonly string[],
): Promise<SignInNames> {
  const wanted = [...new Set(principals.map((principal) => entryArnOf(principal)))];
  const [configMap, arns] = await Promise.all([
    mode === "API" ? null : client.readAwsAuth(),
    entries && wanted.length > 0 ? entries.list() : [],
  ]);
  const document = parseRemembered(configMap?.data ?? {});
  const described = await inParallel(wanted, async (arn) => {
    const found = entryArnIn(arns, arn);
    return [arn.toLowerCase(), found && entries ? await entries.describe(found) : null] as const;
  });
  const entryOf = new Map(described);
  const named = described.flatMap(([, entry]) =>
    entry ? [{ arn: entry.principalArn, username: entry.username }] : [],
  );
  return {
    entries: [...named, ...document.entries],
    of: (principal) => nameIn(cluster, principal, entryOf.get(entryArnOf(principal).toLowerCase()) ?? null, document),
  };
}

function nameIn(cluster: Cluster, principal: string, entry: AccessEntry | null, document: ReadDocument): SignInName {
  const as = (session: string) =>
    entry ? byEntry(entry, principal, session) : resolve(document, sessionArn(principal, session));
  const session = sessionNameIn(principal);
  const own = as(session ?? anySession);
  const other = as(nobodysSession);
  if (!own || !other) return { type: "nobody", why: nobody(cluster, principal) };
  const place = entry ? "its access entry" : "aws-auth";
  const refusal = refuseName(principal, session, { own: own.username, other: other.username, place });
  return { type: "name", ...own, other: other.username, refusal };
}

function byEntry(entry: AccessEntry, principal: string, sessionName: string) {
  const identity = identityOfEntry(entry, undefined);
  const isUser = principal.includes(":user/");
  const values = { accountId: principal.split(":")[4] ?? "", sessionName: isUser ? "" : sessionName };
  const username = identity && render(identity.username, values);
  return identity && username !== null ? { username, groups: identity.groups } : null;
}

/** A user has no session. */
function sessionArn(principal: string, session: string): string {
  const [, partition, , , account, ...rest] = entryArnOf(principal).split(":");
  const [kind, ...path] = rest.join(":").split("/");
  return kind === "role" ? `arn:${partition}:sts::${account}:assumed-role/${path.at(-1)}/${session}` : principal;
}

function nobody({ name }: Cluster, principal: string): string {
  const role = entryArnOf(principal);
  return `${role} can't sign in to ${name} yet: no access entry and no entry of aws-auth names it. Have an operator add one whose username contains {{SessionNameRaw}}, without groups.`;
}

/** Why a lease must not be bound to this name; null: it may. */
function refuseName(
  principal: string,
  session: string | null,
  { own, other, place }: { readonly own: string; readonly other: string; readonly place: string },
): string | null {
  const role = entryArnOf(principal);
  if (own.startsWith("system:"))
    return `${place} gives ${role} the username ${own}, and names that begin with system: are Kubernetes' own.`;
  if (own.includes("{{")) return `${place} gives ${role} the username ${own}, which is another one at each sign-in.`;
  if (principal.includes(":user/")) return null;
  if (session !== null && own === other) {
    return `${place} gives everyone with ${role} the same username, ${own}. Nothing can be bound to one person until it contains {{SessionNameRaw}}.`;
  }
  if (session === null && own !== other) {
    return `${place} gives each session of ${role} a username of its own. Ask with your session, as aws sts get-caller-identity prints it.`;
  }
  return null;
}
