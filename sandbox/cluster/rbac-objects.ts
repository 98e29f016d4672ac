import { type BindingContent, bindingOf, clusterRoleBindingKind, roleBindingKind } from "./bindings.ts";
import { withDefaultRbac } from "./default-roles.ts";
import { ObjectStore, type ResourceVersions } from "./object-store.ts";
import { type Binding, bindingObject, namespacesOf, type Rbac } from "./rbac.ts";
import { isStatus } from "./status.ts";

const systemNamespaces = ["default", "kube-node-lease", "kube-public", "kube-system"];

/** The roles, bindings and namespaces of a cluster. Bindings are objects that anybody with the right to it writes. */
export class RbacObjects {
  readonly bindings: Readonly<Record<string, ObjectStore<BindingContent>>>;
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
    this.#namespaces = [...systemNamespaces, ...namespaces];
    this.#add(withDefaultRbac().bindings);
    this.setOwn(own);
  }

  /** What the authorizer decides by, as it is now. */
  rbac(): Rbac {
    const bindings = Object.values(this.bindings).flatMap((store) => store.list().map(bindingOf));
    return { roles: withDefaultRbac(this.#own).roles, bindings };
  }

  namespaces(): string[] {
    return [...new Set([...this.#namespaces, ...namespacesOf(this.#own)])];
  }

  /** Replaces the earlier additions to the default roles and bindings. */
  setOwn(own: Partial<Rbac>): void {
    for (const binding of this.#own.bindings ?? []) this.#storeOf(binding)?.remove(binding);
    this.#own = own;
    this.#add(own.bindings ?? []);
  }

  #add(bindings: readonly Binding[]): void {
    for (const binding of bindings) {
      const { metadata, ...content } = bindingObject(binding);
      const written = this.#storeOf(binding)?.replace(
        metadata,
        { ...content, metadata },
        { manager: "sandbox", dryRun: false },
      );
      if (written && isStatus(written)) throw new Error(written.message);
    }
  }

  #storeOf({ namespace }: Binding): ObjectStore<BindingContent> | undefined {
    return this.bindings[namespace === undefined ? "clusterrolebindings" : "rolebindings"];
  }
}
