import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aLeasedRequest, aPreviewedRequest, engineerArn } from "../../builders/a-request.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

const limits = "\nlimits: { pending: 1 }\n";
let app: SlackApp;

beforeEach(async () => {
  app = await aSlackApp({ config: `${configText}${limits}` });
});
afterEach(() => app.stop());

const line = `request staging ${engineerArn} viewer for @on-call for 2h the deployment hangs`;
const texts = (user: string) => app.person(user).directMessages().map(textOf).join("\n");

describe("a request for another person", () => {
  test("is theirs, and the event says who asked; it links them with nothing", async () => {
    const answer = await app.say("U0ENGINEER", line);

    const [event] = await app.ledger.eventsOf("r-new1", 10);
    expect(textOf(answer)).toContain(
      "Requested `viewer` on `staging` for <@U0ONCALL> for 2h (`r-new1`). I'll DM both of you.",
    );
    expect(await app.ledger.get("r-new1")).toMatchObject({ requester: "U0ONCALL", askedBy: "U0ENGINEER" });
    expect(event?.event).toMatchObject({
      type: "request.created",
      actor: "U0ENGINEER",
      detail: { requester: "U0ONCALL", askedBy: "U0ENGINEER" },
    });
    expect(await app.ledger.linksOf("U0ONCALL")).toEqual([]);
    expect(await app.ledger.linksOf("U0ENGINEER")).toEqual([]);
  });

  test("counts against the person who asks, and leaves the other one room", async () => {
    await app.say("U0ENGINEER", line);

    const again = await app.say("U0ENGINEER", line.replace("2h", "3h"));
    const own = await app.say("U0ONCALL", line.replace("for @on-call ", ""));

    expect(textOf(again)).toContain("you already have 1 requests waiting");
    expect(textOf(own)).toContain("Requested `viewer`");
  });

  test("puts no ARN of the person who asked into the other's next forms", async () => {
    const asked = await app.say("U0ENGINEER", line);
    expect(textOf(asked)).toContain("`r-new1`");
    await app.say("U0ONCALL", "cancel r-new1");
    const other = app.person("U0ONCALL");

    await other.command("/eks-access request", "C0ACCESS");
    const first = textOf(await app.slack.until(() => other.view()));
    other.close();
    await other.click(await app.say("U0ONCALL", "status r-new1"), "Request again");
    const again = textOf(await app.slack.until(() => other.view()));
    other.close();

    expect(again).toContain("[staging]");
    for (const form of [first, again]) expect(form).not.toContain(engineerArn);
  });

  test("stays one when its holder extends it: no link, no next form and no approval by the person who asked", async () => {
    const asked = { requester: "U0ONCALL", askedBy: "U0APPROVER2" };
    const { id } = await app.put(aLeasedRequest({}, { ...asked, durationSeconds: 3600 }));

    const extended = textOf(await app.say("U0ONCALL", `extend ${id} for 1h`));

    expect(extended).toContain(`Requested: extend \`${id}\` until`);
    const extension = (await app.ledger.get("r-new1")) ?? expect.fail();
    expect(extension).toMatchObject({ ...asked, extends: id });
    expect(await app.ledger.linksOf("U0ONCALL")).toEqual([]);
    const other = app.person("U0ONCALL");
    await other.command("/eks-access request", "C0ACCESS");
    const first = textOf(await app.slack.until(() => other.view()));
    other.close();
    await app.say("U0ONCALL", "cancel r-new1");
    await other.click(await app.say("U0ONCALL", "status r-new1"), "Request again");
    const again = textOf(await app.slack.until(() => other.view()));
    for (const form of [first, again]) expect(form).not.toContain(engineerArn);

    const shown = await app.put(aPreviewedRequest({ ...asked, extends: id, until: extension.until, id: "r-shown" }));
    const card = await app.show(shown.id);
    const refused = await app.answered("U0APPROVER2", () => app.person("U0APPROVER2").click(card, "Approve"));

    expect(textOf(card)).toContain("<@U0ONCALL> asks to extend `viewer` on `staging`");
    expect(textOf(card)).not.toContain("<@U0APPROVER2> asks");
    expect(textOf(refused)).toContain("your own request");
  });

  test("for oneself is an ordinary one", async () => {
    await app.say("U0ENGINEER", line.replace("@on-call", "@engineer"));

    expect(await app.ledger.get("r-new1")).toMatchObject({ requester: "U0ENGINEER", askedBy: null });
  });

  test("is refused for an account that can't sign in, also in the form", async () => {
    app.slack.deactivate("U0ONCALL");

    const answer = await app.say("U0ENGINEER", line);
    const [event] = (await app.ledger.events(1, 10)).slice(-1);

    expect(textOf(answer)).toContain("No request made for <@U0ONCALL>: the Slack account is deactivated.");
    expect(event?.event).toMatchObject({ type: "attempt.refused", actor: "U0ENGINEER" });
    expect(await app.ledger.get("r-new1")).toBeNull();
  });

  test.each(["", ` ${engineerArn}`])(
    "is refused for such an account in one sentence, whatever else is wrong",
    async (arn) => {
      app.slack.deactivate("U0ONCALL");

      const answer = await app.say("U0ENGINEER", `request staging${arn} viewr for @on-call the deployment hangs`);

      expect(textOf(answer)).toBe(":warning: No request made for <@U0ONCALL>: the Slack account is deactivated.");
    },
  );

  test("is refused for such an account in the form, although it has a mistake", async () => {
    const engineer = app.person("U0ENGINEER");
    await engineer.command("/eks-access request", "C0ACCESS");
    const form = await app.slack.until(() => engineer.view());
    await engineer.choose(form, "For someone else", "U0ONCALL");
    await app.slack.until(() => (engineer.view()?.updates ? engineer.view() : undefined));
    app.slack.deactivate("U0ONCALL");
    app.pass(60);

    await engineer.submit({ Level: "viewer", "IAM role or user": "nonsense", Why: "the deployment hangs" });

    // In the form, which is open until then.
    await expect
      .poll(() => textOf(engineer.view() ?? form))
      .toContain("No request made for <@U0ONCALL>: the Slack account is deactivated.");
  });

  test("stays as it is in a form that named too many people", async () => {
    await app.follow(`${configText}\nlimits: { questions: 1 }\n`);
    const engineer = app.person("U0ENGINEER");
    await engineer.command("/eks-access request", "C0ACCESS");
    const form = await app.slack.until(() => engineer.view());
    await engineer.choose(form, "For someone else", "U0ONCALL");
    const named = await app.slack.until(() => (engineer.view()?.updates ? engineer.view() : undefined));
    app.slack.deactivate("U0APPROVER2");
    const before = app.slack.faults.calls("slack.users.info");

    await engineer.choose(named, "For someone else", "U0APPROVER2");
    await engineer.submit({ Level: "viewer", "IAM role or user": engineerArn, Why: "the deployment hangs" });

    await expect.poll(() => textOf(engineer.view() ?? form)).toContain("You sent 1 questions.");
    expect(app.slack.faults.calls("slack.users.info")).toBe(before);
  });

  test("is reported to both at once; either stops it with one click, and both learn it", async () => {
    await app.say("U0ENGINEER", line);
    await app.show("r-new1").catch(() => {});
    const [message] = app.person("U0ONCALL").directMessages();

    expect(texts("U0ONCALL")).toContain("Requested `viewer` on `staging` (`r-new1`, asked by <@U0ENGINEER>)");
    expect(texts("U0ENGINEER")).toContain("Requested `viewer` on `staging` (`r-new1`, for <@U0ONCALL>)");
    await app.person("U0ONCALL").click(message ?? expect.fail(), "Cancel");
    await app.show("r-new1").catch(() => {});

    expect(await app.ledger.get("r-new1")).toMatchObject({ state: "cancelled" });
    expect(texts("U0ENGINEER")).toContain("`viewer` on `staging` (`r-new1`, for <@U0ONCALL>) was cancelled.");
    expect(texts("U0ONCALL")).toContain("`viewer` on `staging` (`r-new1`, asked by <@U0ENGINEER>) was cancelled.");
  });

  test("shows both on the card and in both messages", async () => {
    const asked = await app.put(aPreviewedRequest({ requester: "U0ONCALL", askedBy: "U0ENGINEER" }));
    const card = textOf(await app.show(asked.id));

    expect(card).toContain("<@U0ENGINEER> asks for `viewer` on `staging` for <@U0ONCALL>");
    expect(texts("U0ONCALL")).toContain("Waiting for");
    expect(texts("U0ENGINEER")).toContain("Waiting for");
  });

  test("that is active shows only the other person how to sign in and to extend; both can end it", async () => {
    const { id } = await app.put(aLeasedRequest({}, { requester: "U0ONCALL", askedBy: "U0ENGINEER" }));
    const card = textOf(await app.show(id));

    expect(card).toContain("<@U0ONCALL> `viewer` on `staging`\n");
    expect(texts("U0ONCALL")).toMatch(/is active until[\s\S]*Sign in with[\s\S]*\[Extend\][\s\S]*\[I'm done\]/);
    expect(texts("U0ENGINEER")).toMatch(/is active until[\s\S]*\[End their access\]/);
    expect(texts("U0ENGINEER")).not.toMatch(/Sign in with|\[Extend\]|I'm done/);
    const [direct] = app.person("U0ENGINEER").directMessages();
    await app.person("U0ENGINEER").click(direct ?? expect.fail(), "End their access");
    expect((await app.ledger.get(id))?.lease?.end).toMatchObject({ cause: "revoked", by: "U0ENGINEER" });
  });

  test("can be asked again by the person who asked, for the same person", async () => {
    const { id } = await app.put(
      aPreviewedRequest({ requester: "U0ONCALL", askedBy: "U0ENGINEER", state: "denied", durationSeconds: 3600 }),
    );
    const engineer = app.person("U0ENGINEER");

    await engineer.click(await app.show(id), "Request again");
    await app.slack.until(() => engineer.view());
    await engineer.submit({ Why: "again" });

    expect(await app.ledger.get("r-new1")).toMatchObject({ requester: "U0ONCALL", askedBy: "U0ENGINEER" });
  });

  test("in the form names the person, and forgets the ARN of the first one", async () => {
    await app.say("U0ENGINEER", line.replace("for @on-call ", ""));
    const first = await app.ledger.get("r-new1");
    const engineer = app.person("U0ENGINEER");
    await engineer.command("/eks-access request", "C0ACCESS");
    const form = await app.slack.until(() => engineer.view());
    expect(textOf(form)).toContain(engineerArn);

    await engineer.choose(form, "For someone else", "U0ONCALL");
    const next = await app.slack.until(() => (engineer.view()?.updates ? engineer.view() : undefined));

    expect(first?.askedBy).toBeNull();
    expect(textOf(next)).not.toContain(engineerArn);
  });

  test("is no emergency", async () => {
    const answer = await app.say("U0ONCALL", "break-glass staging for @engineer production is down");

    expect(textOf(answer)).toContain("Emergency access is yours alone.");
  });
});

describe("a level that the policy gives to the other person alone", () => {
  const policy =
    "policy: { rules: [{ name: on call, who: [U0ONCALL], levels: [admin] }, { name: rest, levels: [viewer] }] }";
  const admin = `request staging ${engineerArn} admin for @on-call the deployment hangs`;

  beforeEach(async () => {
    await app.stop();
    app = await aSlackApp({ config: `${configText}${policy}\n` });
  });

  test("is not asked for in their name with an ARN that is not known as theirs", async () => {
    const answer = await app.say("U0ENGINEER", admin);
    const [event] = (await app.ledger.events(1, 10)).slice(-1);

    expect(textOf(answer)).toContain("No request made for <@U0ONCALL>.");
    expect(textOf(answer)).toContain("may not be theirs alone. They can use /eks-access link.");
    expect(event?.event).toMatchObject({
      type: "request.refused",
      actor: "U0ENGINEER",
      detail: { code: "not-theirs" },
    });
    expect(await app.ledger.get("r-new1")).toBeNull();
  });

  test("is not approved for the asker's ARN once the policy denies them the level", async () => {
    await app.follow(configText);
    const { id } = await app.put(aPreviewedRequest({ requester: "U0ONCALL", askedBy: "U0ENGINEER" }));
    const card = await app.show(id);
    await app.follow(`${configText}${policy.replace("{ name: rest", "{ name: rest, who: [U0ONCALL]")}\n`);

    const answer = await app.answered("U0APPROVER", () => app.person("U0APPROVER").click(card, "Approve"));

    expect(textOf(answer)).toContain("The policy no longer lets <@U0ENGINEER> request `viewer` on `staging`.");
    expect(await app.ledger.get(id)).toMatchObject({ state: "pending", approvals: [] });
  });

  test("is asked for with their own ARN", async () => {
    await app.say("U0ONCALL", `link ${engineerArn}`);

    await app.say("U0ENGINEER", admin);

    expect(await app.ledger.get("r-new1")).toMatchObject({ requester: "U0ONCALL", askedBy: "U0ENGINEER" });
  });

  test("is not asked for in their name with a role that is the asker's too", async () => {
    const role = "arn:aws:iam::111122223333:role/developers";
    for (const user of ["U0ONCALL", "U0ENGINEER"]) await app.say(user, `link ${role}`);

    const answer = await app.say("U0ENGINEER", admin.replace(engineerArn, role));

    expect(textOf(answer)).toContain(`\`${role}\` may not be theirs alone. They can use /eks-access link.`);
    expect(await app.ledger.get("r-new1")).toBeNull();
  });

  test("is no obstacle for a level that both can ask for by one rule", async () => {
    await app.say("U0ENGINEER", line);

    expect(await app.ledger.get("r-new1")).toMatchObject({ requester: "U0ONCALL", level: "viewer" });
  });
});

test("an approver can't approve for a person who asked and left since", async () => {
  const { id } = await app.put(aPreviewedRequest({ requester: "U0ONCALL", askedBy: "U0ENGINEER" }));
  const card = await app.show(id);
  app.slack.deactivate("U0ENGINEER");

  const answer = await app.answered("U0APPROVER", () => app.person("U0APPROVER").click(card, "Approve"));

  expect(textOf(answer)).toContain("<@U0ENGINEER>: the Slack account is deactivated");
});
