import { beforeEach, describe, expect, test } from "vitest";
import { unreviewedEmergency } from "../../../src/access/emergency.ts";
import { type Identities, sealIdentities } from "../../../src/access/found-identities.ts";
import { sealLink } from "../../../src/access/seals.ts";
import type { SlackContext } from "../../../src/slack/app/context.ts";
import { reviewEmergency } from "../../../src/slack/decide/decide-commands.ts";
import { aCluster, configText } from "../../builders/a-cluster.ts";
import { aPreviewedRequest } from "../../builders/a-request.ts";
import { anEmergency } from "../../builders/an-emergency.ts";
import { aChange, anEvent } from "../../builders/an-event.ts";
import { keys, otherKeys } from "../../builders/keys.ts";
import { at, hours, minutes } from "../../builders/times.ts";
import { click } from "../../fault/click.ts";
import { memoryLedger } from "../../ledger/memory-ledger.ts";
import { aSlackContext, noGroups } from "../slack-context.ts";

const config = `${configText}identities:
  - identityCenter:
      region: eu-central-1
      instanceArn: arn:aws:sso:::instance/ssoins-1234567890abcdef
      identityStoreId: d-1234567890
      roleArn: arn:aws:iam::999988887777:role/identity-reader
`;
const role = "AWSReservedSSO_Developer_0123456789abcdef";
const roleArn = `arn:aws:iam::111122223333:role/${role}`;
const sessionOf = (name: string) => `arn:aws:sts::111122223333:assumed-role/${role}/${name}`;
const adminArn = roleArn.replace("Developer", "Admin");
const approver = "U0APPROVER";

let ledger = memoryLedger();
beforeEach(() => {
  ledger = memoryLedger();
});

function found(change: Partial<Identities> = {}, from = keys): Identities {
  const person = { userName: "bob", permissionSets: ["Developer"], roles: [roleArn] };
  const about = { user: approver, email: "bob@example.com", at: at(minutes(4)).toISOString() };
  return sealIdentities({ ...about, person, why: null, ...change }, aCluster(), from.preview);
}

/** Bob approves what Alice asks for, with what a worker answers about him, and about her; null: none does. */
async function approve(
  principal: string,
  answer: Identities | null,
  verdict: "approved" | "denied" = "approved",
  aboutRequester: Identities | null = null,
  text = config,
  email: string | null = "bob@example.com",
) {
  const directory = { ...noGroups, emailOf: async () => email };
  const context: SlackContext = {
    ...aSlackContext(ledger, text, directory),
    workers: {
      ask: async (question) => {
        if (question.type !== "identities") return null;
        const said = question.email.user === approver ? answer : aboutRequester;
        return said && { type: "found", found: said };
      },
    },
  };
  const cluster = context.config.clusters.get("staging");
  const request = aPreviewedRequest({ principal }, null, cluster);
  await ledger.commit(aChange({ ...request, version: 1 }));
  await click(context, verdict, request, approver);
  const codes = (await ledger.events(1, 100)).map(({ event }) => event.detail.code).filter(Boolean);
  return codes[0] ?? (await ledger.get(request.id))?.state;
}

/** What Identity Center says of an address that none of its users has, for example a new one of Bob's. */
const hidden = found({ person: null, why: "user-not-found" });

describe("an approver approves nothing for an identity of their own in Identity Center, no matter who asks for it", () => {
  test.each<[string, string, Identities | null, string]>([
    ["their session", sessionOf("bob"), found(), "own-principal"],
    ["the role that they share", roleArn, found(), "own-principal"],
    [
      "their session of a role that the cluster does not name",
      sessionOf("bob"),
      found({ person: { userName: "bob", permissionSets: ["Developer"], roles: [] }, why: "role-unknown" }),
      "own-principal",
    ],
    [
      "a session of their name with another permission set, which they can get",
      sessionOf("bob").replace("Developer", "Admin"),
      found(),
      "own-principal",
    ],
    ["a session of their name in another account", sessionOf("bob").replace("1111", "9999"), found(), "own-principal"],
    ["another person's session", sessionOf("alice"), found(), "approved"],
    ["a role of a set that they don't have", roleArn.replace("Developer", "Admin"), found(), "approved"],
    ["nobody says who they are", sessionOf("alice"), null, "own-principal-unknown"],
    ["another hand says who they are", sessionOf("bob"), found({}, otherKeys), "own-principal-unknown"],
    [
      "nobody says who they are, and it is no role of Identity Center",
      "arn:aws:iam::111122223333:role/dev",
      null,
      "approved",
    ],
    ["they have no user there, and it is a role", roleArn, hidden, "approved"],
    [
      "they have no user there, and nobody says who the requester is",
      sessionOf("bob"),
      hidden,
      "own-principal-unknown",
    ],
  ])("%s", async (_, principal, answer, outcome) => {
    expect(await approve(principal, answer)).toBe(outcome);
  });

  test.each([
    ["the requester's own session", sessionOf("alice"), "approved"],
    [
      "a session of someone else, which can be theirs under an earlier address",
      sessionOf("bob"),
      "own-principal-unknown",
    ],
  ])("who has no user there: %s", async (_, principal, outcome) => {
    const alice = found({
      user: "U0ENGINEER",
      person: { userName: "alice", permissionSets: ["Developer"], roles: [roleArn] },
    });

    expect(await approve(principal, hidden, "approved", alice)).toBe(outcome);
  });

  test("by what was found in the last day, while no worker answers", async () => {
    await ledger.rememberIdentities(found({ at: at(-hours(3)).toISOString() }));

    expect(await approve(sessionOf("bob"), null)).toBe("own-principal");
  });

  test("and what was found in the last day is no proof that it is not theirs", async () => {
    const person = { userName: "bob", permissionSets: ["Viewer"], roles: [] };
    await ledger.rememberIdentities(found({ at: at(-hours(3)).toISOString(), person, why: "role-unknown" }));

    expect(await approve(roleArn, null)).toBe("own-principal-unknown");
  });

  test("and may deny at any time", async () => {
    expect(await approve(sessionOf("bob"), null, "denied")).toBe("denied");
  });
});

describe("an approver approves nothing for an identity that a rule gives them alone", () => {
  const account = "arn:aws:iam::111122223333";
  const dev = (name: string) => `arn:aws:sts::111122223333:assumed-role/dev/${name}`;
  const session = '{ arn: "arn:aws:iam::{account}:role/dev", session: "{email}" }';

  test.each([
    ["their session", session, dev("bob@example.com"), "own-principal"],
    ["their session, in other letters", session, dev("Bob@example.com"), "own-principal"],
    ["another person's session", session, dev("alice@example.com"), "approved"],
    ["the role that the rule gives to everyone", session, `${account}:role/dev`, "approved"],
    [
      "their user",
      '{ arn: "arn:aws:iam::{account}:user/{email}" }',
      `${account}:user/bob@example.com`,
      "own-principal",
    ],
    [
      "their role",
      '{ arn: "arn:aws:iam::{account}:role/{email}" }',
      `${account}:role/bob@example.com`,
      "own-principal",
    ],
    ["a role for everyone", '{ arn: "arn:aws:iam::{account}:role/dev" }', `${account}:role/dev`, "approved"],
  ])("%s", async (_, rule, principal, outcome) => {
    const text = `${configText}identities:\n  - rule: ${rule}\n`;

    expect(await approve(principal, null, "approved", null, text)).toBe(outcome);
  });
});

test.each([
  ["a user that can be theirs", "user/{email}", "user/bob@example.com", "own-principal-unknown"],
  ["a user that the rule gives to no one", "role/{email}", "user/bob@example.com", "approved"],
])("an approver without a confirmed address, for whom a rule says nothing: %s", async (_, rule, principal, outcome) => {
  const text = `${configText}identities:\n  - rule: { arn: "arn:aws:iam::{account}:${rule}" }\n`;

  expect(await approve(`arn:aws:iam::111122223333:${principal}`, null, "approved", null, text, null)).toBe(outcome);
});

describe("an approver who is linked to the principal", () => {
  const principal = "arn:aws:iam::111122223333:user/engineer";
  const linkTo = (arn: string, from = keys) => {
    const said = { by: approver, at: at(0).toISOString() };
    const link = { arn, seal: sealLink(approver, arn, said, from.decision) };
    return ledger.changeLink({ user: approver, expected: null, link, proposal: null, event: anEvent() });
  };

  test("approves nothing for it by taking on another link first", async () => {
    await linkTo(principal);
    await linkTo("arn:aws:iam::111122223333:user/other");

    expect(await approve(principal, found())).toBe("own-principal");
  });

  test.each([
    ["the role of their permission set, made again", roleArn, roleArn.replace("0123", "4567")],
    ["their session of it", sessionOf("bob"), sessionOf("bob").replace("0123", "4567")],
    ["their session with another permission set", sessionOf("bob"), sessionOf("bob").replace("Developer", "Admin")],
  ])("approves nothing for %s, without a directory", async (_, linked, wanted) => {
    await linkTo(linked);

    expect(await approve(wanted, null, "approved", null, configText)).toBe("own-principal");
  });

  test.each([
    ["their session with another permission set", [sessionOf("bob")], "own"],
    ["a session of someone else", [sessionOf("alice")], "reviewed"],
    ["their session, after a link to its role", [sessionOf("bob").replace("Developer", "Admin"), adminArn], "own"],
    ["a session of the role that they share", [adminArn], "reviewed"],
  ])("may review emergency access, or not, for %s: %j gives %s", async (_, links, outcome) => {
    for (const each of links) await linkTo(each);
    const emergency = { requester: "U0ONCALL", principal: sessionOf("bob").replace("Developer", "Admin") };
    await ledger.commit(aChange({ ...anEmergency(emergency), version: 1 }));

    const refused = await reviewEmergency(aSlackContext(ledger), approver, "r-1");

    expect(refused ? "own" : "reviewed").toBe(outcome);
  });

  test("is not kept from it by a link that a person with Redis put among the replaced ones", async () => {
    await linkTo(principal, otherKeys);
    await linkTo("arn:aws:iam::111122223333:user/other");

    expect(await approve(principal, found())).toBe("approved");
  });
});

test.each<[string, { readonly as?: readonly string[]; readonly principal?: string }, "own" | "reviewed"]>([
  ["a rescue by their session, with another's Slack name", { as: [sessionOf("bob")] }, "own"],
  ["a rescue by their session that someone else continued", { as: [sessionOf("bob"), sessionOf("alice")] }, "own"],
  ["a rescue by the session of someone else", { as: [sessionOf("alice")] }, "reviewed"],
  ["emergency access that another account took for their session", { principal: sessionOf("bob") }, "own"],
  ["emergency access that someone else took for their own session", { principal: sessionOf("alice") }, "reviewed"],
  ["emergency access for a role that they share", { principal: roleArn }, "reviewed"],
])("a review by Bob: %s", async (_, { as = [], ...given }, outcome) => {
  const context: SlackContext = {
    ...aSlackContext(ledger, config, { ...noGroups, emailOf: async () => "bob@example.com" }),
    workers: { ask: async () => ({ type: "found", found: found() }) },
  };
  const emergency = unreviewedEmergency(at(0), as);
  await ledger.commit(aChange({ ...anEmergency({ requester: "U0ONCALL", emergency, ...given }), version: 1 }));

  const refused = await reviewEmergency(context, approver, "r-1");

  expect(refused?.text ?? null).toBe(
    outcome === "own" ? "You can't review your own emergency access. Ask <@U0APPROVER2>." : null,
  );
});
