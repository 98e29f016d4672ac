import { afterAll, beforeAll, expect, test } from "vitest";
import { Faults } from "../../sandbox/faults.ts";
import { type SandboxServer, startSandboxServer } from "../../sandbox/http-server.ts";
import { freePort, startProduct } from "../../sandbox/product-process.ts";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import { arns, channel, clusterName, configuration } from "../../sandbox/scene.ts";
import { builtProduct } from "../product.ts";
import { aRedis, type TestRedis } from "../redis.ts";
import { startCluster } from "../sandbox/cluster/implementations.ts";

const account = "111122223333";
const role = "eks-access-audit";
const bus = `arn:aws:events:eu-central-1:${account}:event-bus/audit`;

let sandbox: Sandbox;
let redis: TestRedis;
let receiver: SandboxServer;
const received: string[] = [];

beforeAll(async () => {
  const answer = (body: Buffer) => () => {
    received.push(body.toString("utf8"));
    return { status: 204 };
  };
  const route = ({ body }: { readonly body: Buffer }) => ({ call: "webhook", answer: answer(body) });
  receiver = await startSandboxServer({ faults: new Faults(), route });
  const roleArn = `arn:aws:iam::${account}:role/${role}`;
  const sinks = {
    s3: { bucket: "audit", region: "eu-central-1", account, roleArn },
    eventBridge: { bus, roleArn },
    webhook: { url: `${receiver.url}/audit` },
  };
  const withSinks = configuration.replace(/^audit: .*/m, `audit: ${JSON.stringify(sinks)}`);
  [sandbox, redis] = await Promise.all([
    startSandbox({ startCluster, configuration: withSinks }),
    aRedis(),
    builtProduct(),
  ]);
  const { account: iam, auditPlaces } = sandbox.aws;
  iam.addRole({ name: role, allow: ["s3:*", "events:*"], trust: { principals: [arns.worker] } });
  auditPlaces.addBucket("audit", account);
  auditPlaces.buses.set(bus, []);
});
afterAll(() => Promise.all([sandbox.stop(), redis.close(), receiver.stop()]));

test("one process does the work of both, with the secrets of both, and sends each event to every sink", async () => {
  const port = await freePort();
  const [slack, worker] = (["slack", "worker"] as const).map((kind) =>
    sandbox.environmentOf(kind, { redisUrl: redis.url, port }),
  );
  const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
  sandbox.slack.connect(`http://127.0.0.1:${port}/slack/events`);

  const both = await startProduct(await builtProduct(), "all", { ...slack, ...worker, AUDIT_WEBHOOK_SECRET: secret });
  const request = `/eks-access request ${clusterName} ${arns.engineer} viewer for 1h to be audited`;
  await sandbox.slack.person("U0ENGINEER").command(request, channel);
  const { buckets, buses } = sandbox.aws.auditPlaces;
  const stored = () => [...(buckets.get("audit")?.objects.values() ?? [])].map(({ body }) => body).join("");
  const sent = () => JSON.stringify(buses.get(bus));
  const isIn = (text: string) => text.includes("request.created");
  await expect.poll(() => [stored(), sent(), received.join()].every(isIn)).toBe(true);
  const code = await both.stop();

  expect(code).toBe(0);
  expect(both.log.filter((line) => /"level":[56]0/.test(line))).toEqual([]);
  expect(both.log.join()).not.toContain(secret);
});
