/** The group that the API server lets do everything, whatever RBAC says. */
export const MASTERS = "system:masters";

/** The group of all nodes. */
export const NODES = "system:nodes";

/** Whether an entry is how nodes sign in. Nodes of every kind do so under this name: EC2, Fargate, Windows. */
export function isNode(entry: { readonly username: string }): boolean {
  return entry.username.startsWith("system:node:");
}
