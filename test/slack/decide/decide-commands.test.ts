import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { aLeasedRequest, aPreviewedRequest, aRequest } from "../../builders/a-request.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

let app: SlackApp;
let count = 0;

beforeAll(async () => {
  app = await aSlackApp();
});
afterAll(() => app.stop());

/** A request of the engineer that waits for a decision, each for another principal: what one gets is no matter of the others. */
async function waiting(change: Parameters<typeof aPreviewedRequest>[0] = {}) {
  count += 1;
  const principal = `arn:aws:iam::111122223333:user/engineer-${count}`;
  return app.put(aPreviewedRequest({ id: `r-decide${count}`, principal, ...change }));
}

const stateOf = async (id: string) => (await app.ledger.get(id))?.state;

describe("a typed approve", () => {
  test("approves nothing: it shows the change, and the button below it approves exactly that", async () => {
    const { id } = await waiting();

    const answer = await app.say("U0APPROVER", `approve ${id}`);
    const before = await stateOf(id);
    await app.person("U0APPROVER").click(answer, "approve");
    await expect.poll(() => stateOf(id)).toBe("approved");

    expect(before).toBe("pending");
    expect(textOf(answer)).toContain("Not approved yet.");
    expect(textOf(answer)).toContain('+- userarn: "arn:aws:iam::111122223333:user/engineer"');
    expect((await app.ledger.get(id))?.approvals.map(({ by }) => by)).toEqual(["U0APPROVER"]);
  });

  test("does not count for a change that came after: the old button is refused, and reported", async () => {
    const request = await waiting();
    const answer = await app.say("U0APPROVER", `approve ${request.id}`);
    const other = aPreviewedRequest(
      { id: request.id, principal: request.principal },
      { username: "dev", groups: ["somebody-put-this-in"] },
    );
    await app.ledger.commit({
      after: { ...other, version: 2 },
      event: {
        type: "request.previewed",
        at: "",
        actor: "worker",
        request: request.id,
        cluster: "staging",
        detail: {},
      },
    });

    const refused = await app.answered("U0APPROVER", () => app.person("U0APPROVER").click(answer, "approve"));

    expect(textOf(refused)).toContain("The change is different now.");
    expect(await stateOf(request.id)).toBe("pending");
  });

  test.each([
    ["U0ENGINEER", "You can't decide about your own request. Ask <@U0APPROVER> or <@U0APPROVER2>."],
    ["U0ONCALL", "Only approvers of `viewer` on `staging` can do this. Ask <@U0APPROVER> or <@U0APPROVER2>."],
  ])("by %s, who can't, says who can", async (user, sentence) => {
    const { id } = await waiting();

    expect(textOf(await app.say(user, `approve ${id}`))).toBe(sentence);
  });

  test.each([
    ["approve", "Which request? Copy the id from its message."],
    ["approve r-nothing", "There is no request `r-nothing`. Copy the id from its message."],
    ["deny r-nothing because", "There is no request `r-nothing`. Copy the id from its message."],
  ])("%s: %s", async (typed, sentence) => {
    expect(textOf(await app.say("U0APPROVER", typed))).toBe(sentence);
  });

  test("before the worker has looked has no change to show", async () => {
    const { id } = await app.put(aRequest({ id: "r-unseen" }));

    expect(textOf(await app.say("U0APPROVER", `approve ${id}`))).toContain("The worker must check the cluster");
  });
});

describe("a typed deny", () => {
  test("denies with the reason", async () => {
    const { id } = await waiting();

    const answer = await app.say("U0APPROVER", `deny ${id} use <staging-2> instead`);

    expect(textOf(answer)).toBe(`Denied \`${id}\`. The requester reads why.`);
    expect((await app.ledger.get(id))?.denial).toMatchObject({ by: "U0APPROVER", why: "use <staging-2> instead" });
  });

  test.each([
    ["", "Not denied. Say why"],
    ["x".repeat(301), "Not denied. The reason has 301 characters; the limit is 300."],
  ])("without a reason that can be shown denies nothing", async (why, sentence) => {
    const { id } = await waiting();

    expect(textOf(await app.say("U0APPROVER", `deny ${id} ${why}`))).toContain(sentence);
    expect(await stateOf(id)).toBe("pending");
  });

  test("by a person who can't denies nothing, and the attempt is in the audit log", async () => {
    const { id } = await waiting();

    await app.say("U0ONCALL", `deny ${id} because`);

    expect(await stateOf(id)).toBe("pending");
    expect((await app.ledger.eventsOf(id, 10)).map(({ event }) => event.type)).toEqual([
      "request.created",
      "decision.refused",
    ]);
  });
});

describe("the Deny button", () => {
  test("asks why in a form that says what about, wants an answer, and denies with it", async () => {
    const { id } = await waiting({ reason: "the <!channel> hangs" });
    const message = await app.show(id);
    const approver = app.person("U0APPROVER");

    await approver.click(message, "deny");
    const form = await app.slack.until(() => approver.view());
    const empty = await approver.submit({ why: "  " });
    const sent = await approver.submit({ why: "use staging-2" });

    expect(form.blocks[0]).toMatchObject({
      text: { text: "*<@U0ENGINEER> asks for `viewer` on `staging`*\n>the &lt;!channel&gt; hangs" },
    });
    expect(empty.errors).toEqual({ why: "Say why: the requester reads it." });
    expect(sent).toMatchObject({ status: 200, errors: {} });
    expect(approver.view()).toBeUndefined();
    expect((await app.ledger.get(id))?.denial).toMatchObject({ by: "U0APPROVER", why: "use staging-2" });
  });

  test("says in the form that a person was first", async () => {
    const { id } = await waiting();
    const message = await app.show(id);
    const [first, second] = [app.person("U0APPROVER"), app.person("U0APPROVER2")];

    await second.click(message, "deny");
    await app.slack.until(() => second.view());
    await first.click(message, "approve");
    await expect.poll(() => stateOf(id)).toBe("approved");
    await second.submit({ why: "too late" });

    const view = second.view();
    expect(view?.title).toBe("Not denied");
    expect(JSON.stringify(view?.blocks)).toContain("Already handled. Approved by <@U0APPROVER>");
    await second.close();
  });
});

describe("the Revoke button", () => {
  test("asks once more, and takes the reason that one may give", async () => {
    const leased = aLeasedRequest({ state: "active" }, { id: "r-revoke" });
    await app.put(leased);
    const message = await app.show("r-revoke");
    const approver = app.person("U0APPROVER");

    await approver.click(message, "revoke");
    await app.slack.until(() => approver.view());
    const before = (await app.ledger.get("r-revoke"))?.lease?.end;
    await approver.submit({ why: "incident is over" });

    expect(before).toBeNull();
    expect((await app.ledger.get("r-revoke"))?.lease?.end).toMatchObject({
      by: "U0APPROVER",
      why: "incident is over",
    });
    expect(JSON.stringify(approver.view()?.blocks)).toContain("Revoking `");
    await approver.close();
  });
});

describe("Details", () => {
  test("shows all that is known in a form, and Approve decides and closes it", async () => {
    const { id } = await waiting();
    const message = await app.show(id);
    const approver = app.person("U0APPROVER");

    await approver.click(message, "details");
    const view = await app.slack.until(() => approver.view());
    await approver.submit();

    expect(JSON.stringify(view.blocks)).toContain("What happened");
    expect(approver.view()).toBeUndefined();
    expect(textOf(await app.show(id))).toContain("Approved by <@U0APPROVER>");
  });

  test("leads to the form for the reason, and both are closed when it is sent", async () => {
    const { id } = await waiting();
    const message = await app.show(id);
    const approver = app.person("U0APPROVER");

    await approver.click(message, "details");
    const details = await app.slack.until(() => approver.view());
    await approver.click(details, "deny");
    await app.slack.until(() => (approver.view()?.title === "Deny the request" ? approver.view() : undefined));
    await approver.submit({ why: "no" });

    expect(approver.view()).toBeUndefined();
    expect(await stateOf(id)).toBe("denied");
  });

  test("shows nothing to a person that it does not concern", async () => {
    const { id } = await waiting({ requester: "U0APPROVER2", reason: "a secret of theirs" });
    const message = await app.show(id);
    const engineer = app.person("U0ENGINEER");

    await engineer.click(message, "details");
    const view = await app.slack.until(() => engineer.view());

    expect(JSON.stringify(view.blocks)).toContain("its on-call can do this");
    expect(JSON.stringify(view.blocks)).not.toContain("a secret of theirs");
    await engineer.close();
  });
});

describe("the buttons of one's own request", () => {
  test("take it back", async () => {
    const { id } = await waiting();
    const answer = await app.say("U0ENGINEER", `status ${id}`);

    const done = await app.answered("U0ENGINEER", () => app.person("U0ENGINEER").click(answer, "cancel"));

    expect(textOf(answer)).toContain("[Cancel]");
    expect(textOf(answer)).not.toContain("[Approve]");
    expect(textOf(done)).toBe(`Cancelled \`${id}\`.`);
    expect(await stateOf(id)).toBe("cancelled");
  });
});
