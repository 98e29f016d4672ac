import { describe, expect, test } from "vitest";
import type { AccessRequest } from "../../../src/access/record.ts";
import type { Directory } from "../../../src/slack/app/directory.ts";
import { hasTooFewApprovers, presenceOf, whoIsCalled } from "../../../src/slack/app/people-called.ts";
import { slackFailure } from "../../../src/slack/app/web-client.ts";
import { configOf, configText } from "../../builders/a-cluster.ts";
import { anApprovedRequest, aPreviewedRequest, aRequest } from "../../builders/a-request.ts";
import { silentContext } from "../../fault/silent-context.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { noGroups } from "../slack-context.ts";

const ofGoneGroup = () =>
  Promise.reject(slackFailure({ data: { error: "no_such_subteam" } }, "the user group S0GONE of the policy"));

async function presenceFor(request: AccessRequest, directory: Partial<Directory> = {}, text = configText) {
  const config = configOf(text);
  const { log } = silentContext(memoryLedger());
  const accountOf = async (user: string) => (user === "U0APPROVER2" ? ("deactivated" as const) : ("active" as const));
  const people = { ...noGroups, accountOf, ...directory };
  return presenceOf({ config, directory: people, log }, request);
}

describe("who is left to decide", () => {
  test("are the approvers who can still sign in", async () => {
    expect(await presenceFor(aPreviewedRequest())).toEqual({ present: ["U0APPROVER"], departed: ["U0APPROVER2"] });
  });

  test("are the people of a user group too, except the person who asked", async () => {
    const text = configText.replace("[U0APPROVER, U0APPROVER2]", "[S0PLATFORM]");
    const membersOf = async () => ["U0ENGINEER", "U0ONCALL"];

    const presence = await presenceFor(aPreviewedRequest(), { membersOf }, text);

    expect(presence).toEqual({ present: ["U0ONCALL"], departed: [] });
  });

  test("are not who has approved already", async () => {
    const { approvals } = anApprovedRequest();

    const presence = await presenceFor(aPreviewedRequest({ approvals, approvalsWanted: 2 }));

    expect(presence).toEqual({ present: [], departed: ["U0APPROVER2"] });
  });

  test("are not who has approved as one of a user group", async () => {
    const text = configText.replace("[U0APPROVER, U0APPROVER2]", "[S0PLATFORM]");
    const membersOf = async () => ["U0APPROVER", "U0ONCALL"];
    const { approvals } = anApprovedRequest();

    const presence = await presenceFor(aPreviewedRequest({ approvals, approvalsWanted: 2 }), { membersOf }, text);

    expect(presence).toEqual({ present: ["U0ONCALL"], departed: [] });
  });

  test("are the people of a request too, where the policy lets them approve their own", async () => {
    const rules =
      "policy: { rules: [{ name: own, levels: [viewer], approvers: [S0PLATFORM], selfApproval: true }, { name: rest }] }";
    const membersOf = async () => ["U0ENGINEER", "U0ONCALL"];

    const presence = await presenceFor(aPreviewedRequest(), { membersOf }, `${configText}${rules}\n`);

    expect(presence?.present).toEqual(["U0ENGINEER", "U0ONCALL"]);
  });

  test("are the others, if a user group of the policy is gone from Slack", async () => {
    const text = configText.replace("[U0APPROVER, U0APPROVER2]", "[U0APPROVER, S0GONE]");

    expect(await presenceFor(aPreviewedRequest(), { membersOf: ofGoneGroup }, text)).toEqual({
      present: ["U0APPROVER"],
      departed: ["S0GONE"],
    });
  });

  test.each([
    ["nobody has to decide any more", anApprovedRequest(), {}],
    ["the worker has not looked yet", aRequest(), {}],
    ["the cluster is not configured any more", { ...aPreviewedRequest(), cluster: "retired" }, {}],
    ["Slack does not say", aPreviewedRequest(), { accountOf: () => Promise.reject(new Error("no answer")) }],
  ])("is not known where %s", async (_, request, directory) => {
    expect(await presenceFor(request, directory)).toBeNull();
  });
});

test.each([
  [1, ["U0APPROVER"], false],
  [1, [], true],
  [2, ["U0APPROVER"], true],
  [2, ["U0APPROVER", "U0APPROVER2"], false],
])("with %i approvals wanted and %j left, too few are left: %s", (approvalsWanted, present, isSo) => {
  expect(hasTooFewApprovers(aPreviewedRequest({ approvalsWanted }), { present, departed: [] })).toBe(isSo);
});

describe("who is mentioned", () => {
  const calledOf = (names: readonly string[], directory: Partial<Directory> = {}, out: readonly string[] = []) => {
    const accountOf = async (user: string) => (user.startsWith("U0GUEST") ? ("guest" as const) : ("active" as const));
    return whoIsCalled({ ...noGroups, accountOf, ...directory }, { names, out });
  };

  test("are no guests", async () => {
    expect(await calledOf(["U0APPROVER", "U0GUEST"])).toEqual(["U0APPROVER"]);
  });

  test("are the other people of a small user group with a guest", async () => {
    const membersOf = async () => ["U0APPROVER", "U0GUEST", "U0ONCALL"];

    expect(await calledOf(["S0PLATFORM"], { membersOf }, ["U0ONCALL"])).toEqual(["U0APPROVER"]);
  });

  test("are all who are named while Slack does not answer", async () => {
    const silent = () => Promise.reject(new Error("no answer"));

    const called = await calledOf(["U0GUEST", "S0PLATFORM"], { accountOf: silent, membersOf: silent });

    expect(called).toEqual(["U0GUEST", "S0PLATFORM"]);
  });

  test("are no user group that is gone from Slack", async () => {
    expect(await calledOf(["U0APPROVER", "S0GONE"], { membersOf: ofGoneGroup })).toEqual(["U0APPROVER"]);
  });

  test("are a user group as it is, if all its people can act", async () => {
    const membersOf = async () => ["U0APPROVER", "U0ONCALL"];

    expect(await calledOf(["S0PLATFORM"], { membersOf })).toEqual(["S0PLATFORM"]);
  });
});
