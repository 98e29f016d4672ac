import { groupsBy } from "../collections.ts";
import { matchesArnPattern } from "./cluster.ts";
import { accessPolicies, isFullControl, type PlacedRole, policyTexts, roleText } from "./policy-text.ts";
import { canBeNamed, describeNamespaces, isEverything, isInItsGroup, type RoleRule, rulesIn } from "./rights.ts";

// What makes a person more than they seem: one sentence for an approver each.

/** A role as a binding gives it to a person, or to a group of theirs. */
export type BoundRole = PlacedRole & { readonly rules: readonly RoleRule[] };

/** A sentence for each role, not for each namespace, the gravest first: a requester who chooses many namespaces hides none. */
export function dangerWarnings(bound: readonly BoundRole[], readsAwsAuth: boolean): string[] {
  const controls: Danger[] = [];
  const dangerous: Danger[] = [];
  for (const { namespace, ...found } of bound) {
    const [text, role] = [roleText(found, namespace), `${found.kind} ${found.name}`];
    const rules = rulesIn(found.rules, [namespace]);
    const dangers = dangersOf(rules).join(", ");
    if (dangers !== "") dangerous.push({ text, role, dangers });
    if (namespace !== null && namespace !== system) continue;
    if (actsAsServiceAccounts(rules)) controls.push({ text, role, dangers: reaches });
    else if (readsAwsAuth && canChangeAwsAuth(rules)) controls.push({ text, role, dangers: "can change aws-auth" });
  }
  return [
    ...eachRole(controls).map(controlWarning),
    ...eachRole(dangerous).map(({ where, dangers }) => `Dangerous rights: ${where} lets a person ${dangers}.`),
  ];
}

function controlWarning({ where, dangers }: { readonly where: string; readonly dangers: string }): string {
  return `Control of the cluster: ${where} ${dangers}.`;
}

const system = "kube-system";
const reaches = "reaches the service accounts of kube-system";

type Danger = { readonly text: string; readonly role: string; readonly dangers: string };

function eachRole(found: readonly Danger[]): readonly { readonly where: string; readonly dangers: string }[] {
  return [...groupsBy(found, ({ role, dangers }) => `${role} ${dangers}`).values()].map(
    ([{ text, role, dangers }, ...others]) => {
      // In the whole cluster: that includes each namespace.
      if ([text, ...others.map((other) => other.text)].includes(role)) return { where: role, dangers };
      const more = others.length > 0 ? ` and ${others.length} more namespace${others.length > 1 ? "s" : ""}` : "";
      return { where: `${text}${more}`, dangers };
    },
  );
}

/** EKS lets no one read these; they run pods or read secrets, as the roles of their names do (EKS User Guide, "Review access policy permissions"). */
const reachingPolicies = ["ClusterAdmin", "Admin", "Edit", "AdminView", "SecretReader"].map(
  (name) => `AmazonEKS${name}Policy`,
);

/** The same for EKS access policies. Full control has a warning of its own. */
export function policyWarnings(groups: readonly string[]): string[] {
  return accessPolicies(groups).flatMap(({ name, namespaces }) => {
    const there = namespaces?.filter((pattern) => matchesArnPattern(pattern, system)) ?? [null];
    if (isFullControl(policyTexts({ name, namespaces })) || there.length === 0 || !reachingPolicies.includes(name))
      return [];
    return [controlWarning({ where: `${name} ${describeNamespaces(there)}`, dangers: reaches })];
  });
}

/** The answers to the last two have the objects, too. */
const reads = ["get", "list", "watch", "patch", "deletecollection"];

/** Commands in a pod reach its ports, too. */
const [commands, ports] = ["run commands in pods", "reach ports of pods"];

const dangers: readonly {
  readonly verbs: readonly string[];
  readonly resources: readonly string[];
  readonly says: string;
  /** It is about neither tokens nor pods that run as a service account. */
  readonly isOfAccounts?: false;
}[] = [
  { verbs: reads, resources: ["secrets"], says: "read secrets" },
  { verbs: ["create", "get"], resources: ["pods/exec", "pods/attach", "nodes/proxy"], says: commands },
  { verbs: ["update", "patch"], resources: ["pods/ephemeralcontainers"], says: commands },
  { verbs: ["create"], resources: ["serviceaccounts/token"], says: "sign in as service accounts" },
  { verbs: ["impersonate"], resources: ["users", "groups", "serviceaccounts"], says: "impersonate others" },
  {
    verbs: ["create", "update", "patch", "bind", "escalate"],
    resources: ["rolebindings", "clusterrolebindings", "roles", "clusterroles"],
    says: "give rights to themselves and others",
  },
  {
    verbs: ["create", "get", "update", "patch", "delete"],
    resources: ["pods/portforward", "pods/proxy", "services/proxy"],
    says: ports,
    isOfAccounts: false,
  },
  {
    verbs: ["create", "update", "patch"],
    resources: ["mutatingwebhookconfigurations", "validatingwebhookconfigurations", "mutatingadmissionpolicies"],
    says: "see and change what others write",
    isOfAccounts: false,
  },
  { verbs: ["approve"], resources: ["signers"], says: "approve certificates", isOfAccounts: false },
  { verbs: ["create"], resources: ["persistentvolumes"], says: "reach the nodes' disks", isOfAccounts: false },
];

/** The rules' rights that make a person more than they seem, as verbs with their objects. */
export function dangersOf(rules: readonly RoleRule[]): readonly string[] {
  if (rules.some(isEverything)) return ["do everything"];
  const said = new Set(dangersIn(rules).map(({ says }) => says));
  if (said.has(commands)) said.delete(ports);
  return [...said];
}

function dangersIn(rules: readonly RoleRule[]): typeof dangers {
  return dangers.filter(({ verbs, resources }) => rules.some((rule) => allows(rule, verbs, resources)));
}

function allows(rule: RoleRule, verbs: readonly string[], resources: readonly string[]): boolean {
  const given = verbs.filter((verb) => rule.verbs.includes("*") || rule.verbs.includes(verb));
  const isNamed = rule.resourceNames.length > 0;
  return resources.some((each) => gives(rule, each) && given.some((verb) => !isNamed || canBeNamed(verb, each)));
}

/** Whether a rule is about a resource: by name, `*`, or one subresource of every kind (kubernetes, ResourceMatches), in its API group. */
function gives(rule: RoleRule, resource: string): boolean {
  const at = resource.indexOf("/");
  const names = ["*", resource, ...(at < 0 ? [] : [`*${resource.slice(at)}`])];
  return isInItsGroup(rule, resource) && names.some((name) => rule.resources.includes(name));
}

const workloads = [
  ...["pods", "deployments", "daemonsets", "statefulsets", "replicasets", "replicationcontrollers"],
  ...["jobs", "cronjobs"],
];

/** By their tokens, or by pods that run as them (Kubernetes docs, "RBAC good practices"). */
export function actsAsServiceAccounts(rules: readonly RoleRule[]): boolean {
  return (
    dangersIn(rules).some(({ isOfAccounts = true }) => isOfAccounts) || rules.some((rule) => makes(rule, workloads))
  );
}

function makes(rule: RoleRule, resources: readonly string[]): boolean {
  return allows(rule, ["create", "update", "patch"], resources);
}

/** In `kube-system`: it makes anyone an administrator. */
function canChangeAwsAuth(rules: readonly RoleRule[]): boolean {
  const isAbout = ({ resourceNames }: RoleRule) => resourceNames.length === 0 || resourceNames.includes("aws-auth");
  return rules.some((rule) => isAbout(rule) && makes(rule, ["configmaps"]));
}
