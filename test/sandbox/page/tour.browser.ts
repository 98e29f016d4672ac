import type { BrowserContextOptions, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { aPage, barriers, become, eventually, isTooWide, picture, type ServedPage } from "./a-page.ts";

/** The guided tour, as a newcomer plays it: each step with what the tour itself points at, and nothing else. */
let served: ServedPage;
let page: Page;

const phone: BrowserContextOptions = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

beforeAll(async () => {
  served = await aPage({ everyMode: true });
  page = await served.open("", phone);
});
afterAll(() => served?.stop());

const tour = () => page.locator("#tour");
const reach = (title: string) => tour().getByRole("heading", { name: title }).waitFor();

/** What is marked, and where; nothing for the moment between two marks. */
const marked = `[...document.querySelectorAll("[data-tour]")]
  .map((each) => each.outerHTML + each.closest("dialog")?.id + location.search)
  .join("")`;

/** Uses what is marked until the next step shows; a field of a form gets a sentence. */
async function follow(next: string): Promise<void> {
  const isOn = () => tour().getByRole("heading", { name: next }).isVisible();
  const now = () => page.evaluate<string>(marked);
  for (let uses = 0; uses < 12; uses += 1) {
    await eventually(async () => (await isOn()) || (await now()) !== "");
    const step = await tour().locator("[data-step]").getAttribute("data-step");
    if (await isOn()) return;
    const why = page.locator("dialog[open] textarea");
    if (await why.isVisible()) await why.fill("It was the full disk");
    const before = await now();
    // A mark can go while it is clicked, and another step's come: then it is looked for again.
    const clicking = page.locator(`body:has(#tour [data-step="${step}"]) [data-tour]`).click({ timeout: 3_000 });
    const isClicked = await clicking.then(
      () => true,
      () => false,
    );
    if (!isClicked) continue;
    await eventually(async () => (await isOn()) || !["", before].includes(await now()));
  }
  await reach(next);
}

/** The text of the part that a person sees where its first letter is. */
async function seenAt(shown: Locator): Promise<string> {
  const { x = 0, y = 0 } = (await shown.boundingBox()) ?? {};
  return page.evaluate<string>(
    `document.elementFromPoint(${x + 2}, ${y + 2})?.closest(".block")?.textContent ?? "nothing"`,
  );
}

test("the tour leads a newcomer from a request to an approval", async () => {
  await page.getByRole("button", { name: "Take the tour" }).click();
  await reach("Ask for access");
  await picture(page, "tour-ask");
  expect(await isTooWide(page)).toBe(false);
  expect(await barriers(page)).toEqual([]);
  const home = await page.getByRole("link", { name: "eks-access: Home" }).boundingBox();
  expect((home?.x ?? 0) + (home?.width ?? 0)).toBeLessThanOrEqual(390);

  await follow("Approve it");
  await follow("kubectl works");
});

test("it waits until kubectl works, and a reload keeps the place", async () => {
  await tour().getByRole("button", { name: "Next" }).waitFor();
  await page.reload();
  await tour().getByRole("button", { name: "Show me where" }).click();
  // On a phone the other half is behind a link.
  await page.locator(".tabs [data-tour]").click();
  await page.locator("#kubectl-U0ENGINEER pre[data-tour]").getByText("shop-").waitFor();
  await picture(page, "tour-works");
  // What was added is at the end of the document, all in sight.
  const hidden =
    "(({ scrollHeight, clientHeight }) => scrollHeight - clientHeight)(document.querySelector('.document'))";
  expect(await page.evaluate<number>(hidden)).toBe(0);

  await tour().getByRole("button", { name: "Next" }).click();
  await reach("Give it back");
});

test("it leads to the direct message, and the end", async () => {
  await follow("Nothing is left");
  await tour().getByRole("button", { name: "Next" }).click();
  await reach("Take emergency access");

  expect(served.livePage.live.sandbox.cluster.awsAuth()?.data?.mapUsers).toBeUndefined();
});

test("left and continued, it leads through the emergency, its review, and who I am", async () => {
  await tour().getByRole("button", { name: "Leave" }).click();
  await page.getByRole("button", { name: "Continue the tour" }).click();

  await follow("Review the emergency");
  // What only a screen reader reads must not widen the page.
  expect(await isTooWide(page)).toBe(false);
  await picture(page, "tour-review");
  await follow("Who am I?");
  await follow("The end");
  await picture(page, "tour-end");
  expect(await seenAt(page.getByText("first failing step"))).toContain("first failing step");
  await tour().getByRole("button", { name: "Show me where" }).click();
  await page.locator(".tabs [data-tour]").click();
  await page.locator("#troubles [data-tour]").waitFor();
  await tour().getByRole("button", { name: "Finish" }).click();
  await page.getByRole("button", { name: "Take the tour" }).waitFor();
});

test("a keyboard alone is enough, and the mark can be found by it", async () => {
  const laptop = await served.open("", { colorScheme: "dark" });
  await laptop.getByRole("button", { name: "Take the tour" }).press("Enter");
  await laptop.locator("#tour").getByRole("button", { name: "Write it for me" }).press("Enter");
  await laptop.locator(".composer .primary[data-tour]").waitFor();
  await laptop.locator("#tour").getByRole("button", { name: "Show me where" }).press("Enter");

  expect(await laptop.evaluate<string>("document.activeElement.textContent")).toBe("Send");
  expect(await barriers(laptop)).toEqual([]);
  await picture(laptop, "tour-laptop-dark");
  await become(laptop, "approver");
  await laptop.context().close();
});
