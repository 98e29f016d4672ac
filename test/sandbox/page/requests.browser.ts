import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { arns } from "../../../sandbox/scene.ts";
import { aPage, eventually, picture, type ServedPage, say } from "./a-page.ts";

/** What people do with requests, also on a bad day. Each test continues where the one before it left off. */
let served: ServedPage;
let page: Page;

beforeAll(async () => {
  served = await aPage();
  page = await served.open();
});

afterAll(() => served?.stop());

const faults = () => served.livePage.live.sandbox.faults;
const log = () => page.getByRole("log").getByRole("article");
const cardOf = (reason: string) =>
  log()
    .filter({ hasText: reason, has: page.getByRole("button", { name: "Details" }) })
    .last();
const dialog = () => page.getByRole("dialog");

/** Loads a place of a person: a click on a link would race with the next one. */
async function go(user: string, place: "C0ACCESS" | "direct" | "home"): Promise<void> {
  await page.goto(`${served.url}?as=${user}&in=${place}`);
  await page.getByRole("status").getByText("Live").waitFor();
}

async function ask(line: string): Promise<void> {
  await go("U0ENGINEER", "C0ACCESS");
  await say(page, `/eks-access request staging ${line}`);
}

/** The newest direct message to the engineer with these words. */
async function toEngineer(text: string | RegExp): Promise<Locator> {
  await go("U0ENGINEER", "direct");
  const shown = log().filter({ hasText: text }).last();
  await shown.waitFor();
  return shown;
}

test("the form finds namespaces by what one types, and the card names the chosen one", async () => {
  await say(page, "/eks-access request");
  const form = page.getByRole("dialog", { name: "Ask for access" });
  await form.getByLabel("Level").selectOption("reader");
  const namespaces = form.getByLabel("Namespaces");

  // The first letter asks the worker, and a later one gets its answer.
  await eventually(async () => {
    await namespaces.fill("defa");
    return (await page.evaluate<string>("document.activeElement.list.innerHTML")).includes("default");
  });

  await namespaces.fill("default");
  await form.getByLabel("IAM role or user").fill(arns.engineer);
  await form.getByLabel("Why").fill("read the logs of checkout");
  await form.getByRole("button", { name: "Ask", exact: true }).click();
  await go("U0APPROVER", "C0ACCESS");
  await cardOf("read the logs of checkout").getByText("reader on staging in default").waitFor();
});

test("after one of two approvals the thread calls only who is left, and the second one gives the access", async () => {
  await ask(`${arns.engineer} admin for 10m drain a broken node`);
  const card = cardOf("drain a broken node");
  const approve = async (user: string) => {
    await go(user, "C0ACCESS");
    await card.getByRole("button", { name: "Approve" }).click();
    await page.getByRole("dialog", { name: "Approve this access?" }).getByRole("button", { name: "Approve" }).click();
  };
  await approve("U0APPROVER");
  await card.getByText("1 of 2 approvals").waitFor();
  const thread = page.getByRole("log").locator("details").filter({ hasText: "needs your approval too" }).last();
  await thread.locator("summary").click();
  const called = await thread.textContent();
  await picture(page, "second-approval");

  await approve("U0APPROVER2");

  await card.getByText("Active", { exact: true }).waitFor();
  expect(called).toMatch(/, 1 of 2\. @second-approver: admin on staging for @engineer needs your approval too\./);
});

test("while Slack limits updates, the clicked card shows the decision, and the other messages follow", async () => {
  await ask(`${arns.engineer} viewer for 10m through a limit`);
  const waiting = await toEngineer(/Waiting for .* viewer on staging/);
  await go("U0APPROVER", "C0ACCESS");
  const limit = faults().plan(
    "slack.chat.update",
    { type: "answer", status: 429, headers: { "retry-after": "20" } },
    { times: Number.POSITIVE_INFINITY },
  );
  const began = performance.now();

  await cardOf("through a limit").getByRole("button", { name: "Approve" }).click();
  await cardOf("through a limit").getByText("Active", { exact: true }).waitFor();
  const tookMs = performance.now() - began;
  await limit.struck;
  const before = await toEngineer(/Waiting for .* viewer on staging/);
  expect(await before.count()).toBe(1);
  limit.cancel();

  await toEngineer(/viewer on staging .* is active/);
  expect(tookMs).toBeLessThan(20_000);
  expect(await waiting.count()).toBe(0);
});

const away = { type: "answer", status: 503 } as const;
let outage: ReturnType<ReturnType<typeof faults>["plan"]>;

async function askAgain(reason: string): Promise<void> {
  await dialog().getByLabel("Why").fill(reason);
  await dialog().getByRole("button", { name: "Ask", exact: true }).click();
  await dialog().waitFor({ state: "detached" });
}

test("while AWS is away, the engineer reads one plain line, and asks again by the message of what they cancelled", async () => {
  outage = faults().plan("sts.AssumeRole", away, { times: Number.POSITIVE_INFINITY });
  await ask(`${arns.engineer} viewer for 10m while AWS is away`);
  const waits = await toEngineer(/viewer on staging .* waits: I can't work on staging now\. I keep trying until/);
  await picture(page, "outage-engineer");

  await say(page, `/eks-access cancel ${/r-\w{8}/.exec((await waits.textContent()) ?? "")?.[0]}`);
  await (await toEngineer(/viewer on staging .* was cancelled/)).getByRole("button", { name: "Request again" }).click();
  await askAgain("again by the message");

  await toEngineer(/viewer on staging .* waits: I can't work on staging now/);
});

test("what is over is asked for again in Home", async () => {
  await go("U0ENGINEER", "home");
  const home = page.getByRole("region", { name: "Home" });
  await home.getByText("again by the message").waitFor();

  await home.getByRole("button", { name: "Request again" }).first().click();
  await askAgain("again in Home");

  await home.getByText("again in Home").waitFor();
});

const trouble = () => log().filter({ hasText: "The worker can't work on staging since" });

test("operators read the cause and who is on call", async () => {
  await go("U0ONCALL", "C0ACCESS");
  await trouble().waitFor({ timeout: 100_000 });
  const said = await trouble().textContent();
  await picture(page, "outage-operators");

  expect(said).toMatch(/AWS|STS/);
  expect(said).toContain("@on-call");
});

test("they read it once, and that the cluster works again", async () => {
  outage.cancel();

  await log().filter({ hasText: "staging works again" }).waitFor({ timeout: 100_000 });

  expect(await trouble().count()).toBe(1);
});

test("both requests have their cards then", async () => {
  await go("U0APPROVER", "C0ACCESS");

  for (const reason of ["again by the message", "again in Home"])
    await cardOf(reason).getByRole("button", { name: "Approve" }).waitFor();
});
