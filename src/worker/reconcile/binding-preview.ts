import { groupsBy } from "../../access/collections.ts";
import { approvedShare } from "../../access/lease/cluster-leases.ts";
import type { Cluster, Way } from "../../access/policy/cluster.ts";
import { type BoundRole, dangerWarnings } from "../../access/policy/dangers.ts";
import { placedRoleOf } from "../../access/policy/policy-text.ts";
import { describeNamespaces, describeRules, type GroupRight, rulesIn } from "../../access/policy/rights.ts";
import {
  admittedBy,
  admittedInWords,
  entryArnOf,
  isIdentityCenterRole,
  sessionNameIn,
} from "../../access/principal.ts";
import type { AccessRequest } from "../../access/record.ts";
import { type Steps, unifiedDiff } from "../../aws-auth/index.ts";
import { sameUsernameWarnings, sharedUsername } from "../preview/preview-warnings.ts";
import type { BindingState } from "./binding-state.ts";
import { impossibleSession } from "./review.ts";
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
  return {
    type: "change",
    way: "binding",
    diff: `${entry.diff}${unifiedDiff("bindings", textOf(username, bound), textOf(username, [...bound, ...added]))}`,
    base,
    today,
    afterwards: { username, groups: [...(today?.groups ?? []), ...added] },
    rights: rightsOf(state, request.groups, username),
    warnings: [
      ...entry.warnings,
      ...dangerWarnings(
        boundIn(state, request.groups),
        state.map.places.some(({ way }) => way === "aws-auth"),
      ),
      ...collisionWarnings(state.names, username, principal.arn),
      ...sameUsernameWarnings(username, entryArnOf(principal.arn), state.names.entries, others),
    ],
  };
}

function* entryFor({ map, names }: BindingState, request: AccessRequest) {
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
    return `Entry kept: that of ${entryArnOf(principal)}, until this lease ends.`;
  const who = admittedInWords(admittedBy(entryArnOf(principal)));
  return `New entry: ${what} lets ${who} authenticate, without rights.`;
}

function textOf(username: string, texts: readonly string[]): string {
  const lines = [...texts].sort().flatMap((text) => {
    const role = placedRoleOf(text);
    return role ? [`${role.namespace === null ? "ClusterRoleBinding" : "RoleBinding"}: ${text}`] : [];
  });
  return [`user: ${username}`, ...lines, ""].join("\n");
}

/** One item for each role, in whichever namespaces it is bound. Two Roles of one name can allow different things. */
function rightsOf({ roles }: BindingState, texts: readonly string[], username: string): readonly GroupRight[] {
  const placed = texts.flatMap((text) => {
    const role = placedRoleOf(text);
    return role ? [{ role: `${role.kind} ${role.name}`, namespace: role.namespace, seen: roles.get(text) }] : [];
  });
  const bound = groupsBy(placed, ({ role, seen }) => `${role} ${seen?.digest}`);
  return [...bound.values()].map((each) => ({
    group: username,
    role: each[0].role,
    where: describeNamespaces(each.map(({ namespace }) => namespace)),
    allows: describeRules(
      rulesIn(
        each[0].seen?.rules ?? [],
        each.map(({ namespace }) => namespace),
      ),
    ),
  }));
}

function boundIn({ roles }: BindingState, texts: readonly string[]): readonly BoundRole[] {
  return texts.flatMap((text) => {
    const role = placedRoleOf(text);
    return role ? [{ ...role, rules: roles.get(text)?.rules ?? [] }] : [];
  });
}

/** `{{SessionName}}` turns `@` into `-`, also that of another person's name; `{{SessionNameRaw}}` does not. */
function collisionWarnings(names: SignInNames, username: string, principal: string): string[] {
  const session = sessionNameIn(principal);
  const warnings: string[] = [];
  const name = names.of(principal);
  const isRaw = name.type === "name" && name.other.includes(impossibleSession);
  if (session && /[@-]/.test(session) && !isRaw) {
    warnings.push(`${sharedUsername(username)} Use {{SessionNameRaw}} in the entry of ${entryArnOf(principal)}.`);
  }
  if (session && !isIdentityCenterRole(principal)) {
    warnings.push(`Trusted session name: by pinnedSessions, ${session} is one person.`);
  }
  return warnings;
}
