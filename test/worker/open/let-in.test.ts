import { afterEach, expect, test } from "vitest";
import { arns } from "../../../sandbox/scene.ts";
import { explainFailure } from "../../../src/access/failure/access-error.ts";
import { openCluster } from "../../../src/worker/open/open-cluster.ts";
import { useWorkerSide } from "../worker-side.ts";

const side = useWorkerSide();
const unauthorized = {
  type: "answer",
  status: 401,
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ kind: "Status", reason: "Unauthorized", message: "Unauthorized" }),
} as const;

afterEach(() => side().sandbox.faults.clear());

/** Reads aws-auth as the creator: what went wrong, as people read it. */
async function read(): Promise<string> {
  const open = await openCluster(side().context(), side().cluster, []);
  try {
    await open.client.readAwsAuth();
    return "";
  } catch (error) {
    return explainFailure(error);
  } finally {
    open.close();
  }
}

test("a creator that was never let in is one reason for a 401, and the authenticator the other", async () => {
  side().sandbox.faults.plan("kubernetes.get-configmap", unauthorized);

  const told = await read();

  expect(told).toContain("The API server answered 401 to GET configmap aws-auth of cluster staging");
  expect(told).toContain("Check that creator in eks-access.yml really created the cluster.");
  expect(told).toContain("If so, the cluster's authenticator may be down");
});

test("a 401 right after the same creator got in is not told as a wrong creator", async () => {
  expect(await read()).toBe("");
  side().sandbox.faults.plan("kubernetes.get-configmap", unauthorized);

  const told = await read();

  expect(told).toMatch(
    new RegExp(`^The API server of cluster staging answered 401 to ${arns.creator}, but accepted it at \\d{4}-`),
  );
  expect(told).toContain("authenticator may be down");
  expect(told).not.toContain("Check that creator");
});
