import { type Cluster, partitionOf } from "../access/policy/cluster.ts";
import { creatorArnOf, isSameCreator } from "../access/policy/creator.ts";
import { roleArn } from "../config/forms.ts";
import { planBootstrap } from "../worker/bootstrap.ts";
import { isProved, type OperatedCluster, type OperatorProof } from "../worker/operator.ts";
import { flag, text } from "./option-kinds.ts";
import { type CommandIo, cliCommand, needs, readOneCluster, unusable } from "./process-io.ts";
import { clusterNamed, readCommandSettings, withWorkerContext } from "./settings.ts";

const bootstrapUsage = `Usage: eks-access bootstrap CLUSTER [--role ARN [--external-id ID]] [--apply]

The operator gets exactly the rights that a run needs. Without --apply it shows what it would do. It deletes only an
access entry of an earlier role of this name, which lets no one in. Run it in the worker's environment: first, and again
after you changed levels or the authentication mode.

  --role ARN        the operator, with its path, if eks-access.yml does not name it yet
  --external-id ID  the external id of its trust policy
  --apply           do it, and prove each right; Ctrl-C waits for that, and a second one needs another run

Example: eks-access bootstrap staging --apply
Exit code: 0 planned or proved, 1 a right is missing or too many, 2 unusable input.
`;

function readBootstrapOptions(argv: readonly string[]) {
  const known = { role: text, "external-id": text, apply: flag };
  const { cluster, role = null, "external-id": externalId = null, apply } = readOneCluster(argv, known);
  if (externalId !== null && role === null) needs("--role with --external-id");
  return { cluster, role, externalId, apply };
}

export const runBootstrap = cliCommand("bootstrap", bootstrapUsage, async (argv, io) => {
  const options = readBootstrapOptions(argv);
  const settings = await readCommandSettings("worker");
  const cluster = clusterNamed(settings.config, options.cluster);
  const operated = withOperator(cluster, options);
  return withWorkerContext(settings, async (context) => {
    const plan = await planBootstrap(context, operated);
    for (const step of plan.steps) io.stdout(`${step}\n`);
    if (plan.diff !== "") io.stdout(`\n${plan.diff}`);
    if (plan.steps.length > 0 && !options.apply) {
      io.stdout("\nWrote nothing yet. Run it again with --apply.\n");
      return 0;
    }
    if (plan.steps.length === 0) io.stdout("Nothing to do.\n");
    return printProof(await toItsEnd(plan.apply, io), operated, cluster.operator === undefined, io);
  });
});

/** In between, the operator is an administrator: only a second signal ends the process there. */
async function toItsEnd<T>(apply: () => Promise<T>, io: CommandIo): Promise<T> {
  const say = () => io.stderr("\nFinishing it first.\n");
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.once(signal, say);
  try {
    return await apply();
  } finally {
    for (const signal of signals) process.off(signal, say);
  }
}

/** The cluster with its operator. The forms are those of eks-access.yml. */
function withOperator(
  cluster: Cluster,
  { role, externalId }: ReturnType<typeof readBootstrapOptions>,
): OperatedCluster {
  const { operator, name, account } = cluster;
  if (role === null) {
    return operator ? { ...cluster, operator } : unusable(`${name} has no operator. Name one with --role.`);
  }
  if (operator) unusable(`eks-access.yml names the operator of ${name}: ${operator.roleArn}. Remove --role.`);
  const [, partition, , , of] = role.split(":");
  if (!roleArn.safeParse(role).success) unusable(`${role} is not the ARN of a role.`);
  if (of !== account) unusable(`${role} is not in ${account}, where ${name} is.`);
  if (partition !== partitionOf(cluster)) {
    unusable(`${role} is not in ${partitionOf(cluster)}, where ${name} is.`);
  }
  if (isSameCreator(role, creatorArnOf(cluster.creator))) {
    unusable(`${role} is the creator of ${name}. Name another role.`);
  }
  return { ...cluster, operator: { type: "role", roleArn: role, through: [], ...(externalId && { externalId }) } };
}

function printProof(proof: OperatorProof, { name, operator }: OperatedCluster, isNew: boolean, io: CommandIo): number {
  for (const act of proof.missing) io.stdout(`✗ It can't ${act}, which a run needs.\n`);
  for (const act of proof.excess) io.stdout(`✗ It can ${act}, which it must not. Find its binding.\n`);
  if (!isProved(proof)) {
    io.stdout(`\n${operator.roleArn} is not the operator of ${name} yet. Fix each ✗, then run it again.\n`);
    return 1;
  }
  io.stdout(`Proved by the API server: ${operator.roleArn}\n`);
  for (const act of proof.needed) io.stdout(`  ✓ can ${act}\n`);
  for (const act of proof.forbidden) io.stdout(`  ✓ can't ${act}\n`);
  const { roleArn, externalId } = operator;
  const setting = `{ roleArn: "${roleArn}"${externalId === undefined ? "" : `, externalId: "${externalId}"`} }`;
  if (isNew) io.stdout(`\nWrite into eks-access.yml:\n\nclusters:\n  ${name}:\n    operator: ${setting}\n`);
  return 0;
}
