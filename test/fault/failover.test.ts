import { afterAll, beforeAll, expect, test } from "vitest";
import { readAwsAuth } from "../../sandbox/cluster/aws-auth-map.ts";
import { account, channel, clusterName } from "../../sandbox/scene.ts";
import { textOf } from "../../sandbox/slack/message-content.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import { type KillableProduct, startKillableProduct } from "./killable-product.ts";
import { messagesOf } from "./play-run.ts";

let product: KillableProduct;

beforeAll(async () => {
  product = await startKillableProduct();
});
afterAll(() => product.stop());

const person = (user: "U0ENGINEER" | "U0APPROVER") => product.sandbox.slack.person(user);
const arnOf = (name: string) => `arn:aws:iam::${account}:user/${name}`;

async function requestOf(name: string): Promise<AccessRequest | null> {
  const requests = await product.ledger.ofRequester("U0ENGINEER", 10);
  return requests.find(({ reason }) => reason === name) ?? null;
}

/** What the last message in the channel about it says. */
async function cardOf(name: string): Promise<string> {
  const message = messagesOf(product, await requestOf(name)).at(-1);
  return message ? textOf(message) : "";
}

async function threadOf(name: string): Promise<string> {
  const [message] = messagesOf(product, await requestOf(name));
  return message ? product.sandbox.slack.replies(message).map(textOf).join("\n") : "";
}

async function ask(name: string): Promise<void> {
  product.sandbox.aws.account.addUser({ name });
  const line = `/eks-access request ${clusterName} ${arnOf(name)} viewer for 1h ${name}`;
  await person("U0ENGINEER").command(line, channel);
  await expect.poll(() => cardOf(name)).toContain("[Approve]");
  // No process knows a card that a copy of Redis does not have.
  await expect.poll(async () => product.ledger.shown((await requestOf(name))?.id ?? "")).toMatchObject({ message: {} });
}

async function approve(name: string): Promise<void> {
  const message = messagesOf(product, await requestOf(name)).at(-1);
  if (!message) throw new Error(`No message shows ${name}.`);
  await person("U0APPROVER").click(message, "approve");
  await expect.poll(() => cardOf(name)).toContain("*Active*");
}

const groupsOf = (name: string) =>
  readAwsAuth(product.sandbox.cluster.awsAuth()?.data).users.get(arnOf(name).toLowerCase())?.groups;

test("a failover that loses the last changes leaves no message untrue and no access behind, and people decide again", async () => {
  await ask("approved");
  await ask("revoked");
  await approve("revoked");
  const failOver = await product.replicate();
  await approve("approved");
  await ask("unknown");
  await approve("unknown");
  const unknown = await requestOf("unknown");
  await person("U0APPROVER").command(`/eks-access revoke ${(await requestOf("revoked"))?.id} done`, channel);
  await expect.poll(() => cardOf("revoked")).toContain("*Ended*");

  await failOver();

  await expect.poll(() => cardOf("approved")).toContain("[Approve]");
  await expect.poll(() => groupsOf("approved")).toBeUndefined();
  // The process that revoked it ends it again, or the worker finds before that what the cluster remembers.
  await expect.poll(async () => (await requestOf("revoked"))?.lease?.end?.cause).toMatch(/^(revoked|replayed)$/);
  await expect.poll(() => cardOf("revoked")).toContain("*Ended*");
  expect(groupsOf("revoked")).toBeUndefined();
  await expect.poll(async () => (await product.ledger.get(unknown?.id ?? ""))?.lease?.state).toBe("active");
  // The message from before, and no second one that alone would show its end.
  await expect
    .poll(() => messagesOf(product, unknown).map(textOf))
    .toEqual([expect.stringContaining("recovered from")]);
  const found = (await product.ledger.events(1, 1_000)).filter(({ event }) => event.type === "record.undone");
  // The others change by what the cluster remembers, before or after each process has looked.
  expect(found.map(({ event }) => event.request)).toContain((await requestOf("approved"))?.id);
  await expect
    .poll(() => threadOf("approved"))
    .toContain("no longer counts. The approvers must decide again.\n>Redis lost it");
  await approve("approved");
  expect(groupsOf("approved")).toEqual(["eks-access:viewers"]);
});

test("an old copy of Redis, with which both processes start again, leaves no message untrue and no access behind", async () => {
  for (const name of ["later", "denied"]) await ask(name);
  const restore = await product.replicate();
  await approve("later");
  await ask("lost");
  await approve("lost");
  const lost = await requestOf("lost");
  const [card] = messagesOf(product, await requestOf("denied"));
  const textOfDenied = () =>
    textOf(product.sandbox.slack.messages(channel).find(({ ts }) => ts === card?.ts) ?? { blocks: [] });
  await person("U0APPROVER").command(`/eks-access deny ${(await requestOf("denied"))?.id} no`, channel);
  await expect.poll(() => textOfDenied()).toContain("Denied");

  await product.kill("slack");
  await product.kill("worker");
  await restore();
  await product.kill("redis");
  await product.revive();

  await expect.poll(async () => (await product.ledger.get(lost?.id ?? ""))?.lease?.state).toBe("active");
  await expect.poll(() => groupsOf("later")).toBeUndefined();
  await expect.poll(() => cardOf("later")).toContain("[Approve]");
  await expect.poll(() => textOfDenied()).toContain("[Approve]");
  const found = (await product.ledger.events(1, 1_000)).filter(({ event }) => event.type === "record.undone");
  expect(found.map(({ event }) => event.request)).toContain((await requestOf("later"))?.id);
});
