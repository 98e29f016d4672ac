import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SandboxView } from "../../../sandbox/slack/inputs.ts";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { statusModal } from "../../../src/slack/look/status-answer.ts";
import { detailsModalId } from "../../../src/slack/show/message.ts";
import { aPreviewedRequest, revise } from "../../builders/a-request.ts";
import { aChange } from "../../builders/an-event.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

let app: SlackApp;

beforeEach(async () => {
  app = await aSlackApp();
});

afterEach(() => app.stop());

async function detailsOf(user: string, id: string): Promise<SandboxView> {
  const person = app.person(user);
  await person.click(await app.show(id), "details");
  return app.slack.until(() => [person.view()].find((view) => view?.callback_id === detailsModalId));
}

const eventsOf = async (id: string) => (await app.ledger.eventsOf(id, 20)).map(({ event }) => event);

describe("Approve in Details", () => {
  test("decides as the button does: signed, with the digest of the change that the modal shows", async () => {
    const { id, preview } = await app.put(aPreviewedRequest());
    const details = await detailsOf("U0APPROVER", id);

    await app.person("U0APPROVER").submit();

    const [approval] = (await app.ledger.get(id))?.approvals ?? [];
    expect(textOf(details)).toContain("+- userarn:");
    expect(approval).toMatchObject({ by: "U0APPROVER", verdict: "approved", digest: preview?.digest });
    expect((await eventsOf(id)).at(-1)).toMatchObject({ type: "request.approved", actor: "U0APPROVER" });
    expect(app.person("U0APPROVER").view()).toBeUndefined();
  });

  test("of a change that the modal does not show approves nothing, and says so", async () => {
    const request = await app.put(aPreviewedRequest());
    await detailsOf("U0APPROVER", request.id);
    const other = revise(request, { preview: request.preview && { ...request.preview, digest: "e".repeat(64) } });
    await app.ledger.commit(aChange(other));

    await app.person("U0APPROVER").submit();

    expect(await app.ledger.get(request.id)).toMatchObject({ state: "pending", approvals: [] });
    expect(textOf(app.person("U0APPROVER").view() ?? expect.fail())).toContain("The change is different now");
    expect((await eventsOf(request.id)).at(-1)?.type).not.toBe("request.approved");
  });

  test("of a request that another person decided meanwhile says who was first", async () => {
    const { id } = await app.put(aPreviewedRequest());
    await detailsOf("U0APPROVER", id);
    await app.person("U0APPROVER2").click(await app.show(id), "approve");

    await app.person("U0APPROVER").submit();

    expect(textOf(app.person("U0APPROVER").view() ?? expect.fail())).toContain("Already handled");
    expect((await app.ledger.get(id))?.approvals).toMatchObject([{ by: "U0APPROVER2" }]);
  });

  test("does not exist for the requester, and their forged submission approves nothing", async () => {
    const { id } = await app.put(aPreviewedRequest());
    const details = await detailsOf("U0ENGINEER", id);

    await app.person("U0ENGINEER").submit();

    expect(details.json.submit).toBeUndefined();
    expect(await app.ledger.get(id)).toMatchObject({ state: "pending", approvals: [] });
  });

  test("of full control names it", () => {
    const request = aPreviewedRequest({ groups: ["system:masters"] });

    const modal = statusModal({ request, events: [], acts: ["approve", "deny"] }, null);

    expect(modal.submit?.text).toBe("Approve full control");
    expect(JSON.stringify(modal.blocks)).not.toContain('"action_id":"approve"');
  });
});
