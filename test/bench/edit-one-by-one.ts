/**
 * The reference for many approvals at once: for each lease GET, edit, PUT, and again on a conflict, as the existing
 * tools for aws-auth do, so many at a time. A process of its own; it prints what it did as JSON.
 */
import { setTimeout as wait } from "node:timers/promises";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { AccessError } from "../../src/access/access-error.ts";
import { type ClusterClient, connectCluster } from "../../src/kubernetes/cluster-client.ts";
import { inParallel } from "./in-parallel.ts";

const input = z.object({
  cluster: z.object({ name: z.string(), endpoint: z.string(), certificateAuthority: z.string(), token: z.string() }),
  principals: z.array(z.string()),
  atOnce: z.number(),
});

const { cluster, principals, atOnce } = input.parse(JSON.parse(process.env.BENCH_INPUT ?? ""));
const client = connectCluster(cluster);
const started = performance.now();
await inParallel(principals, atOnce, (arn) => addUser(client, arn));
const milliseconds = performance.now() - started;
client.close();
process.stdout.write(JSON.stringify({ milliseconds }));

async function addUser(api: ClusterClient, arn: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const configMap = await api.readAwsAuth();
    if (!configMap) throw new Error("there is no aws-auth");
    const users: unknown = parse(configMap.data.mapUsers ?? "") ?? [];
    const entry = { userarn: arn, username: arn.split("/").at(-1), groups: ["eks-access:viewers"] };
    const mapUsers = stringify([...z.array(z.unknown()).parse(users), entry]);
    try {
      const content = { data: { ...configMap.data, mapUsers }, annotations: configMap.annotations };
      await api.writeAwsAuth(configMap, content);
      return;
    } catch (error) {
      if (!(error instanceof AccessError && error.code === "cluster-conflict")) throw error;
      await wait(backoff(attempt));
    }
  }
}

/** Milliseconds, as keikoproj/aws-auth waits with `--retry`: 200 doubled each time, with jitter, at most 30 s. */
function backoff(attempt: number): number {
  const [min, max] = [200, 30_000];
  return min + Math.random() * (Math.min(min * 2 ** (attempt - 1), max) - min);
}
