import { vi } from "vitest";
import type { SandboxAws } from "../sandbox/aws/account.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { account, arns, externalId } from "../sandbox/scene.ts";
import { runBootstrap } from "../src/bin/bootstrap.ts";
import { runCommand } from "./bin/check-run.ts";
import { patiently } from "./builders/times.ts";

/** A role of the account that trusts the worker and does nothing but this. */
export const operatorArn = `arn:aws:iam::${account}:role/eks-access-operator`;

const looks = ["DescribeCluster", "ListAccessEntries", "DescribeAccessEntry", "ListAssociatedAccessPolicies"];
/** Makes the operator's role, which can look at clusters, and gives the worker the AWS rights of a bootstrap. */
export function addOperator({ account: identities }: SandboxAws, made: { readonly createdAt?: Date } = {}): void {
  identities.addRole({
    ...{ name: "eks-access-operator", ...made },
    allow: [...looks.map((action) => `eks:${action}`), "iam:GetRole"],
    trust: { principals: [arns.worker], externalId },
  });
  const allowed = identities.identity(arns.worker)?.allow ?? [];
  identities.setAllowed(arns.worker, [...allowed, "eks:*"]);
}

/** A command in the worker's environment. */
export async function inWorkerOf(
  sandbox: Sandbox,
  redisUrl: string,
  command: Parameters<typeof runCommand>[0],
  ...argv: readonly string[]
) {
  const environment = sandbox.environmentOf("worker", { redisUrl });
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  try {
    return await patiently(() => runCommand(command, argv));
  } finally {
    vi.unstubAllEnvs();
  }
}

/** `eks-access bootstrap …`. */
export function bootstrapIn(sandbox: Sandbox, redisUrl: string, ...argv: readonly string[]) {
  return inWorkerOf(sandbox, redisUrl, runBootstrap, ...argv);
}

/** How often a session of the creator began in the sandbox so far. */
export function timesCreator({ cloudTrail }: SandboxAws): number {
  const assumed = cloudTrail.events.filter(({ name }) => name === "AssumeRole");
  return assumed.filter(({ record }) => JSON.stringify(record.requestParameters).includes(arns.creator)).length;
}
