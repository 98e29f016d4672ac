import {
  AssociateAccessPolicyCommand,
  CreateAccessEntryCommand,
  type CreateAccessEntryCommandInput,
} from "@aws-sdk/client-eks";
import type { AuthenticationMode } from "../../../sandbox/aws/eks-cluster.ts";
import { group } from "../../../sandbox/cluster/default-roles.ts";
import { clientsOf } from "../aws/clients.ts";
import { aClusterWithPeople, whoAmI } from "./clients.ts";
import type { StartCluster } from "./implementations.ts";

export const policyArn = (name: string) => `arn:aws:eks::aws:cluster-access-policy/${name}`;
export const clusterName = "main";

/** A cluster with people, in any mode, and what its administrators do through the API of EKS. Entries take effect at once. */
export async function aClusterWithEntries(start?: StartCluster) {
  const people = await aClusterWithPeople({ rbac: { bindings: [group("viewers", "view", "viewers")] } }, start);
  const admin = people.aws.account.addRole({ name: "admin", allow: ["eks:*"] }).arn;
  const { eks } = clientsOf(people.aws.url, people.aws.account.sessionFor(admin, "me"));
  const mode = (authenticationMode: AuthenticationMode) => people.aws.updateCluster(people.arn, { authenticationMode });
  const write = async (data: Record<string, string>) =>
    people.cluster.editAwsAuth((configMap) => ({ ...configMap, data }));
  const dev = () => people.as(people.dev);
  return {
    people,
    eks,
    mode,
    /** Puts the user dev into aws-auth. */
    map: (username: string) => write({ mapUsers: `- {userarn: "${people.dev}", username: ${username}}` }),
    /** An entry, for dev if not told otherwise. */
    give: (entry: Partial<CreateAccessEntryCommandInput> = {}) =>
      eks.send(new CreateAccessEntryCommand({ clusterName, principalArn: people.dev, ...entry })),
    /** A policy for the entry of dev, in the whole cluster if no namespace is named. */
    associate: (name: string, ...namespaces: string[]) => {
      const inNamespaces = { type: "namespace" as const, namespaces };
      const accessScope = namespaces.length > 0 ? inNamespaces : { type: "cluster" as const };
      const association = { clusterName, principalArn: people.dev, policyArn: policyArn(name), accessScope };
      return eks.send(new AssociateAccessPolicyCommand(association));
    },
    dev,
    whoIsDev: async () => whoAmI(await dev()),
    /** No one but the creator has an entry or is in the document. */
    reset: async () => {
      people.aws.eks.entryDelayMs = 0;
      people.aws.updateCluster(people.arn, { authenticationMode: "CONFIG_MAP", accessEntries: [] });
      mode("API_AND_CONFIG_MAP");
      await write({});
    },
  };
}

export type ClusterWithEntries = Awaited<ReturnType<typeof aClusterWithEntries>>;
