import { afterAll, afterEach, beforeAll } from "vitest";
import { channel, clusterName, initialAwsAuth } from "../../sandbox/scene.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { openOf } from "../fault/open-of.ts";
import { type Flow, type FlowOptions, startFlow } from "./start-flow.ts";

/**
 * The product's processes, shared by the tests of one `describe`: starting them takes longer than most of the tests. Each finds
 * no open request, the document as it was at first, and no message of the tests before.
 */
export function shareFlow(options: FlowOptions = {}): () => Flow {
  let flow: Flow;
  beforeAll(async () => {
    flow = await startFlow(options);
  });
  afterEach(() => clearScene(flow));
  afterAll(() => flow.stop());
  return () => flow;
}

/** Ends what is open, as people do, until the last message is shown. */
async function clearScene(flow: Flow): Promise<void> {
  const { sandbox, redisUrl } = flow;
  sandbox.faults.clear();
  await sandbox.cluster.admit(null);
  const { redis, close } = await connectRedis(redisUrl);
  try {
    const ledger = redisLedger(redis);
    for (const { id, requester, state } of await openOf(ledger, clusterName)) {
      const [who, line] = state === "pending" ? [requester, `cancel ${id}`] : ["U0APPROVER", `revoke ${id} enough`];
      await sandbox.slack.person(who).command(`/eks-access ${line}`, channel);
    }
    const isOver = async () => (await openOf(ledger, clusterName)).length + (await ledger.unshown(1)).length === 0;
    while (!(await isOver())) await new Promise((resolve) => setTimeout(resolve, 50));
  } finally {
    await close();
  }
  await sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: initialAwsAuth }));
  flow.forgetMessages();
}
