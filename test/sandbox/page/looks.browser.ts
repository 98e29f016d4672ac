import type { BrowserContextOptions, Locator } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { alice, arns, developerArn } from "../../../sandbox/scene.ts";
import { aPage, barriers, become, eventually, isTooWide, picture, type ServedPage, say } from "./a-page.ts";

/** How the page looks and reads: on a laptop and a phone, in light and dark, with a keyboard and to a screen reader. */
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

let served: ServedPage;
/** Whether the card has the focus when its clicked Approve is gone. */
let isFocused: boolean;

beforeAll(async () => {
  served = await aPage();
  const page = await served.open("?as=U0ENGINEER&in=direct");
  await say(page, `/eks-access request staging ${arns.engineer} viewer for 10m look into the failing rollout`);
  await become(page, "approver");
  await page.getByRole("link", { name: "# cluster-access" }).click();
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByRole("log").getByText("Active", { exact: true }).first().waitFor();
  isFocused = await page.evaluate<boolean>("document.activeElement.matches('article button')");
  await page.context().close();
});

afterAll(() => served?.stop());

const looks: readonly [name: string, query: string, options: BrowserContextOptions][] = [
  ["light", "", {}],
  ["dark", "", { colorScheme: "dark" }],
  ["home-tab", "?as=U0ENGINEER&in=home", {}],
  ["phone", "", phone],
  // With a count of new messages at each place.
  ["phone-home", "?as=U0ENGINEER&in=home", phone],
  ["phone-cluster", "#cluster", phone],
  ["phone-dark", "", { ...phone, colorScheme: "dark" }],
  ["small-laptop", "", { viewport: { width: 1180, height: 720 } }],
  ["wide", "", { viewport: { width: 2200, height: 1200 } }],
];

test.each(looks)("%s: nothing is out of the window, and everything is accessible", async (name, query, options) => {
  const page = await served.open(query, options);
  const parts: Readonly<Record<string, Locator>> = {
    "": page.getByRole("log"),
    "#cluster": page.getByRole("region", { name: "aws-auth" }),
    "?as=U0ENGINEER&in=home": page.getByRole("region", { name: "Home" }).getByText("Your access", { exact: true }),
  };
  await parts[query]?.waitFor();

  await picture(page, name, { documented: ["dark", "phone"].includes(name) });

  expect(await isTooWide(page)).toBe(false);
  expect(await barriers(page)).toEqual([]);
  await page.context().close();
});

test("a time in a message is as large as the words around it", async () => {
  const page = await served.open();
  const time = page.getByRole("log").locator(".body time").first();
  await time.waitFor();

  const sizes = `[...document.querySelectorAll(".body time")].map((each) => [each, each.parentElement])
    .filter(([one, other]) => getComputedStyle(one).fontSize !== getComputedStyle(other).fontSize).length`;

  expect(await page.evaluate<number>(sizes)).toBe(0);
  await page.context().close();
});

test("on a phone, the Home tab is in sight beside two channels", async () => {
  served.livePage.live.sandbox.slack.addChannel({ id: "C0SHOP", name: "payments-oncall", members: ["U0APPROVER2"] });
  const page = await served.open("?as=U0APPROVER2", phone);
  await page.getByRole("link", { name: "# payments-oncall" }).waitFor();

  const home = await page.getByRole("link", { name: "eks-access: Home" }).boundingBox();

  expect((home?.x ?? 0) + (home?.width ?? 0)).toBeLessThanOrEqual(390);
  await page.context().close();
});

test("an answer on a phone comes into sight, also below one that is longer than the window", async () => {
  const page = await served.open("?as=U0ENGINEER", phone);
  await say(page, "/eks-access whoami staging");
  await page.getByText("every step works").waitFor();

  await say(page, "/eks-access help");

  const answer = page.getByText("gives you access to an EKS cluster").last();
  await answer.waitFor();
  await eventually(async () => ((await answer.boundingBox())?.y ?? Infinity) < phone.viewport.height);
  await page.context().close();
});

test("Home opens at its top on a phone, also from the end of a channel", async () => {
  const page = await served.open("?as=U0ENGINEER&in=home", { ...phone, viewport: { width: 390, height: 500 } });
  const home = page.getByRole("region", { name: "Home" });
  await home.getByText("Access to EKS clusters").waitFor();
  await page.getByRole("link", { name: "# cluster-access" }).click();
  await say(page, "/eks-access whoami staging");
  await eventually(() => page.evaluate<boolean>("document.querySelector('#messages > *').scrollTop > 100"));

  await page.getByRole("link", { name: "Home" }).click();

  await home.getByText("Access to EKS clusters").waitFor();
  expect(await home.evaluate((region) => [region.scrollTop, region.scrollHeight > region.clientHeight])).toEqual([
    0,
    true,
  ]);
  await page.context().close();
});

test.each(["light", "dark"] as const)(
  "a form in %s shuts no one out, and gives the focus back",
  async (colorScheme) => {
    const page = await served.open("", { colorScheme });
    await say(page, "/eks-access request");
    const form = page.getByRole("dialog");
    await form.waitFor();
    await form.getByRole("button", { name: "Ask", exact: true }).click();
    await form.getByText("Please complete this required field.").first().waitFor();
    await picture(page, `form-${colorScheme}`);

    expect(await barriers(page)).toEqual([]);
    expect(await form.getByRole("button", { name: "Close this form" }).count()).toBe(1);

    await page.keyboard.press("Escape");
    await form.waitFor({ state: "detached" });
    expect(await page.evaluate<string>("document.activeElement.tagName")).not.toBe("BODY");
    await page.context().close();
  },
);

test("a mistake with a long ARN stays within a form on a phone", async () => {
  const page = await served.open("?as=U0ENGINEER", phone);
  await say(page, "/eks-access request");
  const form = page.getByRole("dialog");
  await form.getByLabel("Level").selectOption("viewer");
  await form.getByLabel(/role or user/).fill(developerArn(alice));
  await form.getByLabel("Why").fill("read the events");
  await form.getByRole("button", { name: "Ask", exact: true }).click();
  const mistake = form.getByText(/^This is a session\. .*arn:aws:iam/).last();
  await mistake.waitFor();

  expect(await mistake.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0);
  await page.keyboard.press("Escape");
  await form.waitFor({ state: "detached" });
  await page.context().close();
});

test("the focus stays on a card whose clicked button is gone", () => expect(isFocused).toBe(true));

test("a keyboard alone is enough: to the field, through a confirmation and back", async () => {
  const page = await served.open();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.keyboard.type("/eks-access whoami");
  await page.keyboard.press("Enter");
  await page.getByText("Only visible to you").first().waitFor();

  await page.getByRole("log").getByRole("button", { name: "Revoke" }).first().focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Revoke access" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });

  expect(await page.evaluate<string>("document.activeElement.textContent")).toBe("Revoke");
  await page.context().close();
});
