import { RbacAuthorizationV1Api, type RbacV1Subject } from "@kubernetes/client-node";
import type { Connection } from "./connection.ts";
import { kubernetesFailure } from "./explain-kubernetes-error.ts";

interface BindingList {
  items: readonly { subjects?: readonly RbacV1Subject[] }[];
  metadata?: { _continue?: string };
}

/** The groups that any RoleBinding or ClusterRoleBinding names: mapping somebody to another group gives nothing. */
export async function groupsWithBindings(connection: Connection, cluster: string): Promise<ReadonlySet<string>> {
  const rbac = new RbacAuthorizationV1Api(connection.configuration);
  const groups = new Set<string>();
  try {
    await collect(groups, (page) => rbac.listClusterRoleBinding(page));
    await collect(groups, (page) => rbac.listRoleBindingForAllNamespaces(page));
  } catch (error) {
    throw kubernetesFailure(error, `GET rolebindings of cluster ${cluster}`);
  }
  return groups;
}

type Page = { limit: number; _continue?: string };

async function collect(groups: Set<string>, list: (page: Page) => Promise<BindingList>): Promise<void> {
  let next: string | undefined;
  do {
    const { items, metadata } = await list({ limit: 500, ...(next ? { _continue: next } : {}) });
    for (const { kind, name } of items.flatMap((binding) => binding.subjects ?? [])) {
      if (kind === "Group") groups.add(name);
    }
    next = metadata?._continue;
  } while (next);
}
