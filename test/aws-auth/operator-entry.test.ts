import { expect, test } from "vitest";
import type { Change } from "../../src/access/principal.ts";
import { parseDocument, planChanges } from "../../src/aws-auth/index.ts";

const arn = "arn:aws:iam::111122223333:role/eks-access-operator";
const map: Change = { type: "map", arn, username: "dev", groups: ["readers"] };
const document = parseDocument({ mapRoles: `- rolearn: ${arn}\n  username: op\n  groups: [eks-access:operators]\n` });

test.each<[string, Change]>([
  ["changes it", map],
  ["removes it", { type: "unmap", arn }],
  ["removes it, in another case", { type: "unmap", arn: arn.toUpperCase().replace("ARN:AWS:IAM", "arn:aws:iam") }],
])("no plan %s: the entry of the operator is its bootstrap's", (_, change) => {
  const withPath = arn.replace("role/", "role/team/");

  const plan = planChanges(document, [change], { operatorArn: withPath });

  expect(plan).toMatchObject({ type: "planned", diff: "", refused: [{ code: "operator" }] });
});

test("a bootstrap, whose guard names no operator, writes the entry", () => {
  expect(planChanges(document, [map])).toMatchObject({ type: "planned", refused: [], after: expect.anything() });
});
