import { expect, test } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { configText } from "../builders/a-cluster.ts";

/** How the file reads where `staging` has these settings. */
const withSignIn = (written: string, more = "") =>
  readConfig(configText.replace("    channel:", `    signIn: ${written}\n${more}    channel:`));
const problemsOf = (written: string, more?: string) => {
  const reading = withSignIn(written, more);
  return reading.type === "invalid" ? reading.problems : [];
};
const form =
  "use a role's ARN with its path; * matches any text in the name, for example arn:aws:iam::111122223333:role/team-*";

test("nobody is signed in as unless it is written", () => {
  const reading = readConfig(configText);

  expect(reading.type === "config" && reading.config.clusters.get("staging")?.signIn).toEqual({ roles: [] });
});

test("roles may be written with a path, and a star in their names", () => {
  const roles = ["arn:aws:iam::111122223333:role/team/eu/dev-*", "arn:aws:iam::999988887777:role/on-call"];
  const reading = withSignIn(
    `{ roles: ["${roles.join('", "')}"], externalId: "id-1" }`,
    '    foreignAccounts: ["999988887777"]\n',
  );

  expect(reading.type === "config" && reading.config.clusters.get("staging")?.signIn).toEqual({
    roles,
    externalId: "id-1",
  });
});

test.each([
  ["arn:aws:iam::111122223333:role/*/dev", "its path would not be known"],
  ["arn:aws:iam::*:role/dev", "any account could be meant"],
  ["arn:aws:iam::111122223333:user/dev", "a user can't be assumed"],
  ["dev-*", "it is no ARN"],
])("%s is refused: %s", (arn) => {
  expect(problemsOf(`{ roles: ["${arn}"] }`)).toEqual([`clusters.staging.signIn.roles[0]: ${form}.`]);
});

test.each([
  [
    "arn:aws-cn:iam::111122223333:role/dev",
    "it is in the partition aws-cn, but the region eu-central-1 is in aws. Correct one of them.",
  ],
  [
    "arn:aws:iam::999988887777:role/dev",
    "it is in account 999988887777, which gets no access to this cluster. Correct it, or add the account to foreignAccounts.",
  ],
])("%s is refused: nobody of it can be given access", (arn, problem) => {
  expect(problemsOf(`{ roles: ["${arn}"] }`)).toEqual([`clusters.staging.signIn.roles[0]: ${problem}`]);
});
