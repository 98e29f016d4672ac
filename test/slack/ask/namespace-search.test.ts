import { afterEach, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { sealNamespaces } from "../../../src/access/shared-lists.ts";
import type { WorkerQuestion } from "../../../src/ledger/jobs.ts";
import { aCluster, configText } from "../../builders/a-cluster.ts";
import { anApprovedRequest, aPreviewedRequest, engineerArn } from "../../builders/a-request.ts";
import { keys, otherKeys } from "../../builders/keys.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

const rules =
  "policy: { rules: [{ name: a, who: [U0ENGINEER], levels: [viewer] }, { name: b, who: [U0ONCALL], levels: [admin] }] }\n";
const config = `${configText.replace("groups: [eks-access:viewers]", "bind: [{ clusterRole: edit, in: choose }]")}${rules}`;

let app: SlackApp;
let asked: number;
afterEach(() => app.stop());

/** The form of this person, with a worker that lists these names; null: none runs. */
async function opened(user: string, names: readonly string[] | null, from = keys): Promise<void> {
  asked = 0;
  app = await aSlackApp({
    config,
    worker: async (question: WorkerQuestion) => {
      if (names === null) throw new Error("no worker runs");
      if (question.type !== "namespaces") return true;
      asked += 1;
      const list = sealNamespaces(aCluster({ name: question.cluster }), names, new Date(), from.preview);
      await app.ledger.rememberNamespaces(list);
      return { type: "found", list };
    },
  });
  await app.person(user).command("/eks-access request", "C0ACCESS");
  await app.slack.until(() => app.person(user).view());
}

const search = (typed: string, user = "U0ENGINEER") => app.person(user).suggestions("In which namespaces", typed);

test("the form searches what the worker published, and is sent with several", async () => {
  await opened("U0ENGINEER", ["shop", "payments", "shop-blue"]);

  expect(await search("sho")).toEqual(["shop", "shop-blue", "sho (not in the list)"]);
  expect(await search("pay")).toEqual(["payments", "pay (not in the list)"]);
  await app.person("U0ENGINEER").submit({
    "IAM role or user": engineerArn,
    "In which namespaces": "shop,payments",
    Why: "fix the checkout",
  });

  expect(await app.ledger.get("r-new1")).toMatchObject({ namespaces: "payments,shop" });
  expect(asked).toBe(1);
});

test("a name outside the list can be asked for: the worker checks it", async () => {
  await opened("U0ENGINEER", ["shop"]);

  await search("brand-new");
  await app.person("U0ENGINEER").submit({
    "IAM role or user": engineerArn,
    "In which namespaces": "brand-new",
    Why: "fix the checkout",
  });

  expect(await app.ledger.get("r-new1")).toMatchObject({ namespaces: "brand-new" });
});

test("without a worker, and with a list that it did not seal, a typed name alone is offered", async () => {
  await opened("U0ENGINEER", null);
  expect(await search("shop")).toEqual(["shop (not in the list)"]);
  await app.stop();

  await opened("U0ENGINEER", ["shop", "kube-system"], otherKeys);
  expect(await search("")).toEqual([]);
});

test("a person who can't choose namespaces of the cluster has no field for them", async () => {
  await opened("U0ONCALL", ["shop"]);

  expect(textOf(app.person("U0ONCALL").view() ?? expect.fail())).not.toContain("In which namespaces");
});

test("a person who can't choose namespaces of the cluster sees none by asking for one who can", async () => {
  await opened("U0ONCALL", ["shop"]);
  const oncall = app.person("U0ONCALL");
  await oncall.choose(oncall.view() ?? expect.fail(), "For someone else", "U0ENGINEER");
  await app.slack.until(() => (oncall.view()?.updates ? oncall.view() : undefined));

  expect(await search("sho", "U0ONCALL")).toEqual(["sho (not in the list)"]);
  expect(asked).toBe(0);
});

test("the form puts the clusters that the person used last first, and says how long an answer usually takes", async () => {
  asked = 0;
  const [, staging = ""] = / {2}staging:\n([\s\S]*?)levels:\n {2}viewer/.exec(config) ?? [];
  const production = `  production:\n${staging.replace("staging-eks", "production-eks")}`;
  app = await aSlackApp({ config: config.replace("  staging:\n", `${production}  staging:\n`) });
  for (const id of ["r-1", "r-2", "r-3"]) await app.put(anApprovedRequest({ id }));

  await app.person("U0ENGINEER").command("/eks-access request", "C0ACCESS");
  const form = await app.slack.until(() => app.person("U0ENGINEER").view());

  const options = JSON.stringify(form.blocks[0]);
  expect(options.indexOf("staging")).toBeLessThan(options.indexOf("production"));
  expect(textOf(form)).toContain("An answer usually takes 2 min.");
});

test("the form says so to a person who asks for the first time, too, and when one asks again", async () => {
  app = await aSlackApp({ config });
  for (const id of ["r-1", "r-2", "r-3"]) await app.put(anApprovedRequest({ id }));
  const { id } = await app.put(aPreviewedRequest({ id: "r-4", state: "denied" }));
  const form = (user: string) => app.slack.until(() => app.person(user).view());

  await app.person("U0ONCALL").command("/eks-access request", "C0ACCESS");
  await app.person("U0ENGINEER").click(await app.show(id), "Request again");

  expect(textOf(await form("U0ONCALL"))).toContain("An answer usually takes 2 min.");
  expect(textOf(await form("U0ENGINEER"))).toContain("An answer usually takes 2 min.");
});
