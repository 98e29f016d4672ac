import { expect, test } from "vitest";
import { arns } from "../../sandbox/scene.ts";
import { explainFailure } from "../../src/access/access-error.ts";
import type { Cluster } from "../../src/access/policy/cluster.ts";
import { openCluster } from "../../src/worker/open-cluster.ts";
import { at } from "../builders/times.ts";
import { memoryLedger } from "../ledger/memory-ledger.ts";
import { useWorkerSide } from "./worker-side.ts";

const side = useWorkerSide();
const unauthorized = {
  type: "answer",
  status: 401,
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ kind: "Status", reason: "Unauthorized", message: "Unauthorized" }),
} as const;

/** Reads aws-auth as the creator or the operator: what went wrong, as people read it. */
async function read(change: Partial<Cluster> = {}, ledger = memoryLedger()): Promise<string> {
  const open = await openCluster(side().context(ledger), { ...side().cluster, ...change }, []);
  try {
    await open.client.readAwsAuth();
    return "";
  } catch (error) {
    return explainFailure(error);
  } finally {
    open.close();
  }
}

test("a 401 means a creator that never got in, or a failing authenticator", async () => {
  side().sandbox.faults.plan("kubernetes.get-configmap", unauthorized);

  const told = await read();

  expect(told).toContain("The API server answered 401 to GET configmap aws-auth of cluster staging");
  expect(told).toContain("Check creator with /eks-access creator.");
  expect(told).toContain("If it is right, the authenticator may be down");
});

test("a 401 is explained by what another process saw of the same creator at the same API server, and by nothing else", async () => {
  const ledger = memoryLedger();
  const elsewhere = await read({}, memoryLedger());
  const { endpoint } = side().sandbox.cluster;
  side().sandbox.faults.plan("kubernetes.get-configmap", unauthorized, { times: 2 });

  await ledger.rememberAccepted(`${endpoint} arn:aws:iam::111122223333:role/other`, at(1));
  await ledger.rememberAccepted(`https://elsewhere.example ${arns.creator}`, at(1));
  const unknown = await read({}, ledger);
  await ledger.rememberAccepted(`${endpoint} ${arns.creator}`, at(2));
  const known = await read({}, ledger);
  const whole = await read({}, ledger);

  expect(elsewhere).toBe("");
  expect(unknown).toContain("Check creator");
  expect(known).toContain(`answered 401 to ${arns.creator}, but accepted it at ${at(2).toISOString()}`);
  expect(whole).toBe("");
  expect((await ledger.lastAcceptedAt(`${endpoint} ${arns.creator}`))?.getTime()).toBeGreaterThan(at(2).getTime());
});

test("a 401 right after the same creator got in is not reported as a wrong creator", async () => {
  const ledger = memoryLedger();
  expect(await read({}, ledger)).toBe("");
  side().sandbox.faults.plan("kubernetes.get-configmap", unauthorized);

  const told = await read({}, ledger);

  expect(told).toMatch(
    new RegExp(`^The API server of cluster staging answered 401 to ${arns.creator}, but accepted it at \\d{4}-`),
  );
  expect(told).toContain("authenticator may be down");
  expect(told).not.toContain("Check creator");
});

/** A role of the account that trusts the worker, and that the cluster does not know. */
function aRole(name: string): Cluster["operator"] {
  const { account } = side().sandbox.aws;
  account.addRole({ name, allow: ["eks:DescribeCluster"], trust: { principals: [arns.worker] } });
  return { type: "role", roleArn: arns.creator.replace("cluster-creator", name), through: [] };
}

test("an operator that is not in the cluster yet needs a bootstrap, and the creator is not blamed", async () => {
  const ledger = memoryLedger();
  const operator = aRole("operator");
  const told = await read({ operator }, ledger);
  await ledger.rememberAccepted(`${side().sandbox.cluster.endpoint} ${operator?.roleArn}`, at(1));

  expect(await read({ operator }, ledger)).toContain("aws-auth may be broken (docs/rescue.md)");
  expect(told).toMatch(
    /^The API server of cluster staging answered 401 to arn:aws:iam::111122223333:role\/operator\. /,
  );
  expect(told).toContain("Run eks-access bootstrap staging --apply.");
  expect(told).not.toContain("creator");
});

test("a creator that EKS gave no rights in Kubernetes is reported, with the way by an access entry", async () => {
  const creator = aRole("terraform");
  const { aws, cluster } = side().sandbox;
  const quiet = { ...cluster, name: "quiet", region: side().cluster.region, creatorArn: creator?.roleArn ?? "" };
  aws.addCluster({ ...quiet, authenticationMode: "API", bootstrapClusterCreatorAdminPermissions: false });

  const told = await read({ name: "quiet", eksName: "quiet", ...(creator && { creator }) });

  expect(told).toContain("bootstrapClusterCreatorAdminPermissions: false");
  expect(told).toContain("Run eks-access bootstrap quiet --apply.");
});
