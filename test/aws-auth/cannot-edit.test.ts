import { expect, it } from "vitest";
import { parseDocument } from "../../src/aws-auth/parse.ts";
import { cannotEdit, planChanges } from "../../src/aws-auth/plan.ts";

const arn = "arn:aws:iam::111122223333:role/dev";
const add = { type: "add", arn, section: "mapRoles", username: "dev", groups: [] } as const;

it("a change that an alias is in the way of says which line it is in", () => {
  const document = parseDocument({ mapRoles: `- &a\n  rolearn: ${arn}\n  username: dev\n- *a\n` });

  const plan = planChanges(document, [{ type: "map", arn, username: "dev", groups: ["viewers"] }]);

  expect(plan).toMatchObject({
    refusal: {
      code: "cannot-edit",
      message: "eks-access can't change mapRoles, line 4 alone. Give each field its own line, without anchors.",
    },
  });
});

it("an anchor of the entry is named before those of other entries", () => {
  const entry = (name: string, groups: string) => `- rolearn: ${arn}${name}\n  username: dev\n  groups: ${groups}\n`;
  const mapRoles = [entry("1", "&a []"), entry("2", "&b\n  - viewers"), entry("3", "*b")].join("");

  const plan = planChanges(parseDocument({ mapRoles }), [
    { type: "map", arn: `${arn}2`, username: "dev", groups: ["x"] },
  ]);

  expect(plan).toMatchObject({ refusal: { message: expect.stringContaining("mapRoles, line 7 alone") } });
});

it("no anchor is blamed where the section has none", () => {
  const mapUsers = "- &a {userarn: x}\n";

  const refusal = cannotEdit(parseDocument({ mapRoles: `- rolearn: ${arn}\n  username: dev\n`, mapUsers }), [add]);

  expect(refusal).toEqual({
    code: "cannot-edit",
    message: "eks-access can't change mapRoles alone. Give each field its own line, without anchors.",
  });
});
