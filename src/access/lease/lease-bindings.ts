/** A RoleBinding, or (namespace null) a ClusterRoleBinding, as the cluster has it. */
export interface ClusterBinding {
  readonly name: string;
  readonly namespace: string | null;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly role: RoleRef;
  readonly subjects: readonly BindingSubject[];
  /** ISO 8601; deleted, but finalizers keep it, and it still gives its rights; null: not deleted. */
  readonly deletedAt: string | null;
}

/** The role that a binding gives. A Role is in the namespace of the binding. */
export interface RoleRef {
  readonly kind: "Role" | "ClusterRole";
  readonly name: string;
}

/** Who gets it: a User, a Group or a ServiceAccount, which alone has a namespace. */
export interface BindingSubject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** A binding of a role to one user, to be created. */
export interface NewBinding extends Pick<ClusterBinding, "name" | "namespace" | "labels" | "annotations" | "role"> {
  /** As the cluster's authenticator names them. */
  readonly user: string;
}

/** Each binding of a lease has these labels, so that one selector finds them all (Kubernetes docs, "Recommended Labels"). */
export const leaseLabels: Readonly<Record<string, string>> = { "app.kubernetes.io/managed-by": "eks-access" };
