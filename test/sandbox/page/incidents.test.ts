import { expect, test } from "vitest";
import { readAwsAuth } from "../../../sandbox/cluster/aws-auth-map.ts";
import {
  addComment,
  addTeam,
  breakYaml,
  hasTeam,
  isBroken,
  removeTeam,
  removeUsers,
  repairYaml,
} from "../../../sandbox/page/live/incidents.ts";
import { initialAwsAuth } from "../../../sandbox/scene.ts";

const document = { metadata: {}, data: initialAwsAuth };

test("an edit by hand that is undone leaves the document as it was, byte for byte", () => {
  expect(removeTeam(addTeam(document))).toEqual(document);
  expect(repairYaml(breakYaml(document))).toEqual(document);
  expect([hasTeam(document), hasTeam(addTeam(document)), isBroken(document), isBroken(breakYaml(document))]).toEqual([
    false,
    true,
    false,
    true,
  ]);
});

test("the authenticator understands the edit by hand, and the broken one locks everyone out", () => {
  const rolesAfter = (edited: ReturnType<typeof addTeam>) => [...readAwsAuth(edited.data).roles.keys()].length;

  expect(rolesAfter(addTeam(document))).toBe(rolesAfter(document) + 1);
  expect(rolesAfter(breakYaml(document))).toBe(0);
});

test("each comment differs from the last one", () => {
  expect(addComment(addComment(document)).data?.mapRoles).toMatch(
    /^# seen by the platform team, 2 times\n# seen by the platform team\n/,
  );
});

test("taking the users out leaves the roles", () => {
  const edited = removeUsers({ metadata: {}, data: { ...initialAwsAuth, mapUsers: "- userarn: x\n" } });

  expect(edited.data).toEqual(initialAwsAuth);
});
