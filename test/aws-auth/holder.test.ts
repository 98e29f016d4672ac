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
} from "../../src/aws-auth/caller.ts";

const set = "AWSReservedSSO_Developer_0123456789abcdef";
const role = `arn:aws:iam::111122223333:role/${set}`;
const session = (name: string, of = set) => `arn:aws:sts::111122223333:assumed-role/${of}/${name}`;
const alice = session("alice@example.com");

describe("one session of a role", () => {
  test("is read as aws sts get-caller-identity prints it", () => {
    const reading = readHolder(alice);

    expect(reading).toMatchObject({ type: "principal", principal: { arn: alice, kind: "session", name: set } });
    expect(sessionNameIn(alice)).toBe("alice@example.com");
    expect(entryArnOf(alice)).toBe(role);
    expect(entryArnOf(role)).toBe(role);
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
    expect(admittedInWords(admittedBy(role))).toBe(
      "everyone with the permission set Developer in account 111122223333",
    );
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
    expect(isOwnPrincipal(alice, role)).toBe(true);
    expect(isOwnPrincipal(alice, session("carol@example.com"))).toBe(false);
  });

  test("to a role is valid for none of its sessions, and an approver with it counts as any of them", () => {
    for (const each of [alice, session("carol@example.com")]) {
      expect(isOwnPrincipal(role, each)).toBe(false);
      expect(isSamePrincipal(role, each)).toBe(true);
    }
    expect(isSamePrincipal(session("carol@example.com"), alice)).toBe(false);
    expect(isSamePrincipal(session("ALICE@example.com"), alice)).toBe(true);
  });
});
