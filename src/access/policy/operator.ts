/** The group of the operator in the cluster, which its bindings name: no level can give it. */
export const operatorGroup = "eks-access:operators";
