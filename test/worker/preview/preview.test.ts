import { expect, test } from "vitest";
import { createRequest } from "../../../src/access/request.ts";
import { previewCluster } from "../../../src/worker/preview/preview.ts";
import { aChange } from "../../builders/an-event.ts";
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
