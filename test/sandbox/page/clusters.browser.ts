import { CreateAccessEntryCommand, EKSClient } from "@aws-sdk/client-eks";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { arns, region } from "../../../sandbox/scene.ts";
import { aPage, barriers, picture, type ServedPage } from "./a-page.ts";

/** A page whose scene has a cluster of each mode. */
let served: ServedPage;
let page: Page;

beforeAll(async () => {
  served = await aPage({ everyMode: true });
  page = await served.open();
});
afterAll(() => served?.stop());

const choose = (name: string) =>
  page.getByRole("navigation", { name: "Clusters" }).getByRole("link", { name, exact: true }).click();
const panel = (name: string) => page.getByRole("region", { name, exact: true });

test("the right side shows the cluster that is chosen, and the address keeps it", async () => {
  await panel("aws-auth").waitFor();
  await choose("analytics");
  await panel("Access entries").waitFor();

  expect(await panel("aws-auth").count()).toBe(0);
  expect(new URL(page.url()).searchParams.get("at")).toBe("analytics");
  await choose("checkout");
  await panel("aws-auth").waitFor();
  expect(await panel("Access entries").count()).toBe(1);
});

test("a new entry appears without a click, and kubectl with it", async () => {
  const { aws } = served.livePage.live.sandbox;
  const credentials = aws.account.sessionFor(arns.creator, "me");
  const eks = new EKSClient({ endpoint: aws.url, region, credentials });
  const entry = { clusterName: "analytics", principalArn: arns.engineer, kubernetesGroups: ["eks-access:viewers"] };
  await choose("analytics");
  await panel("Access entries").waitFor();

  await eks.send(new CreateAccessEntryCommand(entry));

  await panel("Access entries").getByText(arns.engineer).first().waitFor();
  await page.locator("#kubectl-U0ENGINEER").getByText("has access").waitFor();
});

test("the entries lock no one out", async () => {
  await picture(page, "access-entries");

  expect(await barriers(page)).toEqual([]);
});
