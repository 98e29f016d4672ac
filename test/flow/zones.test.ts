import { afterAll, beforeAll, expect, test } from "vitest";
import { type ProductProcess, startProduct } from "../../sandbox/product-process.ts";
import { account, arns, channel, configuration, externalId, region } from "../../sandbox/scene.ts";
import { textOf, wholeTextOf } from "../../sandbox/slack/message-content.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { redisLedger } from "../../src/ledger/ledger.ts";
import { bundledProduct } from "../product.ts";
import { type Flow, startFlow } from "./start-flow.ts";

const zoned = `  hidden:
    { eksName: hidden, region: ${region}, account: "${account}", zone: eu-private, channel: ${channel}, levels: [viewer],
      approvers: [U0APPROVER, U0APPROVER2], creator: { roleArn: "${arns.creator}", externalId: ${externalId} } }
`;

let flow: Flow;
let inZone: ProductProcess;

beforeAll(async () => {
  flow = await startFlow({
    configuration: configuration.replace(/^levels:/m, `${zoned}levels:`),
    scene: { clusters: [{ name: "hidden", creatorArn: arns.creator }], text: "", populate: () => "" },
  });
  inZone = await startInZone();
});
afterAll(async () => {
  await inZone.stop();
  await flow.stop();
});

async function startInZone(): Promise<ProductProcess> {
  const environment = { ...flow.sandbox.environmentOf("worker", { redisUrl: flow.redisUrl }), ...flow.clock };
  return startProduct(await bundledProduct(), "worker", environment, ["--zone", "eu-private"]);
}

const person = (user: string) => flow.sandbox.slack.person(user);
const clustersIn = ({ log }: ProductProcess) =>
  new Set(log.flatMap((line) => /"cluster":"(\w+)"/.exec(line)?.[1] ?? []));

async function request(cluster: string, why: string): Promise<void> {
  await person("U0ENGINEER").command(`/eks-access request ${cluster} ${arns.engineer} viewer for 1h ${why}`, channel);
}

async function approved(why: string): Promise<void> {
  await person("U0APPROVER").click(await flow.asked(why), "approve");
  await flow.until(() =>
    flow.messages().findLast((each) => [why, "*Active*"].every((part) => wholeTextOf(each).includes(part))),
  );
}

test("each of two workers gives leases in its own zone alone", async () => {
  await request("staging", "look at staging");
  await request("hidden", "look at the hidden one");
  await approved("look at staging");
  await approved("look at the hidden one");

  expect(await flow.sandbox.getPods("U0ENGINEER", "hidden")).toMatchObject({ ok: true });
  expect([...clustersIn(flow.worker())]).toEqual(["staging"]);
  expect([...clustersIn(inZone)]).toEqual(["hidden"]);
});

test("the channel names a zone without a worker within a minute, and its work continues with the next worker", async () => {
  await inZone.kill();
  const { redis, close } = await connectRedis(flow.redisUrl);
  const seenAt = async () => (await redisLedger(redis).zonesSeen()).get(null)?.getTime() ?? 0;
  const before = await seenAt();
  flow.moveClock(30);
  // The other worker's report stays younger than the limit.
  await expect.poll(seenAt).toBeGreaterThanOrEqual(before + 30_000);
  await close();
  flow.moveClock(60);
  const silent = await flow.message("No worker serves the zone eu-private");
  await request("hidden", "wait for a worker");

  inZone = await startInZone();
  await flow.message("A worker serves the zone eu-private again");
  await approved("wait for a worker");

  expect(textOf(silent)).toContain("Access to `hidden` neither begins nor ends");
  expect(flow.messages().filter((each) => textOf(each).includes("clusters without a zone"))).toEqual([]);
});
