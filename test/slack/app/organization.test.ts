import { afterAll, beforeAll, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { isAcceptedLink } from "../../../src/access/seals.ts";
import { eventOf } from "../../../src/ledger/lifecycle.ts";
import { configText } from "../../builders/a-cluster.ts";
import { aLink } from "../../builders/a-link.ts";
import { aPlannedMigration } from "../../builders/a-migration.ts";
import { aDecision, aLeasedRequest, aPreviewedRequest, engineerArn } from "../../builders/a-request.ts";
import { keys } from "../../builders/keys.ts";
import { at } from "../../builders/times.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

/** A workspace that joined an Enterprise organization: its older people have two ids, and Slack may name them by either. */
let app: SlackApp;

beforeAll(async () => {
  app = await aSlackApp({ config: `${configText}\nlimits: { pending: 2 }\n` });
  app.slack.joinOrganization("E0ORG", { U0ENGINEER: "W0ENGINEER", U0APPROVER: "W0APPROVER" });
});
afterAll(() => app.stop());

test("a request has the requester's id of the organization", async () => {
  await app.say("U0ENGINEER", `request staging ${engineerArn} viewer for 1h look into the rollout`);

  expect(await app.ledger.get("r-new1")).toMatchObject({ requester: "W0ENGINEER" });
});

test("an approver that the policy names by the older id can approve", async () => {
  const { id } = await app.put(aPreviewedRequest({ id: "r-theirs" }));

  await app.person("U0APPROVER").click(await app.show(id), "Approve");

  expect(await app.ledger.get(id)).toMatchObject({ approvals: [{ by: "W0APPROVER", memberships: ["U0APPROVER"] }] });
});

test("the App Home of an approver that the policy names by the older id follows the request", async () => {
  const { id } = await app.put(aPreviewedRequest({ id: "r-home" }));
  await app.person("U0APPROVER").openHome();
  await expect.poll(async () => [...(await app.ledger.homesOf(null)).keys()]).toEqual(["W0APPROVER"]);
  app.woken();

  await app.show(id);

  expect(app.woken()).toContainEqual({ type: "show-home", user: "W0APPROVER" });
});

test("with two ids no one approves for themselves", async () => {
  const { id } = await app.put(aPreviewedRequest({ id: "r-own", requester: "W0APPROVER" }));

  const click = async () => app.person("U0APPROVER").click(await app.show(id), "Approve");

  expect(textOf(await app.answered("U0APPROVER", click))).toContain("your own request");
  expect((await app.ledger.get(id))?.approvals).toEqual([]);
});

test("access for another person has their id of the organization too, and not the asker's for themselves", async () => {
  await app.say("U0ONCALL", `request staging ${engineerArn} viewer for @engineer for 1h take over the incident`);

  expect(await app.ledger.get("r-new2")).toMatchObject({ requester: "W0ENGINEER", askedBy: "U0ONCALL" });
});

test("nor for the principal that they linked before they had the id of the organization", async () => {
  const principal = engineerArn.replace("engineer", "approver");
  await app.ledger.linkPrincipal("U0APPROVER", aLink("U0APPROVER", principal));
  const { id } = await app.put(aPreviewedRequest({ id: "r-linked", principal }));

  const click = async () => app.person("U0APPROVER").click(await app.show(id), "Approve");

  expect(textOf(await app.answered("U0APPROVER", click))).toContain("your own identity");
  expect((await app.ledger.get(id))?.approvals).toEqual([]);
});

test("what they linked before still counts as theirs, and not as confirmed by another person", async () => {
  await app.say("U0APPROVER", "link");

  const [link] = await app.ledger.linksOf("W0APPROVER");
  const counts = (confirmed: boolean) => link && isAcceptedLink("W0APPROVER", link, confirmed, keys.decision);
  expect([counts(false), counts(true)]).toEqual([true, false]);
});

test("people still see and cancel what they asked for before", async () => {
  const { id } = await app.put(aPreviewedRequest({ id: "r-before", principal: othersArn }));
  await app.show(id);

  const listed = textOf(await app.say("U0ENGINEER", "list"));
  const seen = textOf(await app.say("U0ENGINEER", `status ${id}`));
  const cancelled = textOf(await app.say("U0ENGINEER", `cancel ${id}`));

  expect(listed).toMatch(/`r-before`\)[^[]*\[Details\] \[Cancel\]/);
  expect(seen).toContain(othersArn);
  expect(cancelled).toBe(`Cancelled \`${id}\`.`);
});

test("and end their access", async () => {
  const { id } = await app.put(aLeasedRequest({}, { id: "r-active", principal: othersArn }));

  expect(textOf(await app.say("U0ENGINEER", `revoke ${id}`))).toContain("Revoking");
  // Their message says that it ended, and not that another person revoked it.
  expect((await app.ledger.get(id))?.lease?.end).toMatchObject({ by: "U0ENGINEER" });
});

test("their older requests count among those that wait for them", async () => {
  const answer = await app.say("U0ENGINEER", `request staging ${engineerArn} viewer for 3h one more`);

  expect(textOf(answer)).toMatch(/you already have 2 requests waiting .*`r-home`/);
});

test("the person who asked for a migration before sees and stops it", async () => {
  const after = aPlannedMigration({ requester: "U0ENGINEER" });
  await app.ledger.commit({ after, event: eventOf("migration.asked", after, after.requester, at(0)) });

  const listed = textOf(await app.say("U0ENGINEER", "list mine"));
  await app.say("U0ENGINEER", "migrate staging stop");

  expect(listed).toMatch(/migration-staging-1[^[]*\[Details\] \[Stop\]/);
  expect(await app.ledger.migrations.get(after.id)).toMatchObject({ state: "stopped", stop: { by: "W0ENGINEER" } });
});

const othersArn = engineerArn.replace("engineer", "another");

test("nor in a request that is older than the id of the organization, and no one counts twice", async () => {
  const own = await app.put(aPreviewedRequest({ id: "r-older", requester: "U0APPROVER", principal: othersArn }));
  const half = aPreviewedRequest({ id: "r-half", principal: engineerArn.replace("engineer", "third") });
  const before = aDecision({ by: "U0APPROVER" });
  const twice = await app.put({ ...half, approvals: [before] });
  const clickOn = (id: string) => async () => app.person("U0APPROVER").click(await app.show(id), "Approve");

  const answers = [
    await app.answered("U0APPROVER", clickOn(own.id)),
    await app.answered("U0APPROVER", clickOn(twice.id)),
  ];
  const approver = app.person("U0APPROVER");
  await approver.openHome();
  const home = await app.slack.until(() =>
    [approver.home()].flatMap((view) => (view ? textOf(view) : [])).find((text) => text.includes(own.id)),
  );

  expect(answers.map(textOf)).toEqual([
    expect.stringContaining("your own request"),
    expect.stringContaining("approved"),
  ]);
  expect((await app.ledger.get(own.id))?.approvals).toEqual([]);
  expect((await app.ledger.get(twice.id))?.approvals).toEqual([before]);
  expect(home).not.toContain(twice.id);
});
