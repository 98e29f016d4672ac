import type { SandboxAnswer } from "../http-server.ts";
import { type Stored, timestamp } from "./object-kind.ts";
import { failure, type Status, statusAnswer } from "./status.ts";

export interface User {
  username: string;
  uid?: string;
  groups: readonly string[];
  extra?: Readonly<Record<string, readonly string[]>>;
}

export const rbacGroup = "rbac.authorization.k8s.io";

export interface PolicyRule {
  verbs: readonly string[];
  apiGroups?: readonly string[];
  resources?: readonly string[];
  resourceNames?: readonly string[];
  nonResourceURLs?: readonly string[];
}

export interface RoleRef {
  apiGroup: string;
  kind: string;
  name: string;
}

export interface Subject {
  kind: string;
  apiGroup?: string;
  name: string;
  namespace?: string;
}

/** Without aggregation. */
export type RoleContent = { rules?: readonly PolicyRule[] };

export type BindingContent = { roleRef: RoleRef; subjects?: readonly Subject[] };

/** The objects that decide. A role or binding with a namespace is a Role or RoleBinding. */
export interface StoredRbac {
  roles: readonly Stored<RoleContent>[];
  /** Cluster-wide ones first, as a real API server looks at them: its reason names the first. */
  bindings: readonly Stored<BindingContent>[];
}

/** A Role if it has a namespace, otherwise a ClusterRole. */
export interface Role {
  name: string;
  namespace?: string;
  rules: readonly PolicyRule[];
}

/** A RoleBinding if it has a namespace, otherwise a ClusterRoleBinding. */
export interface Binding {
  name: string;
  namespace?: string;
  role: { kind: "Role" | "ClusterRole"; name: string };
  subjects: readonly Subject[];
}

export interface Rbac {
  roles: readonly Role[];
  bindings: readonly Binding[];
}

export type Attributes = ResourceAttributes | { verb: string; path: string };

export interface ResourceAttributes {
  verb: string;
  group: string;
  resource: string;
  subresource?: string;
  namespace?: string;
  name?: string;
}

export interface Verdict {
  allowed: boolean;
  /** As SubjectAccessReview shows it; empty for system:masters and for a denial, as in a real cluster. */
  reason: string;
}

export type Authorize = (user: User, attributes: Attributes) => Verdict;

/** Decides by RBAC (kubernetes, plugin/pkg/auth/authorizer/rbac). system:masters may do everything. */
export function authorize(rbac: StoredRbac, user: Pick<User, "username" | "groups">, attributes: Attributes): Verdict {
  if (user.groups.includes("system:masters")) return { allowed: true, reason: "" };
  const namespace = "namespace" in attributes ? attributes.namespace : undefined;
  for (const binding of rbac.bindings) {
    const subject = subjectOf(binding, user, namespace);
    if (subject && rulesOf(rbac, binding).some((rule) => covers(rule, attributes))) {
      return { allowed: true, reason: reasonOf(binding, subject) };
    }
  }
  return { allowed: false, reason: "" };
}

/** The subject that is this user, if the binding applies. @param namespace undefined: all namespaces */
export function subjectOf(
  { metadata, subjects = [] }: Stored<BindingContent>,
  user: Pick<User, "username" | "groups">,
  namespace: string | undefined,
): Subject | undefined {
  if (metadata.namespace !== undefined && metadata.namespace !== namespace) return undefined;
  return subjects.find((subject) => isUser(subject, user, metadata.namespace));
}

/** @param namespace of the binding */
export function roleOf(rbac: StoredRbac, { kind, name }: RoleRef, namespace: string | undefined) {
  const home = kind === "Role" ? namespace : undefined;
  return rbac.roles.find(({ metadata }) => metadata.name === name && metadata.namespace === home);
}

export function rulesOf(rbac: StoredRbac, { roleRef, metadata }: Stored<BindingContent>): readonly PolicyRule[] {
  return roleOf(rbac, roleRef, metadata.namespace)?.rules ?? [];
}

function isUser(subject: Subject, user: Pick<User, "username" | "groups">, namespace: string | undefined): boolean {
  if (subject.kind === "User") return subject.name === user.username;
  if (subject.kind === "Group") return user.groups.includes(subject.name);
  return user.username === `system:serviceaccount:${subject.namespace ?? namespace}:${subject.name}`;
}

/** Whether a rule has the right (ruleCovers). A right to all names needs a rule without names. */
export function covers(rule: PolicyRule, attributes: Attributes): boolean {
  if (!has(rule.verbs, attributes.verb)) return false;
  if ("path" in attributes) {
    return (rule.nonResourceURLs ?? []).some((pattern) => matchesPath(pattern, attributes.path));
  }
  const { group, resource, subresource, name } = attributes;
  const wanted = subresource === undefined ? [resource] : [`${resource}/${subresource}`, `*/${subresource}`];
  const named = rule.resourceNames ?? [];
  return (
    has(rule.apiGroups ?? [], group) &&
    wanted.some((one) => has(rule.resources ?? [], one)) &&
    (named.length === 0 || (name !== undefined && named.includes(name)))
  );
}

function has(list: readonly string[], value: string): boolean {
  return list.includes("*") || list.includes(value);
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : pattern === path;
}

function reasonOf({ kind, metadata, roleRef }: Stored<BindingContent>, subject: Subject): string {
  const name = metadata.namespace === undefined ? metadata.name : `${metadata.name}/${metadata.namespace}`;
  return `RBAC: allowed by ${kind} "${name}" of ${roleRef.kind} "${roleRef.name}" to ${subject.kind} "${subject.name}"`;
}

export function roleObject({ name, namespace, rules }: Role) {
  return { metadata: metadataOf(name, namespace), rules };
}

export function bindingObject({ name, namespace, role, subjects }: Binding) {
  return {
    metadata: metadataOf(name, namespace),
    subjects: subjects.map((subject) =>
      subject.kind === "ServiceAccount" ? subject : { ...subject, apiGroup: rbacGroup },
    ),
    roleRef: { apiGroup: rbacGroup, ...role },
  };
}

export function namespacesOf({ roles = [], bindings = [] }: Partial<Rbac>): string[] {
  return [...new Set([...roles, ...bindings].flatMap(({ namespace }) => namespace ?? []))];
}

function metadataOf(name: string, namespace: string | undefined): { name: string; namespace?: string } {
  return namespace === undefined ? { name } : { name, namespace };
}

export const readVerbs = ["get", "list", "watch"];

export const writeVerbs = ["create", "delete", "deletecollection", "patch", "update"];

/** A rule about resources of one API group, separated by spaces. */
export function rule(group: string, resources: string, verbs: readonly string[]): PolicyRule {
  return { apiGroups: [group], resources: resources.split(" "), verbs };
}

export interface ReviewSpec {
  user?: string;
  extra?: Readonly<Record<string, readonly string[]>>;
  groups?: string[];
  resourceAttributes?: Partial<ResourceAttributes>;
  nonResourceAttributes?: { verb?: string; path?: string };
}

/** SelfSubjectReview: the caller's identity (Kubernetes docs, "API access to authentication information for a client"). */
export function selfSubjectReview(user: User, now: Date): SandboxAnswer {
  const metadata = { creationTimestamp: timestamp(now) };
  return created({
    kind: "SelfSubjectReview",
    apiVersion: "authentication.k8s.io/v1",
    metadata,
    status: { userInfo: user },
  });
}

/** SelfSubjectAccessReview and SubjectAccessReview. The latter knows only its own groups: nothing adds system:authenticated. */
export function accessReview(
  kind: "SelfSubjectAccessReview" | "SubjectAccessReview",
  authorize: Authorize,
  caller: User,
  body: Buffer,
): SandboxAnswer {
  const { spec = {} } = JSON.parse(body.toString("utf8")) as { spec?: ReviewSpec };
  const { user = "", groups = [], resourceAttributes, nonResourceAttributes } = spec;
  const problem = reviewProblem(kind, spec);
  if (problem) return statusAnswer(problem);
  const subject = kind === "SubjectAccessReview" ? { username: user, groups } : caller;
  const { allowed, reason } = authorize(subject, attributesOf(resourceAttributes, nonResourceAttributes));
  const status = reason === "" ? { allowed } : { allowed, reason };
  return created({ kind, apiVersion: "authorization.k8s.io/v1", metadata: {}, spec, status });
}

function reviewProblem(kind: string, spec: ReviewSpec): Status | undefined {
  const { user = "", groups = [], resourceAttributes, nonResourceAttributes } = spec;
  if ((resourceAttributes === undefined) === (nonResourceAttributes === undefined)) {
    const why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    return invalidReview("spec.resourceAttributes", `Invalid value: "null": ${why}`);
  }
  if (kind === "SelfSubjectAccessReview" || user !== "" || groups.length > 0) return undefined;
  return invalidReview("spec.user", 'Invalid value: "": at least one of user or group must be specified');
}

/** A real answer lacks the kind too (kubernetes, registry/authorization: `NewInvalid(Kind(""), …)`). */
function invalidReview(field: string, message: string): Status {
  return failure(422, "Invalid", `.authorization.k8s.io "" is invalid: ${field}: ${message}`, {
    group: "authorization.k8s.io",
    causes: [{ reason: "FieldValueInvalid", message, field }],
  });
}

export function attributesOf(
  resource: ReviewSpec["resourceAttributes"],
  path: ReviewSpec["nonResourceAttributes"],
): Attributes {
  if (!resource) return { verb: path?.verb ?? "", path: path?.path ?? "" };
  const { namespace, name, subresource } = resource;
  return {
    verb: resource.verb ?? "",
    group: resource.group ?? "",
    resource: resource.resource ?? "",
    // An empty namespace in a review means all of them, which only a cluster-wide binding gives.
    ...(namespace ? { namespace } : {}),
    ...(name ? { name } : {}),
    ...(subresource ? { subresource } : {}),
  };
}

function created(body: object): SandboxAnswer {
  return { status: 201, body: JSON.stringify(body) };
}
