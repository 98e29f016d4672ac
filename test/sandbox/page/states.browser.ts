import { readFile, writeFile } from "node:fs/promises";
import { Redis } from "ioredis";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { removeUsers } from "../../../sandbox/page/live/incidents.ts";
import { account, arns, channel } from "../../../sandbox/scene.ts";
import { recordKey } from "../../../src/ledger/records.ts";
import type { Message } from "../../../src/slack/show/message.ts";
import { openCards, settledCards } from "../../builders/cards.ts";
import { aPage, become, keep, revoke, type ServedPage, say } from "./a-page.ts";
import { longerCards, type Size, sizeOf } from "./card-size.ts";

/** Each state of a request's card and what belongs to it, on a phone and a laptop, in light and dark: docs/messages.md. */
const phone = { width: 390, height: 844 };
const laptop = { width: 1440, height: 900 };

let served: ServedPage;
let page: Page;

beforeAll(async () => {
  served = await aPage();
  page = await served.open();
});

afterAll(() => served?.stop());

const card = (reason: string) => page.getByRole("log").getByRole("article").filter({ hasText: reason }).last();
/** The last card with these words; replies have no such button. */
const cardWith = (text: string) =>
  page
    .getByRole("log")
    .getByRole("article")
    .filter({ hasText: text, has: page.getByRole("button", { name: "Details" }) })
    .last();

async function ask(line: string): Promise<void> {
  await become(page, "engineer");
  await say(page, `/eks-access request staging ${arns.engineer} ${line}`);
  await become(page, "approver");
}

/** Pictures of what is shown in all four looks, and the lines that the first part of a card has on the phone. */
async function looks(shown: Locator, name: string): Promise<void> {
  for (const [width, viewport] of [
    ["phone", phone],
    ["laptop", laptop],
  ] as const) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await keep(shown, `states/${name}-${width}-${colorScheme}`);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
}

/** The newest direct message of eks-access to the engineer, which the page then shows. */
async function toEngineer(text: string | RegExp): Promise<Locator> {
  await page.getByRole("link", { name: /^eks-access(?!: Home)/ }).click();
  await become(page, "engineer");
  const shown = page.getByRole("log").getByRole("article").filter({ hasText: text }).last();
  await shown.waitFor();
  return shown;
}

async function toChannel(): Promise<void> {
  await page.getByRole("link", { name: "# cluster-access" }).click();
}

/** What a card takes on a phone. */
const onPhone = (shown: Locator) => atPhone(() => sizeOf(page, shown));
const longerThan = (most: number, part: keyof Size, cards: Readonly<Record<string, Message>>) =>
  atPhone(() => longerCards(page, most, part, cards));

async function atPhone<Result>(run: () => Promise<Result>): Promise<Result> {
  await page.setViewportSize(phone);
  const result = await run();
  await page.setViewportSize(laptop);
  return result;
}

test("asked", async () => {
  await ask("viewer for 10m look into the failing rollout");
  const shown = card("look into the failing rollout");
  await shown.getByRole("button", { name: "Approve" }).waitFor();

  await looks(shown, "asked");

  expect((await onPhone(shown)).all).toBeLessThanOrEqual(12);
});

test("no card that waits is longer than twelve lines with its buttons, with names of 24 characters each", async () => {
  expect(await longerThan(12, "all", openCards.usual)).toEqual([]);
  expect(await longerThan(12, "all", openCards.long)).toEqual([]);
  expect(await longerThan(17, "all", openCards.longest)).toEqual([]);
});

test("after the decision no card has more than three lines of text, and more only where names are long", async () => {
  expect(await longerThan(3, "text", settledCards.usual)).toEqual([]);
  expect(await longerThan(3, "text", settledCards.namespaces)).toEqual([]);
  expect(await longerThan(6, "text", settledCards.longest)).toEqual([]);
});

test("details, with the exact change", async () => {
  await card("look into the failing rollout").getByRole("button", { name: "Details" }).click();
  const details = page.getByRole("dialog", { name: "Request" });
  await details.getByRole("button", { name: "Approve" }).waitFor();

  await looks(details, "details");

  await page.keyboard.press("Escape");
  await details.waitFor({ state: "detached" });
});

test("active", async () => {
  const shown = card("look into the failing rollout");
  await shown.getByRole("button", { name: "Approve" }).click();
  await shown.getByText("Active", { exact: true }).waitFor();

  await looks(shown, "active");

  expect((await onPhone(shown)).text).toBeLessThanOrEqual(3);
});

test("an extension, asked by its holder", async () => {
  await become(page, "engineer");
  await card("look into the failing rollout").getByRole("button", { name: "Extend" }).click();
  const form = page.getByRole("dialog");
  await form.getByRole("button", { name: "Ask", exact: true }).click();
  await form.getByRole("button", { name: "Close", exact: true }).last().click();
  await become(page, "approver");
  const shown = page.getByRole("log").getByRole("article").filter({ hasText: "asks to extend" }).last();
  await shown.getByRole("button", { name: "Approve" }).waitFor();

  await looks(shown, "extension");

  expect((await onPhone(shown)).all).toBeLessThanOrEqual(12);
  await shown.getByRole("button", { name: "Deny" }).click();
  await page.getByRole("dialog").getByRole("textbox").fill("The rollout is over");
  await page.getByRole("dialog").getByRole("button", { name: "Deny" }).click();
  await cardWith("Denied by").waitFor();
});

test("ended", async () => {
  // The extension has the same reason.
  const shown = page.getByRole("article").filter({ hasText: "look into the failing rollout" }).first();
  await revoke(shown);
  await shown.getByText("Ended", { exact: true }).waitFor();

  await looks(shown, "ended");

  expect((await onPhone(shown)).text).toBeLessThanOrEqual(3);
});

test("one of two approvals", async () => {
  await ask("admin for 10m drain a broken node");
  const shown = card("drain a broken node");
  await shown.getByText("Warnings: full control").waitFor();
  await shown.getByRole("button", { name: "Approve" }).click();
  const sure = page.getByRole("dialog", { name: "Approve this access?" });
  await sure.getByText("full control of staging").waitFor();
  await sure.getByRole("button", { name: "Approve" }).click();
  await shown.getByText("1 of 2 approvals").waitFor();

  await looks(shown, "half-approved");

  expect((await onPhone(shown)).all).toBeLessThanOrEqual(12);
});

test("denied", async () => {
  await become(page, "approver");
  await card("drain a broken node").getByRole("button", { name: "Deny" }).click();
  const form = page.getByRole("dialog");
  await form.getByRole("textbox").fill("Cordon it; the autoscaler replaces it");
  await form.getByRole("button", { name: "Deny" }).click();
  // The answer has the place of the reason.
  const shown = cardWith("Cordon it");
  await shown.waitFor();

  await looks(shown, "denied");

  expect((await onPhone(shown)).text).toBeLessThanOrEqual(3);
});

test("failed, with the remedy", async () => {
  await ask("viewer for 10m read the events");
  const shown = card("read the events");
  const denial = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: /^AccessDenied/ }) });
  await denial.getByRole("button", { name: "Stop trusting" }).click();
  await denial.getByText("in force").waitFor();
  await shown.getByRole("button", { name: "Approve" }).click();
  // What needs attention has the place of the reason.
  const failing = cardWith("failing; next try");
  await failing.waitFor();

  await looks(failing, "failed");

  expect((await onPhone(failing)).text).toBeLessThanOrEqual(3);

  await denial.getByRole("button", { name: "Trust again" }).click();
});

test("approved, but not applied yet; active, in the direct message; and lost", async () => {
  const { faults, cluster } = served.livePage.live.sandbox;
  let write = () => {};
  const seen = new Promise<void>((resolve) => {
    write = resolve;
  });
  await ask("viewer for 10m compare two deployments");
  const shown = card("compare two deployments");
  await shown.getByRole("button", { name: "Approve" }).waitFor();
  faults.plan(
    "kubernetes.replace-configmap",
    { type: "watch" },
    { times: Number.POSITIVE_INFINITY, onStrike: () => seen },
  );
  await shown.getByRole("button", { name: "Approve" }).click();
  await shown.getByText("Approved by").waitFor();
  await looks(shown, "approved");
  expect(await shown.getByText("Approved by").isVisible()).toBe(true);
  write();
  await shown.getByText("Active", { exact: true }).waitFor();
  await looks(await toEngineer(/\) is active until/), "direct-message");

  await cluster.editAwsAuth(removeUsers);
  await toChannel();
  await become(page, "approver");
  // What happened has the place of the reason.
  const lost = cardWith("Access lost");
  await lost.waitFor();
  await looks(lost, "lost");
  await revoke(lost);
  await shown.getByText("Ended", { exact: true }).waitFor();
});

test("cancelled, and refused", async () => {
  const { slack, cluster } = served.livePage.live.sandbox;
  await ask("viewer for 10m read one log");
  const shown = card("read one log");
  await shown.getByRole("button", { name: "Approve" }).waitFor();
  const engineer = slack.person("U0ENGINEER");
  const waiting = () => engineer.directMessages().findLast(({ text }) => text.includes("Waiting for"));
  await engineer.click(await slack.until(waiting), "cancel");
  await shown.getByText("Cancelled by").waitFor();
  await looks(shown, "cancelled");

  const reporting = `arn:aws:iam::${account}:user/reporting`;
  const own = `- userarn: ${reporting}\n  username: reporting\n  groups: [eks-access:viewers]\n`;
  await cluster.editAwsAuth((map) => ({ ...map, data: { ...map.data, mapUsers: own } }));
  await slack
    .person("U0ENGINEER")
    .command(`/eks-access request staging ${reporting} viewer for 10m find a slow query`, channel);
  await looks(await toEngineer(/was refused, and nothing changed/), "refused");
  await cluster.editAwsAuth(removeUsers);
  await toChannel();
});

test("failed, because its time was over before the repair", async () => {
  await ask("viewer for 10s count the pods");
  const shown = card("count the pods");
  const denial = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: /^AccessDenied/ }) });
  await shown.getByRole("button", { name: "Approve" }).waitFor();
  await denial.getByRole("button", { name: "Stop trusting" }).click();
  await denial.getByText("in force").waitFor();
  await shown.getByRole("button", { name: "Approve" }).click();
  // Whom to call has the place of the reason.
  const failed = cardWith("Failed:");
  await failed.waitFor({ timeout: 90_000 });

  await looks(failed, "failed-lease");

  await denial.getByRole("button", { name: "Trust again" }).click();
});

test("emergency, and the form for it", async () => {
  await become(page, "on-call");
  await page.getByRole("link", { name: "eks-access: Home" }).click();
  await page.getByRole("button", { name: "Emergency access" }).click();
  const form = page.getByRole("dialog", { name: "Emergency access" });
  await form.waitFor();
  await looks(form, "emergency-form");
  await page.keyboard.press("Escape");
  await form.waitFor({ state: "detached" });
  await page.getByRole("link", { name: "# cluster-access" }).click();
  await say(page, `/eks-access break-glass staging ${arns.onCall} checkout is down`);
  const shown = card("checkout is down");
  await shown.getByText("Active", { exact: true }).waitFor();

  await looks(shown, "emergency");

  expect((await onPhone(shown)).all).toBeLessThanOrEqual(12);
});

test("a reviewed emergency", async () => {
  await become(page, "approver");
  const shown = card("checkout is down");
  await shown.getByRole("button", { name: "Mark reviewed" }).click();
  const form = page.getByRole("dialog");
  await form.getByRole("textbox").fill("It was the full disk");
  await form.getByRole("button", { name: "Mark reviewed" }).click();
  await form.waitFor({ state: "detached" });
  const reviewed = cardWith("Emergency, reviewed by");
  await reviewed.waitFor();

  await looks(reviewed, "reviewed");

  expect((await onPhone(reviewed)).text).toBeLessThanOrEqual(3);

  await become(page, "on-call");
});

test("Home of a person with access", async () => {
  await page.getByRole("link", { name: "eks-access: Home" }).click();
  const home = page.getByRole("region", { name: "Home" });
  await home.getByText("Your access", { exact: true }).waitFor();

  await looks(home, "home");
});

test("a repair and a migration, which have Approve below the whole plan, and ask again before a step without a way back", async () => {
  const { aws, cluster } = served.livePage.live.sandbox;
  const role = (suffix: string) => `AWSReservedSSO_Developer_${suffix.repeat(16)}`;
  aws.account.addRole({ name: role("b"), path: "/aws-reserved/sso.amazonaws.com/" });
  const dead = `- rolearn: arn:aws:iam::${account}:role/${role("a")}\n  username: dev:{{SessionName}}\n  groups: [eks-access:viewers]\n`;
  await cluster.editAwsAuth((map) => ({
    ...map,
    data: { ...map.data, mapRoles: `${map.data?.mapRoles ?? ""}${dead}` },
  }));
  await page.getByRole("link", { name: "# cluster-access" }).click();
  await become(page, "approver");
  const asked = async (line: string, title: string) => {
    await say(page, line);
    const shown = page.getByRole("log").getByRole("article").filter({ hasText: title }).last();
    await shown.getByRole("button", { name: "Review" }).waitFor();
    return shown;
  };
  const session = `arn:aws:sts::${account}:assumed-role/${role("b")}/alice@example.com`;

  const repair = await asked(`/eks-access repair staging ${session}`, "asks to repair");
  await looks(repair, "repair");
  const sizeOfRepair = await onPhone(repair);
  await page.setViewportSize(laptop);
  await repair.getByRole("button", { name: "Stop" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Stop it" }).click();
  const stopped = cardWith("Stopped by");
  await stopped.waitFor();
  const sizeOfStopped = await onPhone(stopped);
  const migration = await asked("/eks-access migrate staging ask", "asks to migrate");
  await looks(migration, "migration");
  const sizeOfMigration = await onPhone(migration);
  await migration.getByRole("button", { name: "Review" }).click();
  const plan = page.getByRole("dialog", { name: "Plan" });
  const approvePlan = plan.getByRole("button", { name: "Approve this plan" });
  await approvePlan.waitFor();
  await page.keyboard.press("Escape");
  await become(page, "second-approver");
  await migration.getByRole("button", { name: "Review" }).click();
  await approvePlan.click();
  const confirmation = page.getByRole("dialog").filter({ hasText: "EKS can't switch back to CONFIG_MAP." });
  await confirmation.getByRole("button", { name: "Not yet" }).click();
  await approvePlan.click();
  await confirmation.getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByText("Waiting for another approver").first().waitFor();
  await page.keyboard.press("Escape");

  expect(sizeOfRepair.all).toBeLessThanOrEqual(12);
  expect(sizeOfStopped.text).toBeLessThanOrEqual(3);
  expect(sizeOfMigration.all).toBeLessThanOrEqual(12);
});

test("a request that Redis lost, at the next click", async () => {
  await ask("viewer for 10m look at the ingress");
  const shown = card("look at the ingress");
  await shown.getByRole("button", { name: "Approve" }).waitFor();
  const asked = served.livePage.ledger.events().findLast(({ event }) => event.type === "request.created");
  const redis = new Redis(served.livePage.live.redis.url);
  await redis.del(recordKey(asked?.event.request ?? ""));
  redis.disconnect();

  await shown.getByRole("button", { name: "Approve" }).click();
  const lost = cardWith("Lost:");
  await lost.waitFor();
  await looks(lost, "lost-request");

  expect((await onPhone(lost)).text).toBeLessThanOrEqual(4);
});

test("expired", async () => {
  const file = served.livePage.live.sandbox.environmentOf("slack", { redisUrl: "" }).EKS_ACCESS_CONFIG ?? expect.fail();
  await writeFile(file, (await readFile(file, "utf8")).replace("requestExpiresAfter: 1h", "requestExpiresAfter: 8s"));
  await served.livePage.live.slack.stop();
  await served.livePage.live.slack.start();
  await page.keyboard.press("Escape");
  await ask("viewer for 10m look at one pod");
  const shown = card("look at one pod");
  await shown.getByText("Expired", { exact: true }).waitFor();

  await looks(shown, "expired");
});
