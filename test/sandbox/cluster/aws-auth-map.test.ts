import { describe, expect, it } from "vitest";
import { readAwsAuth } from "../../../sandbox/cluster/aws-auth-map.ts";

// Copies: aws-iam-authenticator, pkg/mapper/configmap (ParseMap), with sigs.k8s.io/yaml and encoding/json beneath it.

const role = "arn:aws:iam::111122223333:role/ops";
const rolesOf = (mapRoles: string) => [...readAwsAuth({ mapRoles }).roles.values()];
const first = (mapRoles: string) => rolesOf(mapRoles)[0];

describe("a section", () => {
  it.each(["", "   \n", '""', "''", "``"])("is empty where it is %j", (text) => {
    expect(rolesOf(text)).toEqual([]);
  });

  it.each([
    ["a map", "rolearn: x"],
    ["a text", "hello"],
    ["broken", "- rolearn: [x"],
    ["null", "~"],
    ["indented by a tab", "- rolearn: x\n\tusername: y"],
  ])("is empty where it is %s", (_what, text) => {
    expect(rolesOf(text)).toEqual([]);
  });

  it("is read to the end of its first YAML document, and dropped in silence after that", () => {
    expect(rolesOf(`- {rolearn: a, username: x}\n---\n- {rolearn: b}\n`).map(({ arn }) => arn)).toEqual(["a"]);
  });

  it("is dropped in silence after a line further left than the first", () => {
    expect(rolesOf("  - rolearn: a\n    username: x\n- rolearn: b\n").map(({ arn }) => arn)).toEqual(["a"]);
  });

  it("counts only under its exact name", () => {
    expect(readAwsAuth({ maproles: `- {rolearn: ${role}}` }).roles.size).toBe(0);
  });
});

describe("an entry", () => {
  it("has field names without case, and ignores unknown fields", () => {
    expect(first(`- {RoleARN: ${role}, UserName: ops, extra: 1}`)).toEqual({ arn: role, username: "ops", groups: [] });
  });

  it("takes the last of a field that is given twice", () => {
    expect(first(`- rolearn: a\n  rolearn: b\n`)?.arn).toBe("b");
    expect(first(`- rolearn: lower\n  ROLEARN: upper\n`)?.arn).toBe("lower");
  });

  it.each(["yes", "y", "12", "0x1F", "1.5", "null", "[a]", "true"])("has no username where that is %s", (value) => {
    expect(first(`- {rolearn: ${role}, username: ${value}}`)).toMatchObject({ arn: role, username: "" });
  });

  it.each(["2026-01-31", "12:30:45", "'12'"])("keeps %s as the text that it is for Go", (value) => {
    expect(first(`- {rolearn: ${role}, username: ${value}}`)?.username).toBe(value.replaceAll("'", ""));
  });

  it("is mapped without groups where they are a text", () => {
    expect(first(`- {rolearn: ${role}, username: ops, groups: "system:masters"}`)).toEqual({
      arn: role,
      username: "ops",
      groups: [],
    });
  });

  it("is dropped without an ARN, or with sso beside it", () => {
    expect(rolesOf(`- {username: a}\n- text\n- {rolearn: ${role}, sso: {permissionSetName: x}}\n`)).toEqual([]);
    expect(readAwsAuth({ mapUsers: "- {userarn: '', username: a}" }).users.size).toBe(0);
  });

  it("wins over an earlier one with the same ARN, without case and without merging", () => {
    const found = rolesOf(
      `- {rolearn: ${role}, username: a, groups: [g]}\n- {rolearn: ${role.toUpperCase()}, username: b}\n`,
    );

    expect(found).toEqual([{ arn: role.toUpperCase(), username: "b", groups: [] }]);
  });
});

describe("mapAccounts", () => {
  it("keeps the zeros of an unquoted id", () => {
    expect([...readAwsAuth({ mapAccounts: "- 012345678901\n- '111122223333'\n" }).accounts]).toEqual([
      "012345678901",
      "111122223333",
    ]);
  });
});
