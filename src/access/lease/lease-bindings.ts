/** A RoleBinding, or (namespace null) a ClusterRoleBinding, as the cluster has it. */
export interface ClusterBinding {
  readonly name: string;
  readonly namespace: string | null;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly role: RoleRef;
  readonly subjects: readonly BindingSubject[];
  /** ISO 8601: deletion began, but finalizers keep the binding, and it still gives its rights; null: not deleted. */
  readonly deletedAt: string | null;
}

/** The role of a binding. A Role is in the binding's namespace. */
export interface RoleRef {
  readonly kind: "Role" | "ClusterRole";
  readonly name: string;
}

/** A User, a Group or a ServiceAccount, which alone has a namespace. */
export interface BindingSubject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** A binding of a role to one user, before its creation. */
export interface NewBinding extends Pick<ClusterBinding, "name" | "namespace" | "labels" | "annotations" | "role"> {
  /** The username that the cluster's authenticator gives. */
  readonly user: string;
}

/** The labels of each lease's bindings: one selector finds them all (Kubernetes docs, "Recommended Labels"). */
export const leaseLabels: Readonly<Record<string, string>> = { "app.kubernetes.io/managed-by": "eks-access" };
