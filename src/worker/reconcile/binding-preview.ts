import { approvedShare } from "../../access/lease/cluster-leases.ts";
import type { Cluster, Way } from "../../access/policy/cluster.ts";
import { type PlacedRole, placedRoleOf } from "../../access/policy/policy-text.ts";
import {
  actsAsServiceAccounts,
  dangersOf,
  describeNamespaces,
  describeRules,
  type GroupRight,
} from "../../access/policy/rights.ts";
import type { AccessRequest } from "../../access/record.ts";
import {
  admittedBy,
  admittedInWords,
  entryArnOf,
  isIdentityCenterRole,
  type Refusal,
  type Steps,
  sessionNameIn,
  unifiedDiff,
} from "../../aws-auth/index.ts";
import { sameUsernameWarnings } from "../preview/preview-warnings.ts";
import type { BindingState } from "./binding-state.ts";
import { refusalOf } from "./settle-bindings.ts";
import { needsEntry, refuseSignIns, signInWrites } from "./settle-sign-ins.ts";
import type { SignInNames } from "./sign-in-names.ts";
import type { ChangePreview, RequestedChange } from "./way-adapter.ts";

/** The bindings to make, and their roles' present rights; or why it is impossible. */
export function* previewByBinding(
  cluster: Cluster,
  state: BindingState,
  { request, principal, others }: RequestedChange,
): Steps<ChangePreview> {
  const entry = yield* entryFor(state, request);
  const refusal = refusalOf({ cluster, state }, request) ?? entry.refusal;
  const base = state.baseFor?.(request) ?? null;
  if (refusal || !base) {
    const { code, message } = refusal ?? {
      code: "no-own-name",
      message: `${principal.arn} has no name in ${cluster.name}.`,
    };
    return { type: "refused", refusal: { code, message } };
  }
  const { username } = base;
  const today = state.identityOf(request.principal);
  const bound = (today?.groups ?? []).filter((text) => placedRoleOf(text) !== null);
  const added = request.groups.filter((text) => !bound.includes(text));
  const rights = rightsOf(state, request.groups, username);
  return {
    type: "change",
    way: "binding",
    diff: `${entry.diff}${unifiedDiff("bindings", textOf(username, bound), textOf(username, [...bound, ...added]))}`,
    base,
    today,
    afterwards: { username, groups: [...(today?.groups ?? []), ...added] },
    rights,
    warnings: [
      ...entry.warnings,
      ...dangerWarnings(state, request.groups),
      ...collisionWarnings(username, principal.arn),
      ...sameUsernameWarnings(username, entryArnOf(principal.arn), state.names.entries, others),
    ],
  };
}

interface EntryPreview {
  readonly diff: string;
  readonly warnings: readonly string[];
  readonly refusal: Refusal | null;
}

function* entryFor({ map, names }: BindingState, request: AccessRequest): Steps<EntryPreview> {
  const { principal } = request;
  if (!needsEntry(names, principal)) return { diff: "", warnings: [], refusal: null };
  const need = { principal, share: approvedShare(request, new Date(request.createdAt)) };
  const [refusal = null] = (yield* refuseSignIns(map, [need])).values();
  const [write] = refusal ? [] : signInWrites(map, [need]);
  if (!write) return { diff: "", warnings: [], refusal };
  const { diff, warnings } = yield* write.place.show(write.targets);
  return { diff, warnings: [entryWarning(names, write.place.way, principal), ...warnings], refusal };
}

function entryWarning(names: SignInNames, way: Way, principal: string): string {
  const name = names.of(principal);
  const what = way === "aws-auth" ? "an entry without groups in aws-auth" : "an access entry without groups";
  if (name.type === "name" && name.entry === "ours")
    return `Entry kept: the entry of ${entryArnOf(principal)} stays until this lease ends, too.`;
  const who = admittedInWords(admittedBy(entryArnOf(principal)));
  return `New entry: ${what} lets ${who} authenticate, without rights.`;
}

function textOf(username: string, texts: readonly string[]): string {
  const lines = [...texts].sort().flatMap((text) => {
    const role = placedRoleOf(text);
    return role ? [`${kindOf(role)}: ${text}`] : [];
  });
  return [`user: ${username}`, ...lines, ""].join("\n");
}

function kindOf({ namespace }: PlacedRole): string {
  return namespace === null ? "ClusterRoleBinding" : "RoleBinding";
}

/** One item for each role, in whichever namespaces it is bound. */
function rightsOf({ roles }: BindingState, texts: readonly string[], username: string): readonly GroupRight[] {
  const places = new Map<string, { readonly text: string; readonly namespaces: (string | null)[] }>();
  for (const text of texts) {
    const role = placedRoleOf(text);
    if (!role) continue;
    const key = `${role.kind} ${role.name}`;
    const known = places.get(key) ?? { text, namespaces: [] };
    known.namespaces.push(role.namespace);
    places.set(key, known);
  }
  return [...places].map(([role, { text, namespaces }]) => ({
    group: username,
    role,
    where: describeNamespaces(namespaces),
    allows: describeRules(roles.get(text)?.rules ?? []),
  }));
}

function dangerWarnings({ roles }: BindingState, texts: readonly string[]): string[] {
  const dangers = texts.flatMap((text) => {
    const rules = roles.get(text)?.rules ?? [];
    const found = [...dangersOf(rules), ...(holdsKubeSystem(text) && actsAsServiceAccounts(rules) ? [takesOver] : [])];
    return found.length > 0 ? [`Dangerous rights: ${text} lets a person ${found.join(", ")}.`] : [];
  });
  return [...new Set(dangers)];
}

const takesOver = "take over the cluster, through the service accounts of kube-system";

function holdsKubeSystem(text: string): boolean {
  const namespace = placedRoleOf(text)?.namespace;
  return namespace === null || namespace === "kube-system";
}

/** `{{SessionName}}` turns `@` into `-`; `{{SessionNameRaw}}` does not. */
function collisionWarnings(username: string, principal: string): string[] {
  const session = sessionNameIn(principal);
  const warnings: string[] = [];
  if (session?.includes("@") && !username.includes(session)) {
    warnings.push(
      `Shared username: {{SessionName}} turns @ into -, so two people can be ${username}. Use {{SessionNameRaw}} in the entry of ${entryArnOf(principal)}.`,
    );
  }
  if (session && !isIdentityCenterRole(principal)) {
    warnings.push(`Trusted session name: only pinnedSessions in eks-access.yml says that ${session} is one person.`);
  }
  return warnings;
}
