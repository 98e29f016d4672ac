import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { arns } from "../../../sandbox/scene.ts";
import { aPage, become, eventually, picture, revoke, type ServedPage, say } from "./a-page.ts";

/** Breaks what runs, by the buttons of the page, and watches it hold. Each test continues where the one before it left off. */
let served: ServedPage;
let page: Page;

beforeAll(async () => {
  served = await aPage();
  page = await served.open();
});

afterAll(() => served?.stop());

const trouble = (title: string) =>
  page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: new RegExp(`^${title}`) }) });
const log = () => page.getByRole("log");
const dataNow = () => served.livePage.live.sandbox.cluster.awsAuth()?.data ?? {};

async function ask(reason: string, principal: string = arns.engineer): Promise<void> {
  await become(page, "engineer");
  await say(page, `/eks-access request staging ${principal} viewer for 10m ${reason}`);
  await become(page, "approver");
  await messageOf(reason).getByRole("button", { name: "Approve" }).waitFor();
}

const messageOf = (reason: string) => log().getByRole("article").filter({ hasText: reason }).last();

test("an edit in the very moment of the write: 409, planned again, and both changes stay", async () => {
  await ask("through a conflict");
  await trouble("A conflict").getByRole("button", { name: "At the next write" }).click();
  await trouble("A conflict").getByText("waiting for its moment").waitFor();
  await picture(page, "conflict-armed");

  await messageOf("through a conflict").getByRole("button", { name: "Approve" }).click();
  await messageOf("through a conflict").getByText("Active", { exact: true }).waitFor();

  await trouble("A conflict").getByText("struck once").waitFor();
  expect(dataNow().mapRoles).toContain("# seen by the platform team");
  expect(dataNow().mapUsers).toContain(arns.engineer);
  expect(served.livePage.live.calls()).toContainEqual(
    expect.objectContaining({ call: "kubernetes.replace-configmap", status: 409 }),
  );
  await picture(page, "conflict-held");
});

test("the worker is killed: a request waits, and is done when there is a worker again", async () => {
  await trouble("Kill the worker").first().getByRole("button", { name: "Kill it" }).click();
  await page.getByRole("list", { name: "Processes" }).getByText("not running").waitFor();
  await revoke(messageOf("through a conflict"));
  expect(dataNow().mapUsers).toContain(arns.engineer);
  await picture(page, "worker-killed");

  await trouble("Kill the worker").first().getByRole("button", { name: "Start it again" }).click();
  await messageOf("through a conflict").getByText("Ended").waitFor();

  expect(dataNow().mapUsers).toBeUndefined();
  await picture(page, "worker-back");
});

test("the worker dies in the middle of a write: the write is found, proven, and made once", async () => {
  await ask("through a crash");
  await trouble("Kill the worker in the middle").getByRole("button", { name: "At the next write" }).click();
  await messageOf("through a crash").getByRole("button", { name: "Approve" }).click();
  await trouble("Kill the worker in the middle").getByText("struck once").waitFor();

  await messageOf("through a crash").getByText("Active", { exact: true }).waitFor();

  expect(dataNow().mapUsers?.match(/userarn/g)).toHaveLength(1);
});

test("with a colleague's broken YAML a lease of the other section ends, and the broken text stays as it is", async () => {
  await trouble("Broken YAML").getByRole("button", { name: "Break it" }).click();
  await page.getByRole("region", { name: "aws-auth" }).getByText("a person with kubectl edit").waitFor();
  const broken = dataNow().mapRoles;
  await revoke(messageOf("through a crash"));
  await messageOf("through a crash").getByText("Ended").waitFor();
  expect(dataNow().mapUsers).toBeUndefined();
  expect(dataNow().mapRoles).toBe(broken);
  await picture(page, "broken-yaml", { documented: true });

  await trouble("Broken YAML").getByRole("button", { name: "Repair it" }).click();

  await eventually(async () => dataNow().mapRoles !== broken);
});

test("AccessDenied: the card says where the cause is, and the next request works once it is repaired", async () => {
  await ask("through a denial");
  await trouble("AccessDenied").getByRole("button", { name: "Stop trusting" }).click();
  await trouble("AccessDenied").getByText("in force").waitFor();
  await messageOf("through a denial").getByRole("button", { name: "Approve" }).click();
  await messageOf("failing; next try").waitFor();
  await picture(page, "access-denied");

  await trouble("AccessDenied").getByRole("button", { name: "Trust again" }).click();
  await ask("after the denial");
  await messageOf("after the denial").getByRole("button", { name: "Approve" }).click();

  await messageOf("after the denial").getByText("Active", { exact: true }).waitFor();
});

test("an event that an intruder deletes is missed", async () => {
  await page.getByRole("region", { name: "Audit trail" }).getByText("✓ The chain is whole").waitFor();

  await trouble("Tamper").getByRole("button", { name: "Delete an event" }).click();

  await page.getByRole("region", { name: "Audit trail" }).getByText("✗ The chain is broken.").waitFor();
  await page.getByRole("region", { name: "Audit trail" }).scrollIntoViewIfNeeded();
  await picture(page, "tampered");
});
