import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { expect } from "vitest";
import { type LivePage, startLivePage } from "../../../sandbox/page/live/live-page.ts";
import { startPageServer } from "../../../sandbox/page/server.ts";
import type { SandboxOptions } from "../../../sandbox/scene-clusters.ts";
import { builtProduct } from "../../product.ts";
import { launchBrowser } from "./browser.ts";

const artifacts = fileURLToPath(new URL("../../artifacts/page/", import.meta.url));

/** A laptop. */
const viewport = { width: 1440, height: 900 };
/** How long a machine that does much else may take for anything, in milliseconds. */
const patience = 30_000;

/** The page in a browser, with the product's real processes behind it. */
export interface ServedPage {
  readonly livePage: LivePage;
  readonly url: string;
  /** A tab of its own; what its console says that is an error fails the test at `stop`. */
  open: (query?: string, options?: BrowserContextOptions) => Promise<Page>;
  stop: () => Promise<void>;
}

export async function aPage(scene: SandboxOptions = {}): Promise<ServedPage> {
  const browser: Browser = await launchBrowser();
  const livePage = await startLivePage(await builtProduct(), { slackRateLimits: false, ...scene });
  const server = await startPageServer(livePage);
  await livePage.live.worker.logged("read the cluster's own memory");
  const complaints: string[] = [];
  return {
    livePage,
    url: server.url,
    open: async (query = "", options = {}) => {
      const context = await browser.newContext({ viewport, reducedMotion: "reduce", ...options });
      const page = await context.newPage();
      page.setDefaultTimeout(patience);
      page.on("pageerror", (error) => complaints.push(error.message));
      // A refused act is answered with a status that the console logs; the page shows it as well.
      page.on(
        "console",
        (said) => said.type() === "error" && !/status of 409/.test(said.text()) && complaints.push(said.text()),
      );
      await page.goto(server.url + query);
      await page.getByRole("status").getByText("Live").waitFor();
      return page;
    },
    stop: async () => {
      await browser.close();
      await server.stop();
      await livePage.stop();
      expect(complaints).toEqual([]);
    },
  };
}

/** Keeps a picture of the page: among the artefacts of the run, and with `npm run images` in the documentation. */
export async function picture(page: Page, name: string, { documented = false } = {}): Promise<void> {
  await page.screenshot({ path: `${artifacts}${name}.png` });
  const images = process.env.EKS_ACCESS_IMAGES;
  if (images && documented) await page.screenshot({ path: `${images}/${name}.png` });
}

/** Keeps a picture of a part of the page in the same places; the documentation shows each of them. */
export async function keep(part: Locator, name: string): Promise<void> {
  const path = `${process.env.EKS_ACCESS_IMAGES ?? artifacts}/${name}.png`;
  await part.screenshot({ path, animations: "disabled" });
}

/** Waits with the patience of a busy machine until something that the page shows is so. */
export function eventually(check: () => Promise<unknown>): Promise<unknown> {
  return expect.poll(check, { timeout: patience, interval: 100 }).toBe(true);
}

/** Becomes another person, in the same place. */
export async function become(page: Page, name: string): Promise<void> {
  await page
    .getByRole("navigation", { name: "Who I am" })
    .getByRole("link", { name: new RegExp(`^${name}\\b`) })
    .click();
  await page.getByPlaceholder(`Type /eks-access as ${name}`).waitFor();
}

/** Types a line and sends it. */
export async function say(page: Page, line: string): Promise<void> {
  await page.getByRole("combobox", { name: /^Message in/ }).fill(line);
  await page.getByRole("button", { name: "Send" }).click();
}

/** Revokes access by the button of a message, through the form that asks once more. */
export async function revoke(message: Locator): Promise<void> {
  await message.getByRole("button", { name: "Revoke" }).click();
  const page = message.page();
  await page.getByRole("dialog", { name: "Revoke access" }).getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("dialog").getByText("Revoking").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Close", exact: true }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds against WCAG 2.2 AA and its own good practice, each with the elements. */
export async function barriers(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe);
  const found = await page.evaluate<{ help: string; nodes: { html: string }[] }[]>(
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)",
  );
  return found.map(({ help, nodes }) => `${help}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}

/** A phone zooms out for a page that is too wide: only its given size shows that. */
export async function isTooWide(page: Page): Promise<boolean> {
  const width = await page.evaluate<number>("document.documentElement.scrollWidth");
  return width > (page.viewportSize()?.width ?? 0);
}
