import { expect, test } from "vitest";
import { arns } from "../../sandbox/scene.ts";
import { explainFailure } from "../../src/access/access-error.ts";
import { openCluster } from "../../src/worker/open-cluster.ts";
import { at } from "../builders/times.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import { useWorkerSide } from "./worker-side.ts";

const side = useWorkerSide();
const ledger = memoryLedger();
const unauthorized = {
  type: "answer",
  status: 401,
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ kind: "Status", reason: "Unauthorized", message: "Unauthorized" }),
} as const;

/** Reads aws-auth as the creator: where, and what went wrong, as people read it. */
async function read(): Promise<{ readonly endpoint: string; readonly told: string }> {
  const { client, description, close } = await openCluster(side().context(ledger), side().cluster, []);
  const { endpoint } = description;
  try {
    await client.readAwsAuth();
    return { endpoint, told: "" };
  } catch (error) {
    return { endpoint, told: explainFailure(error) };
  } finally {
    close();
  }
}

test("a 401 is explained by what another process saw of the same creator at the same API server, and by nothing else", async () => {
  side().sandbox.faults.plan("kubernetes.get-configmap", unauthorized, { times: 2 });

  const { endpoint, told: unknown } = await read();
  await ledger.rememberAccepted(`${endpoint} arn:aws:iam::111122223333:role/other`, at(1));
  await ledger.rememberAccepted(`https://elsewhere.example ${arns.creator}`, at(1));
  await ledger.rememberAccepted(`${endpoint} ${arns.creator}`, at(2));
  const { told: known } = await read();
  const { told: whole } = await read();

  expect(unknown).toContain("Check that creator");
  expect(known).toContain(`answered 401 to ${arns.creator}, but accepted it at ${at(2).toISOString()}`);
  expect(whole).toBe("");
  expect((await ledger.lastAcceptedAt(`${endpoint} ${arns.creator}`))?.getTime()).toBeGreaterThan(at(2).getTime());
});
