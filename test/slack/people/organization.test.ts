import { afterAll, beforeAll, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { aPreviewedRequest, engineerArn } from "../../builders/a-request.ts";
import { aStage, type Stage } from "../a-stage.ts";

/** A workspace that joined an Enterprise organization: its older people have two ids, and Slack may name them by either. */
let stage: Stage;

beforeAll(async () => {
  stage = await aStage();
  stage.slack.joinOrganization("E0ORG", { U0ENGINEER: "W0ENGINEER", U0APPROVER: "W0APPROVER" });
});
afterAll(() => stage.stop());

test("a request has the requester's id of the organization", async () => {
  await stage.say("U0ENGINEER", `request staging ${engineerArn} viewer for 1h look into the rollout`);

  expect(await stage.ledger.get("r-new1")).toMatchObject({ requester: "W0ENGINEER" });
});

test("an approver that the policy names by the older id can approve", async () => {
  const { id } = await stage.put(aPreviewedRequest({ id: "r-theirs" }));

  await stage.person("U0APPROVER").click(await stage.show(id), "Approve");

  expect(await stage.ledger.get(id)).toMatchObject({ approvals: [{ by: "W0APPROVER", memberships: ["U0APPROVER"] }] });
});

test("with two ids no one approves for themselves", async () => {
  const { id } = await stage.put(aPreviewedRequest({ id: "r-own", requester: "W0APPROVER" }));

  const click = async () => stage.person("U0APPROVER").click(await stage.show(id), "Approve");

  expect(textOf(await stage.answered("U0APPROVER", click))).toContain("your own request");
  expect((await stage.ledger.get(id))?.approvals).toEqual([]);
});

test("access for another person has their id of the organization too, and not the asker's for themselves", async () => {
  await stage.say("U0ONCALL", `request staging ${engineerArn} viewer for @engineer for 1h take over the incident`);

  expect(await stage.ledger.get("r-new2")).toMatchObject({ requester: "W0ENGINEER", askedBy: "U0ONCALL" });
});
