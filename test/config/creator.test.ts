import { expect, test } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { configText } from "../builders/a-cluster.ts";

/** The creator of the cluster `staging`, where it is written so. */
function creatorWritten(written: string, change: (text: string) => string = (text) => text) {
  const reading = readConfig(change(configText.replace(/creator:\n.*\n/, `creator: ${written}\n`)));
  if (reading.type === "invalid") throw new Error(reading.problems.join("\n"));
  return reading.config.clusters.get("staging")?.creator;
}

const hub = "arn:aws:iam::999988887777:role/hub";
const role = "arn:aws:iam::111122223333:role/infra/creator";
const user = "arn:aws:iam::111122223333:user/ops/founder";

test.each([
  [`{ roleArn: "${role}" }`, { type: "role", roleArn: role, through: [] }],
  [
    `{ roleArn: "${role}", externalId: "id-1", through: ["${hub}", { roleArn: "${role}", externalId: "id-2" }] }`,
    {
      type: "role",
      roleArn: role,
      externalId: "id-1",
      through: [{ roleArn: hub }, { roleArn: role, externalId: "id-2" }],
    },
  ],
  [`{ userArn: "${user}" }`, { type: "user", userArn: user }],
  [`{ userArn: "${user}", profile: founder }`, { type: "user", userArn: user, profile: "founder" }],
  ["discover", { type: "discover", through: [] }],
  [
    `{ discover: true, externalId: "id-1", through: ["${hub}"], profile: founder }`,
    { type: "discover", externalId: "id-1", through: [{ roleArn: hub }], profile: "founder" },
  ],
])("a creator may be written as %s", (written, creator) => {
  expect(creatorWritten(written)).toEqual(creator);
});

test.each([
  ["cn-north-1", "aws-cn"],
  ["us-gov-east-1", "aws-us-gov"],
  ["us-isob-east-1", "aws-iso-b"],
  ["eusc-de-east-1", "aws-eusc"],
])("in %s a creator is of %s", (region, partition) => {
  const inRegion = (text: string) => text.replace("eu-central-1", region);

  const creator = creatorWritten(`{ roleArn: "${role.replace("aws", partition)}" }`, inRegion);

  expect(creator).toMatchObject({ type: "role" });
  expect(() => creatorWritten(`{ roleArn: "${role}" }`, inRegion)).toThrow(
    `it is in partition aws, the cluster in ${partition}.`,
  );
});

test("a region that is newer than this program has the partition of its creator", () => {
  const creator = creatorWritten(`{ roleArn: "${role.replace("aws", "aws-moon")}" }`, (text) =>
    text.replace("eu-central-1", "moon-north-1"),
  );

  expect(creator).toMatchObject({ type: "role" });
});

test("the worker can't be two users at once, and the problem names the clusters", () => {
  const [staging = ""] = / {2}staging:\n[\s\S]*?(?=^levels)/m.exec(configText) ?? [];
  const asked = (user: string, text: string) =>
    text.replace(/creator:\n.*\n/, `creator: { userArn: "arn:aws:iam::111122223333:user/${user}" }\n`);
  const other = staging.replace("staging:", "other:").replace("staging-eks", "other-eks");

  const reading = readConfig(configText.replace(staging, asked("a", staging) + asked("b", other)));
  const alike = readConfig(configText.replace(staging, asked("a", staging) + asked("a", other)));

  expect(alike.type).toBe("config");
  expect(reading).toMatchObject({
    type: "invalid",
    problems: [
      "clusters.other.creator.userArn: without a profile, the worker is this user; clusters.staging needs another one. Give one a profile.",
    ],
  });
});
