import { afterAll, afterEach, beforeAll, vi } from "vitest";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import type { SandboxOptions } from "../../sandbox/scene-clusters.ts";
import type { Cluster } from "../../src/access/policy/cluster.ts";
import type { ClusterClient } from "../../src/kubernetes/cluster-client.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { WorkerContext } from "../../src/worker/context.ts";
import { openCluster } from "../../src/worker/open-cluster.ts";
import { keys } from "../builders/keys.ts";
import { sceneConfig } from "../fault/reconcile-scene.ts";
import { silentContext } from "../fault/silent-context.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";

/** A worker's jobs in this process, against an AWS account and a cluster over real HTTP. */
export interface WorkerSide {
  readonly sandbox: Sandbox;
  readonly cluster: Cluster;
  /** A context with this ledger, or with an empty one. */
  readonly context: (ledger?: Ledger) => WorkerContext;
  /** Lets a person whom the cluster lets do everything use it. Each opening is four calls: the file's tests share it. */
  readonly asCreator: <T>(cluster: Cluster, use: (client: ClusterClient) => Promise<T>) => Promise<T>;
}

/**
 * Starts it before the file's tests; the SDK finds the account by its own settings of the environment. After each test the clusters
 * are put back in one step, without a call, and planned faults are forgotten: accounts and their rights stay as they are.
 */
export function useWorkerSide(options: SandboxOptions = {}): () => WorkerSide {
  let side: WorkerSide | undefined;
  let putBack = () => {};
  const opened = new Map<string, ReturnType<typeof openCluster>>();
  beforeAll(async () => {
    const sandbox = await startSandbox(options);
    for (const [name, value] of Object.entries(sandbox.environmentOf("worker", { redisUrl: "" }))) {
      if (name.startsWith("AWS_")) vi.stubEnv(name, value);
    }
    const { config, cluster } = sceneConfig();
    const context = (ledger = memoryLedger()) => ({
      ...silentContext(ledger),
      config,
      keys,
      now: () => new Date(),
    });
    const asCreator: WorkerSide["asCreator"] = async (of, use) => {
      const opening = opened.get(of.name) ?? openCluster(context(), of, []);
      opened.set(of.name, opening);
      return use((await opening).client);
    };
    const back = sandbox.keep();
    putBack = () => {
      sandbox.faults.clear();
      back();
    };
    side = { sandbox, cluster, context, asCreator };
  });
  afterEach(() => putBack());
  afterAll(async () => {
    vi.unstubAllEnvs();
    for (const opening of opened.values()) (await opening).close();
    await side?.sandbox.stop();
  });
  return () => {
    if (!side) throw new Error("the worker's side is there only while the tests run");
    return side;
  };
}
