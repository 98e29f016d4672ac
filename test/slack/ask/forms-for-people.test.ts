import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SandboxView } from "../../../sandbox/slack/inputs.ts";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aLink } from "../../builders/a-link.ts";
import { aLeasedRequest, aPreviewedRequest, engineerArn } from "../../builders/a-request.ts";
import { anEmergency } from "../../builders/an-emergency.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

const policy = `
policy:
  rules: [{ name: everybody }]
  breakGlass: [{ who: [U0ONCALL], level: admin, for: 30m }]
`;
/** The cluster of `configText`. */
const staging = /^ {2}staging:\n(?: {4,}.*\n)+/m.exec(configText)?.[0] ?? "";
let app: SlackApp;

beforeEach(async () => {
  app = await aSlackApp({ config: `${configText}${policy}` });
});

afterEach(() => app.stop());

const opened = (user: string): Promise<SandboxView> => app.slack.until(() => app.person(user).view());

describe("a form opens only for a person who can send it", () => {
  test.each([
    ["deny", "Only approvers of `viewer` on `staging` can do this"],
    ["revoke", "can do this"],
    ["reviewed", "Only approvers of `staging` can do this"],
  ])("%s", async (action, why) => {
    const record = { deny: aPreviewedRequest(), revoke: aLeasedRequest({}), reviewed: anEmergency() }[action];
    const { id } = await app.put(record ?? expect.fail("there is no such record"));
    const message = await app.show(id);

    await app.person("U0ONCALL").click(message, action);
    const refused = await opened("U0ONCALL");
    await app.person("U0APPROVER").click(message, action);
    const form = await opened("U0APPROVER");

    expect(textOf(refused)).toContain(why);
    expect(refused.json.submit).toBeUndefined();
    expect(form.json.submit).toBeDefined();
    expect((await app.ledger.eventsOf(id, 10)).at(-1)?.event).toMatchObject({
      type: expect.stringMatching(/^(attempt|decision)\.refused$/),
      actor: "U0ONCALL",
    });
  });
});

test("a review keeps its note in the audit log", async () => {
  const { id } = await app.put(anEmergency());

  await app.person("U0APPROVER").click(await app.show(id), "reviewed");
  await opened("U0APPROVER");
  await app.person("U0APPROVER").submit({ "What you found": "two pods restarted" });

  expect((await app.ledger.eventsOf(id, 10)).at(-1)?.event).toMatchObject({
    type: "emergency.reviewed",
    actor: "U0APPROVER",
    detail: { why: "two pods restarted" },
  });
});

describe("break-glass", () => {
  /** The form as it opens, for on-call. */
  async function emergencyForm(): Promise<SandboxView> {
    await app.person("U0ONCALL").click(await app.say("U0ONCALL", "help"), "Emergency access");
    return opened("U0ONCALL");
  }

  test("typed alone opens the form, and without a policy for the person says why there is none", async () => {
    for (const user of ["U0ONCALL", "U0ENGINEER"]) await app.person(user).command("/eks-access break-glass");

    expect((await opened("U0ONCALL")).json.submit).toMatchObject({ text: "Take it now" });
    expect(textOf(await opened("U0ENGINEER"))).toContain("The policy gives you no emergency access to a cluster.");
    expect((await opened("U0ENGINEER")).json.submit).toBeUndefined();
  });

  test("is two clicks and a sentence: the form has cluster, level and identity, and says what happens", async () => {
    await app.ledger.linkPrincipal("U0ONCALL", aLink("U0ONCALL", engineerArn));

    const form = await emergencyForm();
    await app.person("U0ONCALL").submit({ Why: "checkout is down" });

    expect(textOf(form)).toContain("[staging]");
    expect(textOf(form)).toContain("`staging`: `admin` for 30m");
    expect(textOf(form)).toContain("You get access at once. The channel sees it");
    const [taken] = await app.ledger.ofRequester("U0ONCALL", 1);
    expect(taken).toMatchObject({
      ...{ level: "admin", principal: engineerArn, reason: "checkout is down" },
      emergency: { review: null },
    });
  });

  test("wants an ARN only of a person without a known identity, and says how to find it", async () => {
    const form = await emergencyForm();
    const { errors } = await app.person("U0ONCALL").submit({ Why: "checkout is down" });
    await app.person("U0ONCALL").submit({ Why: "checkout is down", "IAM role or user": engineerArn });
    await app.ledger.linkPrincipal("U0ONCALL", aLink("U0ONCALL", engineerArn));
    const later = await emergencyForm();

    expect(Object.keys(errors)).toEqual(["principal/staging"]);
    expect(textOf(form)).toContain("aws sts get-caller-identity prints yours.");
    expect(await app.ledger.ofRequester("U0ONCALL", 1)).toMatchObject([{ principal: engineerArn }]);
    expect(textOf(later)).toContain("You on `staging`: `engineer`");
    expect(textOf(later)).toContain("Another role or user");
    app.person("U0ONCALL").close();
  });

  test("follows the cluster: an identity of one account is none in another", async () => {
    await app.stop();
    const payments = staging.replaceAll("staging", "payments").replaceAll("111122223333", "444455556666");
    app = await aSlackApp({
      config: `${configText.replace("levels:\n  viewer", `${payments}levels:\n  viewer`)}${policy}`,
    });
    await app.ledger.linkPrincipal("U0ONCALL", aLink("U0ONCALL", engineerArn));
    const form = await emergencyForm();

    await app.person("U0ONCALL").choose(form, "Cluster", "payments");
    const chosen = await app.slack.until(() => [app.person("U0ONCALL").view()].find((view) => view?.updates === 1));

    expect(textOf(form)).toContain("Another role or user");
    expect(textOf(chosen)).toContain("[payments]");
    expect(textOf(chosen)).not.toContain("Another role or user");
    app.person("U0ONCALL").close();
  });

  test("opens with the cluster of the channel, and elsewhere with that of the last request", async () => {
    await app.stop();
    const payments = staging.replaceAll("staging", "payments").replace("C0ACCESS", "C0PAYMENTS");
    app = await aSlackApp({
      config: `${configText.replace("levels:\n  viewer", `${payments}levels:\n  viewer`)}${policy}`,
    });
    const onCall = app.person("U0ONCALL");
    const opensIn = async (channel: string) => {
      await onCall.command("/eks-access break-glass", channel);
      const form = textOf(await opened("U0ONCALL"));
      onCall.close();
      return /\[(staging|payments)\]/.exec(form)?.[1];
    };

    const before = [await opensIn("C0PAYMENTS"), await opensIn("D0ONCALL")];
    await onCall.command(`/eks-access break-glass payments ${engineerArn} checkout is down`, "C0PAYMENTS");
    const after = [await opensIn("C0ACCESS"), await opensIn("D0ONCALL")];

    expect({ before, after }).toEqual({ before: ["payments", "staging"], after: ["staging", "payments"] });
  });

  test("says what one cluster gives, and finds each of more than a hundred by its name", async () => {
    await app.stop();
    const more = Array.from({ length: 120 }, (_, index) => staging.replaceAll("staging", `shop-${index}`)).join("");
    app = await aSlackApp({
      config: `${configText.replace("levels:\n  viewer", `${more}levels:\n  viewer`)}${policy}`,
    });
    const form = await emergencyForm();

    const found = await app.person("U0ONCALL").suggestions("Cluster", "shop-119");
    await app.person("U0ONCALL").choose(form, "Cluster", "shop-119");
    const chosen = await app.slack.until(() => [app.person("U0ONCALL").view()].find((view) => view?.updates === 1));

    expect(found).toEqual(["shop-119"]);
    expect(textOf(form)).toContain("`staging`: `admin` for 30m");
    expect(textOf(form)).not.toContain("`shop-0`");
    expect(textOf(chosen)).toContain("[shop-119]");
    expect(textOf(chosen)).toContain("`shop-119`: `admin` for 30m");
    app.person("U0ONCALL").close();
  });

  test("keeps what was typed if something is missing, and says so at its field", async () => {
    await emergencyForm();

    const { errors } = await app.person("U0ONCALL").submit({ Why: "checkout is down", "IAM role or user": "on-call" });

    expect(Object.keys(errors)).toEqual(["principal/staging"]);
    expect(app.person("U0ONCALL").view()?.title).toBe("Emergency access");
    app.person("U0ONCALL").close();
  });

  test("shows its button to no other person", async () => {
    expect(textOf(await app.say("U0ENGINEER", "help"))).not.toContain("Emergency access");
    expect(textOf(await app.say("U0ENGINEER", "help all"))).not.toContain("break-glass");
  });
});

test("the form of a request says how many approvals it needs, and from which people", async () => {
  await app.person("U0ENGINEER").command("/eks-access request", "C0ACCESS");
  const form = await opened("U0ENGINEER");
  await app.person("U0ENGINEER").choose(form, "Level", "viewer");
  const chosen = await app.slack.until(() => [app.person("U0ENGINEER").view()].find((view) => view?.updates === 1));

  expect(textOf(form)).not.toContain("Needs one approval");
  expect(textOf(chosen)).toContain("Needs one approval, from <@U0APPROVER> or <@U0APPROVER2>.");
});

test("a word with a mistake is one click from its command", async () => {
  const answer = await app.say("U0ENGINEER", "lst pending");

  const list = await app.answered("U0ENGINEER", () => app.person("U0ENGINEER").click(answer, "Run list"));

  expect(textOf(list)).toContain("waiting for a decision");
});
