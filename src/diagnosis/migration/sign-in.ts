import type { ReadDocument } from "../../aws-auth/index.ts";
import { canonicalCaller, render, resolve } from "../../aws-auth/index.ts";
import type { AuthenticationMode } from "../cluster-links.ts";
import { CLUSTER_ADMIN, principalKey, type StandingEntry } from "./facts.ts";

/** All that decides who may sign in to a cluster, at one moment. */
export interface SignInState {
  readonly mode: AuthenticationMode;
  readonly document: ReadDocument;
  readonly entries: readonly StandingEntry[];
}

/** Who a caller is to the cluster. */
export interface SignedIn {
  readonly username: string;
  readonly groups: readonly string[];
  /** By an access policy for the whole cluster, or by system:masters. */
  readonly isAdmin: boolean;
}

/**
 * Who a caller is, or null for nobody: by its access entry where the mode knows them, else by aws-auth where the mode reads
 * it. Entries of nodes give what EKS decides, which is not said here: they count as nobody's.
 *
 * @param callerArn as sts:GetCallerIdentity says it, or a role's or user's own
 */
export function predictSignIn({ mode, document, entries }: SignInState, callerArn: string): SignedIn | null {
  const key = principalKey(canonicalCaller(callerArn) ?? callerArn);
  const entry = mode === "CONFIG_MAP" ? undefined : entries.find((each) => principalKey(each.principalArn) === key);
  if (entry) return entry.type === "STANDARD" ? signInByEntry(entry, callerArn) : null;
  const identity = mode === "API" ? null : resolve(document, callerArn);
  return identity && { ...identity, isAdmin: identity.groups.includes("system:masters") };
}

/** Who a caller is by its entry, one of type STANDARD. */
export function signInByEntry(
  { username, groups, policies }: Pick<StandingEntry, "username" | "groups" | "policies">,
  callerArn: string,
): SignedIn | null {
  const [, sessionName = "eks-access"] = /:assumed-role\/.*\/(.*)$/.exec(callerArn) ?? [];
  const accountId = callerArn.split(":")[4] ?? "";
  const rendered = render(username, { accountId, sessionName });
  const isAdmin = policies.some(({ name, namespaces }) => name === CLUSTER_ADMIN && namespaces === null);
  return rendered === null ? null : { username: rendered, groups, isAdmin };
}
