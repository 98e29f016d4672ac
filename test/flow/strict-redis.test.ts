import { afterAll, beforeAll, expect, test } from "vitest";
import { arns, channel, clusterName } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import { aTlsCluster } from "../ledger/a-tls-server.ts";
import { moreClusterRights, refusalsOf, serverRights } from "../ledger/documented-rights.ts";
import { type Flow, startFlow } from "./start-flow.ts";

let redis: Awaited<ReturnType<typeof aTlsCluster>>;
let flow: Flow;

beforeAll(async () => {
  redis = await aTlsCluster([`user eks-access on >hunter2secret ${serverRights} ${moreClusterRights}`]);
  flow = await startFlow({
    redis: {
      url: redis.url,
      administratorUrl: redis.server.url,
      environment: {
        REDIS_USERNAME: "eks-access",
        REDIS_PASSWORD: "hunter2secret",
        REDIS_CA_FILE: redis.caFile,
      },
    },
  });
});

afterAll(async () => {
  await flow.stop();
  await redis.stop();
});

test("on a Redis Cluster of three nodes, over TLS and with the documented rights alone, the main job is done and nothing is refused", async () => {
  const { sandbox } = flow;
  const [engineer, approver] = [sandbox.slack.person("U0ENGINEER"), sandbox.slack.person("U0APPROVER")];

  await engineer.command(`/eks-access request ${clusterName} ${arns.engineer} viewer for 2m read logs`, channel);
  await approver.click(await flow.asked("read logs"), "approve");
  const active = await flow.active();
  flow.moveClock(125);
  await flow.message("*Ended*");
  await engineer.command("/eks-access whoami", channel);
  const whoami = await flow.answer("U0ENGINEER", "*The worker*");

  expect(sandbox.slack.replies(active).map(textOf).join()).toContain("✓ mapped");
  expect(textOf(whoami)).toContain("assumed-role/eks-access-worker/");
  const refused = await Promise.all(redis.nodes.map(({ server }) => refusalsOf(server.url)));
  expect(refused.flat()).toEqual([]);
  expect([...flow.slack().log, ...flow.worker().log].join("\n")).not.toContain("hunter2secret");
});
