import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { issueCertificates } from "../../sandbox/cluster/certificate.ts";
import { startProduct } from "../../sandbox/product-process.ts";
import { arns, channel, clusterName, configuration } from "../../sandbox/scene.ts";
import { bundledProduct } from "../product.ts";
import { type Flow, startFlow } from "./start-flow.ts";

const login = "eks-access:p@ss word";
/** What the proxy let through: only CONNECT, from who knows its password. */
const tunnels: string[] = [];
const open = new Set<Duplex>();
let isAway = false;
const proxy = createServer((_, response) => response.writeHead(405).end());
proxy.on("connect", ({ url = "", headers }, client, head) => {
  if (headers["proxy-authorization"] !== `Basic ${Buffer.from(login).toString("base64")}`) {
    return void client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
  }
  if (isAway) return void client.end("HTTP/1.1 503 Service Unavailable\r\n\r\n");
  tunnels.push(url);
  open.add(client);
  const [host, port] = url.split(":");
  const upstream = connect(Number(port), host, () => {
    client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
    upstream.write(head);
    upstream.pipe(client).pipe(upstream);
  });
  for (const [one, other] of [
    [upstream, client],
    [client, upstream],
  ] as const) {
    one.on("error", () => other.destroy()).on("close", () => other.destroy());
  }
});

let flow: Flow;
let folder: string;
let address: (user?: string) => string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "eks-access-proxy-"));
  const { authority, ...tls } = issueCertificates(new Date());
  await writeFile(join(folder, "ca.pem"), authority);
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { port } = proxy.address() as AddressInfo;
  const [user = "", password = ""] = login.split(":").map(encodeURIComponent);
  address = (as = user) => `http://${as}:${password}@127.0.0.1:${port}`;
  flow = await startFlow({
    configuration: `slack:\n  mode: socket\n${configuration}`,
    slackTls: tls,
    without: ["PORT"],
    environment: {
      HTTPS_PROXY: address(),
      NODE_EXTRA_CA_CERTS: join(folder, "ca.pem"),
    },
  });
});
afterAll(async () => {
  await flow.stop();
  await new Promise((resolve) => proxy.close(resolve));
  await rm(folder, { recursive: true });
});

test("behind HTTPS_PROXY, calls to Slack and its socket go through the proxy, and the cluster is reached directly", async () => {
  const { sandbox } = flow;
  await sandbox.slack
    .person("U0ENGINEER")
    .command(`/eks-access request ${clusterName} ${arns.engineer} viewer for 1h behind a proxy`, channel);
  await sandbox.slack.person("U0APPROVER").click(await flow.asked("behind a proxy"), "approve");
  await flow.active();

  const slackAt = new URL(sandbox.slack.url).host;
  expect([...new Set(tunnels)]).toEqual([slackAt]);
  expect(await sandbox.getPods()).toMatchObject({ ok: true });
});

test("nothing reaches Slack beside the proxy, and when the proxy is back, so is the app", async () => {
  const engineer = flow.sandbox.slack.person("U0ENGINEER");
  const isHeard = () =>
    engineer.command("/eks-access help", channel).then(
      ({ status }) => status === 200,
      () => false,
    );

  isAway = true;
  for (const client of open) client.destroy();
  await expect.poll(isHeard).toBe(false);
  isAway = false;
  await expect.poll(isHeard).toBe(true);
});

test("who has the wrong password reads what the proxy says, and no password", async () => {
  const environment = {
    ...flow.sandbox.environmentOf("slack", { redisUrl: flow.redisUrl, port: 0 }),
    HTTPS_PROXY: address("intruder"),
  };
  const started = startProduct(await bundledProduct(), "slack", environment);

  const said = await started.then(
    () => "it started",
    (error: unknown) => String(error),
  );
  expect(said).toMatch(/Can't reach Slack: the proxy 127\.0\.0\.1:\d+ answers 407\. Correct HTTPS_PROXY or NO_PROXY\./);
  for (const text of [said, ...flow.slack().log]) expect(text).not.toMatch(/p(@|%40)ss/);
});
