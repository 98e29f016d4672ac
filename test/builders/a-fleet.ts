import type { FleetCluster } from "../../src/access/policy/fleet-list.ts";
import { at } from "./times.ts";

/** `payments` in production, seen first and last at the start of the story. */
export function aFleetCluster(change: Partial<FleetCluster> = {}): FleetCluster {
  const now = at(0).toISOString();
  const place = { account: "111122223333", region: "eu-central-1", eksName: "payments" };
  return { ...place, tags: { env: "production" }, waiting: null, since: now, seenAt: now, goneSince: null, ...change };
}

/** A configuration whose clusters are those of a fleet, and two templates: production, and dev with one approval. */
export const fleetText = `
defaults:
  creator: { roleArn: "arn:aws:iam::{account}:role/cluster-creator" }
  channel: C0ACCESS
  approvers: [U0APPROVER, U0APPROVER2]
  levels: [viewer]
templates:
  production: { levels: [viewer, admin], ticket: required }
fleet:
  accounts: ["111122223333", "444455556666"]
  regions: [eu-central-1]
  roleArn: arn:aws:iam::{account}:role/eks-access-operator
  externalId: eks-access-fleet
  clusters: { eks-access: "yes" }
  templates:
    - { clusters: { env: production }, template: production }
levels:
  viewer: { groups: [eks-access:viewers], maxDuration: 8h }
  admin: { groups: [eks-access:admins], maxDuration: 1h }
policy:
  rules:
    - { name: dev, clusters: { env: dev }, approvals: 1 }
    - { name: all, approvals: 2 }
`;
