import { CreateAccessEntryCommand, EKSClient } from "@aws-sdk/client-eks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LivePage, watchOf } from "../../../sandbox/page/live/live-page.ts";
import { type Regions, regionsFor } from "../../../sandbox/page/page.ts";
import { arns, region } from "../../../sandbox/scene.ts";
import { aLivePage } from "./a-live-page.ts";
import { engineer } from "./a-reader.ts";

let livePage: LivePage;
beforeAll(async () => {
  livePage = await aLivePage({ everyMode: true });
});
afterAll(() => livePage.stop());

const shown = (at: string): Regions => regionsFor(livePage, { as: engineer, place: "C0ACCESS", at });
const markupOf = (at: string, name: string) => shown(at)[name]?.markup ?? "";

test("the viewer chooses the cluster", () => {
  const links = markupOf("checkout", "clusters");

  expect(links).toContain("at=staging");
  expect(links).toMatch(/at=checkout" data-go="at" aria-current="true">checkout</);
});

test.each([
  ["staging", { document: true, entries: false }],
  ["checkout", { document: true, entries: true }],
  ["analytics", { document: false, entries: true }],
])("%s shows what lets people in there", (at, expected) => {
  const markup = markupOf(at, "access");

  expect({
    document: markup.includes('id="panel-aws-auth"'),
    entries: markup.includes('id="panel-entries"'),
  }).toEqual(expected);
});

/** An entry of the engineer's, through the API of EKS. */
async function give(clusterName: string): Promise<void> {
  const { aws } = livePage.live.sandbox;
  const credentials = aws.account.sessionFor(arns.creator, "me");
  const eks = new EKSClient({ endpoint: aws.url, region, credentials, maxAttempts: 1 });
  const names = { principalArn: arns.engineer, kubernetesGroups: ["eks-access:viewers"] };
  await eks.send(new CreateAccessEntryCommand({ clusterName, ...names, tags: { "eks-access/grant": "r1" } }));
}

test("a new entry is shown at once, with what is not in force yet", async () => {
  livePage.live.sandbox.aws.eks.entryDelayMs = 60_000;
  await give("checkout");
  livePage.live.sandbox.aws.eks.entryDelayMs = 0;

  const [waiting] =
    markupOf("checkout", "access").match(/<li class="entry" id="entry-[^"]*engineer"[\s\S]*?<\/li>/) ?? [];

  expect(waiting).toContain(arns.engineer);
  expect(waiting).toContain("eks-access/grant");
  expect(waiting).toContain("not in force yet");
});

test("kubectl follows a new entry without a click", async () => {
  const { kubectl } = watchOf(livePage.clusters, "analytics");
  const getsIn = () => kubectl.states().find(({ user }) => user === engineer.id)?.answer?.ok;
  await kubectl.run();
  const before = getsIn();

  await give("analytics");

  await expect.poll(getsIn).toBe(true);
  expect(before).toBe(false);
  expect(markupOf("analytics", "access")).not.toContain("not in force yet");
});
