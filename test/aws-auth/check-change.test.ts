import { describe, expect, it } from "vitest";
import type { Change } from "../../src/access/principal.ts";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { planChanges } from "../../src/aws-auth/plan.ts";

const dns = "system:node:{{EC2PrivateDNSName}}";
const account = "arn:aws:iam::111122223333:";
const refusals = (mapRoles: string, arn: string, username: string, groups: readonly string[], guard = {}) => {
  const plan = planChanges(parseDocument({ mapRoles }), [{ type: "map", arn, username, groups }], guard);
  return plan.type === "planned" ? plan.refused.map(({ code }) => code) : [plan.refusal.code];
};

describe("{{EC2PrivateDNSName}} is for nodes alone", () => {
  it.each([
    ["a user is refused it, whatever the groups", `${account}user/bob`, ["system:nodes"], ["template-node"]],
    ["a role of people is refused it", `${account}role/dev`, ["viewers"], ["template-node"]],
    ["a role in no groups is refused it", `${account}role/dev`, [], ["template-node"]],
    ["a role of nodes gets it", `${account}role/node`, ["system:bootstrappers", "system:nodes"], []],
  ])("%s", (_what, arn, groups, expected) => {
    expect(refusals("", arn, dns, groups)).toEqual(expected);
  });
});

describe("an entry that shuts out all but EC2 instances", () => {
  const entry = (username: string, group: string) =>
    `- rolearn: ${account}role/dev\n  username: "${username}"\n  groups: ["${group}"]\n`;
  const [old, inName, inGroup] = ["viewers", "dev:{{EC2PrivateDNSName}}", "g-{{EC2PrivateDNSName}}"];

  it.each([
    ["gets no group, which no one would have", entry(inName, old), inName, [old, "ours"], ["template-node"]],
    ["gets none beside such a group", entry("dev", inGroup), "dev", [inGroup, "ours"], ["template-node"]],
    ["gets one with another username", entry(inName, old), "dev", [old, "ours"], []],
    ["loses a group", entry(inName, old), inName, [], []],
  ])("%s", (_what, mapRoles, username, groups, expected) => {
    expect(refusals(mapRoles, `${account}role/dev`, username, groups)).toEqual(expected);
  });
});

describe("a username that an entry does not have yet", () => {
  const entry = (username: string) => `- rolearn: ${account}role/dev\n  username: "${username}"\n`;

  it.each([
    ["is checked where the entry is new", ""],
    ["is checked where the entry has another one", entry("dev")],
  ])("%s", (_what, mapRoles) => {
    expect(refusals(mapRoles, `${account}role/dev`, "{{SessionName}}", ["viewers"])).toEqual(["template-session"]);
  });

  it("is not refused where the entry has it already", () => {
    expect(refusals(entry("{{SessionName}}"), `${account}role/dev`, "{{SessionName}}", ["viewers"])).toEqual([]);
  });
});

it("no access ends in one section while a half-read one has the same principal, however its ARN is written", () => {
  const eve = `${account}user/eve`;
  const entry = `- userarn: ${eve}\n  username: eve\n`;
  const halfRead = (name: string) => `- rolearn: "${account}user/${name}"\n  username: x\n---\n- dropped\n`;
  const end = (mapRoles: string) =>
    planChanges(parseDocument({ mapRoles, mapUsers: entry }), [{ type: "unmap", arn: eve }]);

  expect(end(halfRead("\\x65ve"))).toMatchObject({ type: "refused", refusal: { code: "content-dropped" } });
  expect(end(halfRead("bob"))).toMatchObject({ type: "planned", refused: [] });
});

describe("without a known partition of the cluster", () => {
  const entries = `- rolearn: ${account}role/a\n  username: a\n`;
  const china = "arn:aws-cn:iam::111122223333:role/dev";

  it("an ARN of another one than the document's entries is refused", () => {
    const plan = planChanges(parseDocument({ mapRoles: entries }), [
      { type: "map", arn: china, username: "dev", groups: [] },
    ]);

    expect(plan).toMatchObject({
      refused: [
        {
          code: "foreign-partition",
          message:
            "arn:aws-cn:iam::111122223333:role/dev is in aws-cn, the other entries in aws. It can't sign in there.",
        },
      ],
    });
  });

  it.each([
    ["an empty document takes any", "", {}],
    ["a document with both takes both", `${entries}- rolearn: ${china}2\n  username: b\n`, {}],
    ["an entry that matches nobody says nothing", `- rolearn: ${account}role/p/a\n  username: a\n`, {}],
    ["the cluster's own partition counts more than the entries", entries, { partition: "aws-cn" }],
  ])("%s", (_what, mapRoles, guard) => {
    expect(refusals(mapRoles, china, "dev", [], guard)).toEqual([]);
  });
});

it("another username is no mere removal of groups: an entry that a wildcard fits too does not get one", () => {
  const dev = `- rolearn: ${account}role/dev\n  username: dev\n  groups: [viewers]\n`;
  const mapRoles = `${dev}- rolearn: ${account}role/d*\n  username: all\n`;

  expect(refusals(mapRoles, `${account}role/dev`, "other", ["viewers"])).toEqual(["entry-ambiguous"]);
  expect(refusals(mapRoles, `${account}role/dev`, "dev", [])).toEqual([]);
});

it("access stays while a broken section may name it too, in any case of its letters", () => {
  const mapUsers = `- userarn: ${account}user/alice\n  username: alice\n`;
  const mapRoles = `- rolearn: ${account}USER/ALICE\n  username: [\n`;

  const plan = planChanges(parseDocument({ mapUsers, mapRoles }), [{ type: "unmap", arn: `${account}user/alice` }]);

  expect(plan.type).toBe("refused");
});

describe("the end of a lease", () => {
  const dev = `${account}role/dev`;
  const ours = { usernames: "eks-access:", groups: ["viewers"] };
  const codesOf = (data: Record<string, string>, change: Change) => {
    const plan = planChanges(parseDocument(data), [change], {});
    return plan.type === "planned" ? plan.refused.map(({ code }) => code) : [plan.refusal.code];
  };

  it("takes nothing from an entry that others made one for nodes since", () => {
    const mapRoles = `- rolearn: ${dev}\n  username: ${dns}\n  groups: [system:nodes, viewers]\n`;

    expect(codesOf({ mapRoles }, { type: "map", arn: dev, username: dns, groups: ["system:nodes"], ours })).toEqual([
      "node-entry",
    ]);
  });

  it("goes on where several entries match, and a lease does not begin there", () => {
    const eve = (name: string) => `- userarn: ${account}user/${name}\n  username: eve\n  groups: [viewers, editors]\n`;
    const mapUsers = eve("eve") + eve("EVE");
    const codes = (groups: readonly string[], isOurs: boolean) =>
      codesOf(
        { mapUsers },
        { type: "map", arn: `${account}user/eve`, username: "eve", groups, ...(isOurs && { ours }) },
      );

    expect(codes(["editors"], true)).not.toContain("entry-ambiguous");
    expect(codes(["editors"], false)).toEqual(["entry-ambiguous"]);
    expect(codes(["editors", "admins"], true)).toEqual(["entry-ambiguous"]);
  });
});
