import { isObject } from "../json.ts";
import { clusterRoleBindingKind, nameProblems, roleBindingKind } from "./bindings.ts";
import { defaultRbac } from "./default-roles.ts";
import { type ObjectAddress, type ObjectKind, required } from "./object-kind.ts";
import { ObjectStore, type ResourceVersions } from "./object-store.ts";
import {
  type Binding,
  type BindingContent,
  bindingObject,
  namespacesOf,
  type PolicyRule,
  type Rbac,
  type Role,
  type RoleContent,
  rbacGroup,
  roleObject,
  type StoredRbac,
} from "./rbac.ts";
import { badRequest, type FieldProblem, isStatus } from "./status.ts";

const roleKind = kindOf("Role", "roles");
const clusterRoleKind = kindOf("ClusterRole", "clusterroles");

function kindOf(kind: "Role" | "ClusterRole", resource: string): ObjectKind<RoleContent> {
  const namespaced = kind === "Role";
  return {
    ...{ group: rbacGroup, apiVersion: `${rbacGroup}/v1`, kind, resource, namespaced, createsOnUpdate: true },
    decode: ({ rules }) => {
      const list = rules ?? [];
      if (!Array.isArray(list) || !list.every(isObject)) {
        return badRequest(`${kind} in version "v1" cannot be handled as a ${kind}: json: cannot unmarshal`);
      }
      return list.length > 0 ? { rules: list.map(readRule) } : {};
    },
    nameProblems,
    problems: ({ rules = [] }) => rules.flatMap((rule, index) => ruleProblems(rule, `rules[${index}]`)),
    updateProblems: () => [],
  };
}

const lists = ["apiGroups", "resources", "resourceNames", "nonResourceURLs"] as const;

function readRule(value: Record<string, unknown>): PolicyRule {
  const textsOf = (list: unknown) => (Array.isArray(list) ? list.map(String) : []);
  const named = lists.flatMap((name) => (textsOf(value[name]).length > 0 ? [[name, textsOf(value[name])]] : []));
  return { verbs: textsOf(value.verbs), ...Object.fromEntries(named) };
}

/** kubernetes, pkg/apis/rbac/validation, ValidatePolicyRule. */
function ruleProblems({ verbs, apiGroups, resources, nonResourceURLs }: PolicyRule, at: string): FieldProblem[] {
  const missing = (field: string, why: string): FieldProblem => ({
    ...{ field: `${at}.${field}`, reason: "FieldValueRequired", why: required(why) },
  });
  const ofResources = nonResourceURLs
    ? []
    : [
        ...(apiGroups ? [] : [missing("apiGroups", "resource rules must supply at least one api group")]),
        ...(resources ? [] : [missing("resources", "resource rules must supply at least one resource")]),
      ];
  return [...(verbs.length > 0 ? [] : [missing("verbs", "verbs must contain at least one value")]), ...ofResources];
}

const systemNamespaces = ["default", "kube-node-lease", "kube-public", "kube-system"];

export class RbacObjects {
  readonly bindings: Readonly<Record<string, ObjectStore<BindingContent>>>;
  readonly roles: Readonly<Record<string, ObjectStore<RoleContent>>>;
  #own: Partial<Rbac> = {};
  #namespaces: readonly string[];

  constructor(
    now: () => Date,
    versions: ResourceVersions,
    own: Partial<Rbac> = {},
    namespaces: readonly string[] = [],
  ) {
    this.bindings = {
      clusterrolebindings: new ObjectStore(clusterRoleBindingKind, now, versions),
      rolebindings: new ObjectStore(roleBindingKind, now, versions),
    };
    this.roles = {
      clusterroles: new ObjectStore(clusterRoleKind, now, versions),
      roles: new ObjectStore(roleKind, now, versions),
    };
    this.#namespaces = [...systemNamespaces, ...namespaces];
    this.#add(defaultRbac);
    this.setOwn(own);
  }

  rbac(): StoredRbac {
    return {
      roles: Object.values(this.roles).flatMap((store) => store.list()),
      bindings: Object.values(this.bindings).flatMap((store) => store.list()),
    };
  }

  namespaces(): string[] {
    return [...new Set([...this.#namespaces, ...namespacesOf(this.#own)])];
  }

  /** Replaces earlier additions. */
  setOwn(own: Partial<Rbac>): void {
    for (const binding of this.#own.bindings ?? []) this.#storeOf(binding)?.remove(binding);
    for (const role of this.#own.roles ?? []) this.#roleStoreOf(role)?.remove(role);
    this.#own = own;
    this.#add(own);
  }

  keep(): () => void {
    const own = this.#own;
    const stores = [...Object.values(this.bindings), ...Object.values(this.roles)].map((store) => store.keep());
    return () => {
      this.#own = own;
      for (const putBack of stores) putBack();
    };
  }

  #add({ roles = [], bindings = [] }: Partial<Rbac>): void {
    for (const role of roles) write(this.#roleStoreOf(role), roleObject(role));
    for (const binding of bindings) write(this.#storeOf(binding), bindingObject(binding));
  }

  #storeOf({ namespace }: Binding): ObjectStore<BindingContent> | undefined {
    return this.bindings[namespace === undefined ? "clusterrolebindings" : "rolebindings"];
  }

  #roleStoreOf({ namespace }: Role): ObjectStore<RoleContent> | undefined {
    return this.roles[namespace === undefined ? "clusterroles" : "roles"];
  }
}

function write<Content extends object>(
  store: ObjectStore<Content> | undefined,
  object: Content & { metadata: ObjectAddress },
): void {
  const written = store?.replace(object.metadata, object, { manager: "sandbox", dryRun: false });
  if (written && isStatus(written)) throw new Error(written.message);
}
