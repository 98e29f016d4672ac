import { expect, test } from "vitest";
import { readNamespaceList } from "../../../src/access/shared-lists.ts";
import { reportNamespaces } from "../../../src/worker/questions/look-at-cluster.ts";
import { keys } from "../../builders/keys.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { useWorkerSide } from "../worker-side.ts";

const side = useWorkerSide();

test("a worker lists the namespaces of a cluster, seals them, and publishes them for a minute", async () => {
  const ledger = memoryLedger();
  const { cluster } = side();
  const asked = () => side().sandbox.aws.faults.calls("eks.DescribeCluster");
  const before = asked();

  const report = await reportNamespaces(side().context(ledger), cluster);
  const again = await reportNamespaces(side().context(ledger), cluster);

  const list = readNamespaceList(await ledger.namespacesOf(cluster.name), cluster, keys.preview, new Date());
  expect(list?.names).toEqual(expect.arrayContaining(["default", "kube-system"]));
  expect(report).toEqual({ type: "found", list });
  expect(again).toEqual(report);
  expect(asked() - before).toBe(1);
});

test("a cluster that can't be reached publishes nothing", async () => {
  const ledger = memoryLedger();

  const report = await reportNamespaces(side().context(ledger), { ...side().cluster, region: "eu-west-1" });

  expect(report).toMatchObject({ type: "failed" });
  expect(await ledger.namespacesOf(side().cluster.name)).toBeNull();
});
