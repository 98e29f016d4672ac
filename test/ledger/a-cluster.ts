import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import { freePort } from "../../sandbox/product-process.ts";
import { asAdministrator } from "./a-ledger-on.ts";
import { type AServer, aServer } from "./a-server.ts";

export interface ClusterNode {
  readonly server: AServer;
  readonly busPort: number;
  /** The last of its slots. */
  readonly lastSlot: number;
}

/** A Redis Cluster of three nodes. */
export interface ACluster<Node extends ClusterNode = ClusterNode> {
  readonly nodes: readonly Node[];
  /** The node that has the ledger's keys. */
  readonly nodeOfOurKeys: () => Promise<Node>;
  readonly stop: () => Promise<void>;
}

const slots = [
  [0, 5_460],
  [5_461, 10_922],
  [10_923, 16_383],
] as const;

/** Starts three nodes with these lines of redis.conf, and lets them find each other. @param start one of them; usual: without TLS */
export async function aCluster<Started extends { readonly server: AServer }>(
  start: (lines: readonly string[]) => Promise<Started>,
): Promise<ACluster<ClusterNode & Started>> {
  const nodes = await Promise.all(
    slots.map(async ([, lastSlot]) => {
      const busPort = await freePort();
      const lines = ["cluster-enabled yes", `cluster-port ${busPort}`, "cluster-announce-ip 127.0.0.1"];
      return { ...(await start(lines)), busPort, lastSlot };
    }),
  );
  const onEach = (act: (redis: Redis, index: number) => Promise<void>) =>
    Promise.all(nodes.map(({ server }, index) => asAdministrator(server.url, (redis) => act(redis, index))));
  await onEach(claim);
  await onEach((redis, index) => meet(redis, nodes.slice(0, index)));
  await onEach(untilWhole);
  const nodeOfOurKeys = async () => {
    const [first] = nodes;
    if (!first) throw new Error("a cluster has nodes");
    const slot = await asAdministrator(first.server.url, (redis) => redis.cluster("KEYSLOT", "{eks-access}"));
    return nodes.find(({ lastSlot }) => slot <= lastSlot) ?? first;
  };
  return { nodes, nodeOfOurKeys, stop: async () => void (await Promise.all(nodes.map(({ server }) => server.stop()))) };
}

export const withoutTls = async (lines: readonly string[]) => ({ server: await aServer(lines) });

/** Before any node meets another: afterwards it takes no epoch. */
async function claim(redis: Redis, index: number): Promise<void> {
  const [from = 0, to = 0] = slots[index] ?? [];
  // Two nodes with one epoch would have to settle first who may speak for its slots.
  await redis.cluster("SET-CONFIG-EPOCH", index + 1);
  await redis.cluster("ADDSLOTSRANGE", from, to);
}

async function meet(redis: Redis, others: readonly ClusterNode[]): Promise<void> {
  for (const { server, busPort } of others) {
    await redis.call("CLUSTER", "MEET", "127.0.0.1", server.port, busPort);
  }
}

async function untilWhole(redis: Redis): Promise<void> {
  while (!(await redis.cluster("INFO")).startsWith("cluster_state:ok")) await pause(20);
}
