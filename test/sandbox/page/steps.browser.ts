import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { arns, channel, clusterName } from "../../../sandbox/scene.ts";
import { aPage, become, picture, type ServedPage } from "./a-page.ts";

/** What a person does until it is done: the fewest steps are a promise of the product. */
let served: ServedPage;
let page: Page;

beforeAll(async () => {
  served = await aPage();
  page = await served.open();
  await page.evaluate(counting);
});
afterAll(() => served?.stop());

/** Counts real clicks, choices and typed fields in the page, however a test makes them. */
const counting = `
  window.steps = { clicks: 0, typed: new Set() };
  addEventListener("click", ({ isTrusted }) => { if (isTrusted) steps.clicks += 1; }, true);
  addEventListener("change", ({ target }) => { if (target.matches("select, [type=radio], [type=checkbox]")) steps.clicks += 1; }, true);
  addEventListener("input", ({ target }) => { if (target.matches("textarea, input:not([type=radio], [type=checkbox])")) steps.typed.add(target.name); }, true);
`;
const startCounting = () => page.evaluate("steps.clicks = 0; steps.typed.clear()");
const steps = () => page.evaluate("({ clicks: steps.clicks, sentences: steps.typed.size })");

const card = (reason: string) => page.getByRole("log").getByRole("article").filter({ hasText: reason });
const engineer = () => served.livePage.live.sandbox.slack.person("U0ENGINEER");
/** Types where the cursor already is: a click into the field would be one more. */
async function typeWhy(sentence: string): Promise<void> {
  await page.locator("dialog textarea:focus").waitFor();
  await page.keyboard.type(sentence);
}
const ask = (reason: string) =>
  engineer().command(`/eks-access request ${clusterName} ${arns.engineer} viewer for 1h ${reason}`, channel);

test("to approve takes one click from the notification, which opens the channel", async () => {
  await ask("the rollout hangs");
  await become(page, "approver");
  await card("the rollout hangs").getByRole("button", { name: "Approve" }).waitFor();

  await startCounting();
  await card("the rollout hangs").getByRole("button", { name: "Approve" }).click();

  await card("the rollout hangs").getByText("Active", { exact: true }).waitFor();
  expect(await steps()).toEqual({ clicks: 1, sentences: 0 });
});

test("to ask again takes two clicks and a sentence", async () => {
  await ask("look at the logs");
  const asked = card("look at the logs");
  await asked.getByRole("button", { name: "Approve" }).waitFor();
  await engineer().click(
    await served.livePage.live.sandbox.slack.until(() =>
      engineer()
        .directMessages()
        .findLast(({ text }) => text.includes("Waiting for")),
    ),
    "cancel",
  );
  await become(page, "engineer");
  await asked.getByRole("button", { name: "Request again" }).waitFor();

  await startCounting();
  await asked.getByRole("button", { name: "Request again" }).click();
  await typeWhy("look at the logs once more");
  await page.getByRole("dialog").getByRole("button", { name: "Ask", exact: true }).click();

  await card("look at the logs once more").getByRole("button", { name: "Approve" }).waitFor();
  expect(await steps()).toEqual({ clicks: 2, sentences: 1 });
});

test("emergency access takes two clicks and a sentence", async () => {
  await served.livePage.live.sandbox.slack.person("U0ONCALL").command(`/eks-access link ${arns.onCall}`, channel);
  await become(page, "on-call");
  await page.getByRole("link", { name: "eks-access: Home" }).click();
  const home = page.getByRole("region", { name: "Home" });
  await home.getByRole("button", { name: "Emergency access" }).waitFor();

  await startCounting();
  await home.getByRole("button", { name: "Emergency access" }).click();
  await typeWhy("customers can't pay");
  await page.getByRole("dialog").getByRole("button", { name: "Take it now" }).click();

  await home.getByText("Your access (1)").waitFor();
  expect(await steps()).toEqual({ clicks: 2, sentences: 1 });
  expect(await page.getByRole("dialog").count()).toBe(0);
});

test("one person of Identity Center gets in, and another session of the same role does not", async () => {
  await page.getByRole("link", { name: "# cluster-access" }).click();
  await become(page, "engineer");
  const kubectl = (name: string) =>
    page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: new RegExp(`^${name}`) }) });
  await page.getByRole("button", { name: "Ask for one person of Identity Center" }).click();
  await page.getByRole("button", { name: "Send" }).click();
  await become(page, "approver");
  await card("look at one namespace").getByRole("button", { name: "Approve" }).click();

  await kubectl("alice@example.com").getByText("has access").waitFor();
  await kubectl("carol@example.com").getByText("no access").waitFor();
  await picture(page, "identity-center");
  await card("on staging in default").waitFor();
});
