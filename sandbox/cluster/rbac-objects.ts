import { type BindingContent, bindingOf, clusterRoleBindingKind, roleBindingKind } from "./bindings.ts";
import { withDefaultRbac } from "./default-roles.ts";
import type { ObjectAddress } from "./object-kind.ts";
import { ObjectStore, type ResourceVersions } from "./object-store.ts";
import { type Binding, bindingObject, namespacesOf, type Rbac, type Role, roleObject } from "./rbac.ts";
import { clusterRoleKind, type RoleContent, roleKind, roleOfObject } from "./roles.ts";
import { isStatus } from "./status.ts";

const systemNamespaces = ["default", "kube-node-lease", "kube-public", "kube-system"];

/** The roles, bindings and namespaces of a cluster. */
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
    this.#add(withDefaultRbac());
    this.setOwn(own);
  }

  rbac(): Rbac {
    const bindings = Object.values(this.bindings).flatMap((store) => store.list().map(bindingOf));
    const roles = Object.values(this.roles).flatMap((store) => store.list().map(roleOfObject));
    return { roles, bindings };
  }

  namespaces(): string[] {
    return [...new Set([...this.#namespaces, ...namespacesOf(this.#own)])];
  }

  /** Replaces the earlier additions to the default roles and bindings. */
  setOwn(own: Partial<Rbac>): void {
    for (const binding of this.#own.bindings ?? []) this.#storeOf(binding)?.remove(binding);
    for (const role of this.#own.roles ?? []) this.#roleStoreOf(role)?.remove(role);
    this.#own = own;
    this.#add(own);
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
