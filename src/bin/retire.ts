import { parseArgs } from "node:util";
import { explain } from "../access/failure/access-error.ts";
import { isUser } from "../access/policy/person.ts";
import type { WorkerContext } from "../worker/context.ts";
import { closeAllOf, isClusterGone } from "../worker/retire.ts";
import type { CommandIo } from "./process-io.ts";
import { readSettings, withWorkerContext } from "./settings.ts";

export const retireUsage = `Usage: eks-access retire CLUSTER --by SLACK-USER --why TEXT [--unseen]

Closes what is still open of a cluster that was deleted: nobody can look there any more. Run it in the worker's environment.
While the cluster is in eks-access.yml AWS is asked whether it is gone, and nothing is closed where it is not.

  --by ID     who you are in Slack; the audit log names you
  --why TEXT  what happened to the cluster
  --unseen    for one that is not in eks-access.yml any more: close it on your word, as the audit log says then

Exit code: 0 all is closed, 1 it is not gone or can't be asked, 2 unusable.
`;

interface Wish {
  readonly cluster: string;
  readonly by: string;
  readonly why: string;
  readonly unseen: boolean;
}

/** `eks-access retire CLUSTER`. @throws AccessError */
export async function retire(argv: readonly string[], io: CommandIo): Promise<number> {
  const wish = readWish(argv);
  if (typeof wish === "string") {
    io.stderr(`${wish}\n\n${retireUsage}`);
    return 2;
  }
  return withWorkerContext(await readSettings("worker"), "retire", async (context) => {
    const refusal = await refuse(context, wish);
    if (refusal) {
      io.stderr(`Nothing is closed. ${refusal}\n`);
      return 1;
    }
    const closing = { by: wish.by, why: wish.why, seen: context.config.clusters.has(wish.cluster) };
    const closed = await closeAllOf(context, wish.cluster, closing);
    io.stdout(`${wish.cluster}: ${closed.length} closed${closed.length > 0 ? ` (${closed.join(", ")})` : ""}\n`);
    return 0;
  });
}

/** Why nothing may be closed; null: it may. */
async function refuse(context: WorkerContext, { cluster: name, unseen }: Wish): Promise<string | null> {
  const cluster = context.config.clusters.get(name);
  if (!cluster) {
    return unseen
      ? null
      : `${name} is not in eks-access.yml, so AWS can't be asked whether it is gone: put it back to have it asked, or say --unseen.`;
  }
  try {
    return (await isClusterGone(context, cluster))
      ? null
      : `EKS still has ${name}: access there can be taken away. Revoke it, or wait for its end.`;
  } catch (error) {
    return `AWS did not say whether ${name} is gone. ${explain(error)} Where nobody can ask any more, take it out of eks-access.yml, and say --unseen.`;
  }
}

function readWish(argv: readonly string[]): Wish | string {
  const options = { by: { type: "string" }, why: { type: "string" }, unseen: { type: "boolean" } } as const;
  try {
    const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options });
    const [cluster, ...rest] = positionals;
    if (cluster === undefined || rest.length > 0) return "Name one cluster.";
    const { by = "", why = "", unseen = false } = values;
    if (!isUser(by)) return "Say --by, with your id in Slack (U…).";
    return why.trim() === "" ? "Say --why." : { cluster, by, why: why.trim(), unseen };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
