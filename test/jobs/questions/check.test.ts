import { afterEach, expect, test } from "vitest";
import { reportCheck } from "../../../src/jobs/questions/check.ts";
import { arns, externalId, initialAwsAuth } from "../../../src/sandbox/scene.ts";
import { useWorkerSide } from "../worker-side.ts";

const workerSide = useWorkerSide();

const write = (data: Readonly<Record<string, string>>) =>
  workerSide().sandbox.cluster.editAwsAuth((configMap) => ({ ...configMap, data: { ...data } }), "terraform");

function check() {
  const { cluster, context } = workerSide();
  return reportCheck(context(), cluster, "U0ONCALL");
}

afterEach(() => {
  workerSide().sandbox.aws.account.setTrust(arns.creator, { principals: [arns.worker], externalId });
});

test("the live document is checked, with who else wrote it", async () => {
  write({ ...initialAwsAuth, mapUsers: `- userarn: ${arns.engineer}\n  username: engineer\n  groups: readers\n` });

  const report = await check();

  expect(report).toMatchObject({ type: "checked", counts: { error: 1 }, entries: 3, isRead: true, immutable: false });
  expect(report).toMatchObject({
    writers: expect.arrayContaining([expect.objectContaining({ manager: "terraform" })]),
  });
});

test("a document that is not there is told as that", async () => {
  workerSide().sandbox.cluster.deleteAwsAuth();

  expect(await check()).toEqual({ type: "absent" });
});

test("what keeps the worker from looking is told in one sentence", async () => {
  workerSide().sandbox.aws.account.setTrust(arns.creator, { principals: [] });

  expect(await check()).toMatchObject({ type: "failed", message: expect.stringContaining("Check the trust policy") });
});
