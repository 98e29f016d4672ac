import { explainFailure } from "../access/access-error.ts";
import { readReason } from "../access/ask/read-part.ts";
import { isUser } from "../access/policy/rule.ts";
import { counted } from "../diagnosis/link.ts";
import type { WorkerContext } from "../worker/context.ts";
import { closeMigrationOfCluster, closeRequestsOfCluster, isClusterGone } from "../worker/retire.ts";
import { flag, text } from "./option-kinds.ts";
import { cliCommand, needs, readOneCluster, taken } from "./process-io.ts";
import { readCommandSettings, withWorkerContext } from "./settings.ts";

const retireUsage = `Usage: eks-access retire CLUSTER --by SLACK-USER --why TEXT [--unseen]

Run it in the worker's environment. If the cluster is in eks-access.yml, it asks AWS whether the cluster is gone, and
closes nothing if it still exists.

  --by SLACK-USER  your Slack user id, for the audit log
  --why TEXT       what happened to the cluster
  --unseen         the cluster is not in eks-access.yml: close without asking AWS; the audit log records that

Example: eks-access retire staging --by U0123456789 --why "replaced by staging-2"
Exit code: 0 all closed, 1 the cluster exists or AWS did not answer, 2 unusable input.
`;

export const retire = cliCommand("retire", retireUsage, async (argv, io) => {
  const options = readRetireOptions(argv);
  return withWorkerContext(await readCommandSettings("worker"), async (context) => {
    const refusal = await refuse(context, options);
    if (refusal) {
      io.stderr(`Closed nothing. ${refusal}\n`);
      return 1;
    }
    const { cluster, by, why } = options;
    const closing = { by, why, isConfirmedByAws: context.config.clusters.has(cluster) };
    const closed = await closeRequestsOfCluster(context, cluster, closing);
    const ids = closed.length > 0 ? ` (${closed.join(", ")})` : "";
    io.stdout(`${cluster}: closed ${counted(closed.length, "request")}${ids}\n`);
    const migration = await closeMigrationOfCluster(context, cluster, closing);
    if (migration) io.stdout(`${cluster}: closed ${migration}\n`);
    return 0;
  });
});

/** Why the cluster's requests can't be closed; null: they can. */
async function refuse(context: WorkerContext, { cluster: name, unseen }: ReturnType<typeof readRetireOptions>) {
  const cluster = context.config.clusters.get(name);
  if (!cluster) return unseen ? null : `${name} is not in eks-access.yml. Add it, or use --unseen.`;
  try {
    return (await isClusterGone(context, cluster)) ? null : `EKS still has ${name}. Revoke its leases, or wait.`;
  } catch (error) {
    return `Can't tell whether ${name} is gone. If AWS can't answer, remove it there and use --unseen. ${explainFailure(error)}`;
  }
}

function readRetireOptions(argv: readonly string[]) {
  const { cluster, by = "", why = "", unseen } = readOneCluster(argv, { by: text, why: text, unseen: flag });
  if (!isUser(by)) needs("your Slack user id (U…) with --by");
  if (!why) needs("what happened with --why");
  return { cluster, by, why: taken(readReason(why)), unseen };
}
