import { expect, test } from "vitest";
import { arns } from "../../../sandbox/scene.ts";
import { createRequest } from "../../../src/access/request.ts";
import { previewCluster } from "../../../src/worker/preview/preview.ts";
import { aChange } from "../../builders/an-event.ts";
import { ask } from "../reconcile/both-ways.ts";
import { useWorkerSide } from "../worker-side.ts";

const side = useWorkerSide();

test("a request is previewed at once, although the clock that dated it is three minutes ahead of the worker's", async () => {
  const context = side().context();
  const { cluster } = side();
  const wish = { id: "r-1", level: "viewer", principal: "arn:aws:iam::111122223333:user/engineer", groups: [] };
  const rest = {
    durationSeconds: 600,
    requester: "U0ENGINEER",
    cluster: cluster.name,
    reason: "a test",
    extends: null,
  };
  const dated = new Date(context.now().getTime() + 3 * 60_000);
  await context.ledger.commit(aChange(createRequest({ ...wish, ...rest }, dated, 3600)));

  await previewCluster(context, cluster);

  expect((await context.ledger.get("r-1"))?.version).toBe(2);
});

test("a request that needs a section in data that others keep in binaryData is refused before anyone approves", async () => {
  const { cluster, sandbox } = side();
  const context = side().context();
  const binaryData = { mapUsers: Buffer.from("[]").toString("base64") };
  await sandbox.cluster.editAwsAuth((map) => ({ ...map, binaryData }));

  const asked = await ask(context, cluster, { id: "r-user", principal: arns.engineer });
  const other = await ask(context, cluster, { id: "r-role", principal: arns.developers });

  const message = `aws-auth of ${cluster.name} has mapUsers in binaryData. Move its entries to mapUsers under data.`;
  expect(asked).toMatchObject({ state: "refused", refusal: { code: "cluster-refused-write", message } });
  expect(other).toMatchObject({ state: "pending", preview: { way: "aws-auth" } });
});
