import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { arns } from "../../../sandbox/scene.ts";
import { aPage, become, eventually, picture, revoke, type ServedPage, say } from "./a-page.ts";

/** The whole story by clicking. Each test continues where the one before it left off. */
let served: ServedPage;
let page: Page;

beforeAll(async () => {
  served = await aPage();
  page = await served.open();
});

afterAll(() => served?.stop());

const kubectlOf = (name: string) =>
  page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: new RegExp(`^${name}`) }) });
const document = () => page.getByLabel("aws-auth", { exact: true }).locator("code");
const panel = (title: string) => page.getByRole("region", { name: title });

test("at first only the platform team sees pods", async () => {
  await kubectlOf("engineer").getByText("no access").waitFor();
  await kubectlOf("approver").getByText("has access").waitFor();

  expect(await kubectlOf("engineer").locator("pre").textContent()).toContain("(Unauthorized)");
  expect(await document().textContent()).toContain("role/platform-admins");
  await picture(page, "start");
});

test("the browser offers each command of the bot while one types", async () => {
  const line = page.getByRole("combobox", { name: /^Message in/ });

  const offered = await page.locator("#commands option").evaluateAll((options) => options.map(({ value }) => value));

  expect(await line.getAttribute("list")).toBe("commands");
  expect(offered).toEqual(expect.arrayContaining(["/eks-access request", "/eks-access help"]));
});

test("the form refuses a missing value, next to the field", async () => {
  await say(page, "/eks-access request");
  const form = page.getByRole("dialog", { name: "Ask for access" });

  await form.getByRole("button", { name: "Ask", exact: true }).click();

  await form.getByText("Please complete this required field.").first().waitFor();
  expect(await form.getByLabel("Why").getAttribute("aria-invalid")).toBe("true");
  await picture(page, "form-refused");
});

test("the engineer asks with the form, and the approvers see the exact change", async () => {
  const form = page.getByRole("dialog", { name: "Ask for access" });
  await form.getByLabel("Level").selectOption("viewer");
  await form.getByLabel("IAM role or user").fill(arns.engineer);
  await form.getByLabel("Why").fill("look into the failing rollout");
  await picture(page, "form", { documented: true });

  await form.getByRole("button", { name: "Ask", exact: true }).click();
  await become(page, "approver");
  await page.getByRole("button", { name: "Approve" }).waitFor();
  await picture(page, "asked");
  await page.getByRole("button", { name: "Details" }).click();
  const details = page.getByRole("dialog", { name: "Request" });
  await details.getByRole("button", { name: "Approve" }).waitFor();

  expect(await details.locator("ins").first().textContent()).toContain(arns.engineer);
  await picture(page, "details");
});

test("an approver approves in the details, the access is proven, and kubectl shows it", async () => {
  await page.getByRole("dialog", { name: "Request" }).getByRole("button", { name: "Approve" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("log").getByText("Active", { exact: true }).first().waitFor();
  await kubectlOf("engineer").getByText("has access").waitFor();

  expect(await document().locator("ins").allTextContents()).toContainEqual(expect.stringContaining(arns.engineer));
  expect(await kubectlOf("engineer").locator("pre").textContent()).toContain("shop-");
  await picture(page, "active", { documented: true });
});

test("the audit trail has it, in a whole chain", async () => {
  const audit = panel("Audit trail");

  await audit.getByText("lease.active").waitFor();

  expect(await audit.textContent()).toContain("✓ The chain is whole");
  await audit.scrollIntoViewIfNeeded();
  await picture(page, "audit");
});

test("the history is in the thread under the request", async () => {
  await page
    .getByRole("log")
    .getByText(/\d+ repl(y|ies)/)
    .first()
    .click();

  await page.getByRole("log").locator("details").getByText("approved", { exact: false }).first().waitFor();
  await picture(page, "thread");
});

test("the engineer gets a direct message, with a mark for it", async () => {
  await become(page, "engineer");
  await page
    .getByRole("link", { name: /^eks-access/ })
    .first()
    .click();

  await page.getByRole("log").getByText("is active until").first().waitFor();
  await picture(page, "direct-message");
});

test("the Home tab of the app has the access, and the form to ask for more", async () => {
  await page.getByRole("link", { name: "eks-access: Home" }).click();

  await page.getByRole("region", { name: "Home" }).getByText("Your access", { exact: true }).waitFor();
  await page.getByRole("region", { name: "Home" }).getByText("Active").waitFor();
  await picture(page, "home");

  await page.getByRole("button", { name: "Ask for access" }).click();
  await page.getByRole("dialog", { name: "Ask for access" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
});

test("revoking asks first, and then the access is gone as if it had never been there", async () => {
  await page.getByRole("link", { name: "# cluster-access" }).click();
  const asks = page.getByRole("log").getByRole("article").filter({ hasText: "look into the failing rollout" });
  await asks.getByRole("button", { name: "Revoke" }).click();
  await picture(page, "revoke");
  await page.getByRole("button", { name: "Keep it" }).click();
  await revoke(asks);
  await kubectlOf("engineer").getByText("no access").waitFor();

  await eventually(async () => (await document().locator("del").count()) > 0);
  expect(served.livePage.live.sandbox.cluster.awsAuth()?.data?.mapUsers).toBeUndefined();
  await picture(page, "revoked");
});

test("the engineer asks for the person on call: both are on the card and get a message, and one click of the other stops it", async () => {
  await say(page, "/eks-access request");
  const form = page.getByRole("dialog", { name: "Ask for access" });
  await form.getByLabel("Level").selectOption("viewer");
  await form.getByLabel("For someone else").selectOption("on-call");
  // The ARN of the engineer goes.
  await eventually(async () => (await form.getByLabel("IAM role or user").inputValue()) === "");
  await form.getByLabel("IAM role or user").fill(arns.onCall);
  await form.getByLabel("Why").fill("take over the incident");
  await form.getByRole("button", { name: "Ask", exact: true }).click();

  await become(page, "approver");
  const card = page.getByRole("log").getByRole("article").filter({ hasText: "take over the incident" });
  await card.getByText("@engineer asks for viewer on staging for @on-call").waitFor();
  await become(page, "on-call");
  await page
    .getByRole("link", { name: /^eks-access/ })
    .first()
    .click();
  const direct = page.getByRole("log").getByRole("article").filter({ hasText: "asked by" });
  await direct.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Cancel it" }).click();

  await direct.getByText("was cancelled").waitFor();
});
