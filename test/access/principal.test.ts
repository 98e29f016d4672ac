import { describe, expect, test } from "vitest";
import {
  admittedBy,
  admittedInWords,
  entryArnOf,
  isIdentityCenterRole,
  isOwnPrincipal,
  isSamePrincipal,
  readHolder,
  sessionNameIn,
} from "../../src/access/principal.ts";

const account = "arn:aws:iam::111122223333";

test.each([
  ["one IAM user", `${account}:user/team/alice`, "the IAM user alice"],
  ["everyone who can assume a role", `${account}:role/Developer`, "everyone who can assume Developer"],
  [
    "everyone with a permission set of Identity Center in the account",
    `${account}:role/AWSReservedSSO_Read_Only_0123456789abcdef`,
    "everyone with the permission set Read_Only in account 111122223333",
  ],
  [
    "everyone who can assume a role that only begins like one of Identity Center",
    `${account}:role/AWSReservedSSO_Developer`,
    "everyone who can assume AWSReservedSSO_Developer",
  ],
  [
    "everyone who can assume a role of another partition",
    "arn:aws-cn:iam::111122223333:role/Developer",
    "everyone who can assume Developer",
  ],
])("a lease admits %s", (_, arn, words) => {
  expect(admittedInWords(admittedBy(arn))).toBe(words);
});

const role = "arn:aws:iam::111122223333:role/Developer";
const user = "arn:aws:iam::111122223333:user/engineer";

test.each<[string, string, string]>([
  ["the role", role, role],
  ["the role in other letters", role.toLowerCase(), role],
  ["the role with its path", "arn:aws:iam::111122223333:role/team/Developer", role],
  ["a session of the role", "arn:aws:sts::111122223333:assumed-role/Developer/alice@example.com", role],
  ["the user", user, user],
])("a person linked with %s is the same principal", (_, linked, principal) => {
  expect(isSamePrincipal(linked, principal)).toBe(true);
});

test.each<[string, string | null, string]>([
  ["nothing", null, role],
  ["another role", `${role}2`, role],
  ["the role of another account", role.replace("1111", "9999"), role],
  ["a user of the role's name", role.replace(":role/", ":user/"), role],
  ["a session of another role", "arn:aws:sts::111122223333:assumed-role/Admin/Developer", role],
  ["what is no ARN", "Developer", role],
])("a person linked with %s is another principal", (_, linked, principal) => {
  expect(isSamePrincipal(linked, principal)).toBe(false);
});

const set = "AWSReservedSSO_Developer_0123456789abcdef";
const roleOfSet = `arn:aws:iam::111122223333:role/${set}`;
const session = (name: string, of = set) => `arn:aws:sts::111122223333:assumed-role/${of}/${name}`;
const alice = session("alice@example.com");

describe("one session of a role", () => {
  test("is read as aws sts get-caller-identity prints it", () => {
    const reading = readHolder(alice);

    expect(reading).toMatchObject({ type: "principal", principal: { arn: alice, kind: "session", name: set } });
    expect(sessionNameIn(alice)).toBe("alice@example.com");
    expect(entryArnOf(alice)).toBe(roleOfSet);
    expect(entryArnOf(roleOfSet)).toBe(roleOfSet);
  });

  test.each([
    "arn:aws:sts::111122223333:assumed-role/Developer",
    "arn:aws:sts::111122223333:assumed-role/Developer/a",
    "arn:aws:sts::111122223333:assumed-role/team/Developer/alice",
    "arn:aws:sts::111122223333:federated-user/alice",
    "arn:aws:sts::12:assumed-role/Developer/alice",
    `${alice} `,
  ])("is not %s", (arn) => {
    expect(readHolder(arn).type).toBe("invalid");
  });

  test("admits one person, and names it", () => {
    expect(admittedInWords(admittedBy(alice))).toBe("only alice@example.com (as Developer)");
  });

  test("is of Identity Center by the name that only AWS can give a role", () => {
    expect(isIdentityCenterRole(alice)).toBe(true);
    expect(isIdentityCenterRole(session("alice", "Developer"))).toBe(false);
    expect(isIdentityCenterRole(`arn:aws:iam::111122223333:user/${set}`)).toBe(false);
  });
});

describe("a link", () => {
  test("to a session is valid for that session and for its role", () => {
    expect(isOwnPrincipal(alice, alice)).toBe(true);
    expect(isOwnPrincipal(alice, roleOfSet)).toBe(true);
    expect(isOwnPrincipal(alice, session("carol@example.com"))).toBe(false);
  });

  test("to a role is valid for none of its sessions, and an approver with it counts as any of them", () => {
    for (const each of [alice, session("carol@example.com")]) {
      expect(isOwnPrincipal(roleOfSet, each)).toBe(false);
      expect(isSamePrincipal(roleOfSet, each)).toBe(true);
    }
    expect(isSamePrincipal(session("carol@example.com"), alice)).toBe(false);
    expect(isSamePrincipal(session("ALICE@example.com"), alice)).toBe(true);
  });

  const again = set.replace("0123", "4567");
  const admin = set.replace("Developer", "Admin");

  test.each([
    ["the role of their permission set, made again", roleOfSet, roleOfSet.replace(set, again), true],
    ["their session of it", alice, session("alice@example.com", again), true],
    ["their session with another permission set", alice, session("ALICE@example.com", admin), true],
    ["the session of another person", alice, session("carol@example.com", again), false],
    ["the role of another permission set", roleOfSet, roleOfSet.replace(set, admin), false],
    ["a session of another set, by a link to the role alone", roleOfSet, session("alice@example.com", admin), false],
    [
      "their permission set in another account",
      roleOfSet,
      roleOfSet.replace(set, again).replace("1111", "9999"),
      false,
    ],
    ["their name in another account", alice, session("alice@example.com", again).replace("1111", "9999"), false],
    ["a role that is not of Identity Center", session("alice", "Dev"), session("alice", "Admin"), false],
  ])("to Identity Center, beside %s", (_, linked, principal, isSame) => {
    expect(isSamePrincipal(linked, principal)).toBe(isSame);
    expect(isOwnPrincipal(linked, principal)).toBe(false);
  });
});
