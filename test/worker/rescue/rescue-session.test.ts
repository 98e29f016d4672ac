import { expect, test } from "vitest";
import { arns } from "../../../sandbox/scene.ts";
import { callerIdentity } from "../../../src/aws/sts.ts";
import { openEks } from "../../../src/worker/open-eks.ts";
import { leasedCandidate } from "../../../src/worker/rescue/rescue-session.ts";
import { useWorkerSide } from "../worker-side.ts";

const side = useWorkerSide();

test("who signs in for a rescue can do nothing in AWS, whatever its role may", async () => {
  const { cluster, sandbox } = side();
  const { arn } = sandbox.aws.account.addRole({ name: "rescuer", allow: ["*"], trust: { principals: [arns.worker] } });

  const session = await leasedCandidate(cluster, arn, { id: "r-one", requester: "ops" }).credentials();

  expect((await callerIdentity(session, cluster.region)).arn).toContain(":assumed-role/rescuer/eks-access-ops-r-one");
  await expect(openEks(session, cluster)).rejects.toMatchObject({ code: "aws-access-denied" });
});
