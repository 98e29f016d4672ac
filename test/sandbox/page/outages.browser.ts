import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { arns } from "../../../sandbox/scene.ts";
import { aPage, become, picture, revoke, type ServedPage, say } from "./a-page.ts";

/** What others do, and what is away for a while. Each test continues where the one before it left off. */
let served: ServedPage;
let page: Page;

beforeAll(async () => {
  served = await aPage();
  page = await served.open();
});

afterAll(() => served?.stop());

const trouble = (title: string) =>
  page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: new RegExp(`^${title}`) }) });
const messageOf = (reason: string) => page.getByRole("log").getByRole("article").filter({ hasText: reason }).last();
const dataNow = () => served.livePage.live.sandbox.cluster.awsAuth()?.data ?? {};

async function ask(reason: string): Promise<void> {
  await become(page, "engineer");
  await say(page, `/eks-access request staging ${arns.engineer} viewer for 10m ${reason}`);
  await become(page, "approver");
  await messageOf(reason).getByRole("button", { name: "Approve" }).waitFor();
}

const approve = (reason: string) => messageOf(reason).getByRole("button", { name: "Approve" }).click();

test("what a colleague adds by hand stays, whatever is written after it", async () => {
  await trouble("A kubectl edit").getByRole("button", { name: "Edit by hand" }).click();
  await page.getByRole("region", { name: "aws-auth" }).getByText("a person with kubectl edit").waitFor();
  const edited = dataNow().mapRoles;
  await ask("beside an edit");
  await approve("beside an edit");
  await messageOf("beside an edit").getByText("Active", { exact: true }).waitFor();

  await revoke(messageOf("beside an edit"));
  await messageOf("beside an edit").getByText("Ended").waitFor();

  expect(edited).toContain("# Until the audit is over");
  expect(dataNow()).toEqual({ mapRoles: edited });
});

test("AWS throttles: the message says that it waits, and the worker continues alone", async () => {
  await ask("while throttled");
  await trouble("AWS throttles").getByRole("button", { name: "Throttle" }).click();
  await trouble("AWS throttles").getByText("in force").waitFor();
  await approve("while throttled");
  await messageOf("failing; next try").waitFor();
  await picture(page, "throttled");

  await trouble("AWS throttles").getByRole("button", { name: "Let go" }).click();
  await messageOf("while throttled").getByText("Active", { exact: true }).waitFor();

  expect(dataNow().mapUsers).toContain(arns.engineer);
});

test("a lease that a person removes by hand is noticed and reported in the channel", async () => {
  await trouble("A person removes a lease").getByRole("button", { name: "Delete mapUsers" }).click();

  await messageOf("Access lost").getByText("is gone").waitFor();
  await picture(page, "drifted");
});

test("the slack process is killed: Slack says so, and what is done meanwhile is shown later", async () => {
  await trouble("Kill the slack process").getByRole("button", { name: "Kill it" }).click();
  await page.getByRole("list", { name: "Processes" }).getByText("not running").waitFor();
  await say(page, "/eks-access help");
  await page.getByRole("alert").getByText("dispatch_failed").waitFor();
  await picture(page, "slack-killed");

  await trouble("Kill the slack process").getByRole("button", { name: "Start it again" }).click();
  await page.getByRole("list", { name: "Processes" }).getByText("started 2 times").waitFor();
  await say(page, "/eks-access help");

  await page.getByText("Only visible to you").first().waitFor();
});

test("Redis is killed: nothing unrecorded is acknowledged, and all work continues when it is back", async () => {
  await trouble("Kill Redis").getByRole("button", { name: "Kill it" }).click();
  await page.getByRole("region", { name: "Audit trail" }).getByText("Redis does not answer").waitFor();
  await picture(page, "redis-killed");

  await trouble("Kill Redis").getByRole("button", { name: "Start it again" }).click();
  await page.getByRole("region", { name: "Audit trail" }).getByText("✓ The chain is whole").waitFor();
  await ask("after the outage");
  await approve("after the outage");

  await messageOf("after the outage").getByText("Active", { exact: true }).waitFor();
});
