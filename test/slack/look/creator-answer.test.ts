import { describe, expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import type { Creator } from "../../../src/access/policy/creator.ts";
import type { CreatorReport } from "../../../src/diagnosis/reports.ts";
import { creatorAnswer } from "../../../src/slack/look/creator.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

const iam = (rest: string) => `arn:aws:iam::111122223333:${rest}`;
const role: Creator = { type: "role", roleArn: iam("role/cluster-creator"), through: [] };
const user: Creator = { type: "user", userArn: iam("user/ops/founder"), profile: "founder" };
const discover: Creator = { type: "discover", through: [] };

const record = {
  eventId: "e107a7f2-41fa-467f-8640-d91017a8a149",
  at: "2026-01-02T03:04:05Z",
  kind: "AssumedRole",
  arn: iam("role/cluster-creator"),
  invokedBy: null,
};
const event =
  "(event `e107a7f2-41fa-467f-8640-d91017a8a149`, <!date^1767323045^{date_short_pretty} {time}|2026-01-02 03:04:05 UTC>)";
const becomes = (arn: string) => ({ ok: true, message: "", arn, isMissing: false });
const becomesNot = (message: string) => ({ ok: false, message, arn: null, isMissing: false });

function answer(creator: Creator, report: Partial<CreatorReport>): string {
  const whole = {
    becomes: becomes(iam("role/cluster-creator")),
    record,
    isRemembered: false,
    trouble: null,
    ...report,
  };
  return textOfBlocks(creatorAnswer(aCluster({ creator }), whole));
}

describe("the answer to who created a cluster", () => {
  test("is short where the configuration, CloudTrail and the worker agree", () => {
    expect(answer(role, {})).toBe(
      [
        "*Who created `staging`*",
        "*Configured* `arn:aws:iam::111122223333:role/cluster-creator`",
        `*CloudTrail* ✓ the same, as \`AssumedRole\` ${event}`,
        "*The worker* ✓ can act as it, and the cluster exists",
      ].join("\n"),
    );
  });

  test("names the roles on the way", () => {
    const through = [{ roleArn: iam("role/hub") }, { roleArn: iam("role/spoke"), externalId: "id" }];

    expect(answer({ ...role, through }, {})).toContain(
      "*Configured* `arn:aws:iam::111122223333:role/cluster-creator`, assumed through `arn:aws:iam::111122223333:role/hub`, `arn:aws:iam::111122223333:role/spoke`",
    );
  });

  test("says whose keys are used for a user", () => {
    const byUser = { record: { ...record, kind: "IAMUser", arn: iam("user/ops/founder") } };

    expect(answer(user, byUser)).toContain(
      "*Configured* the user `arn:aws:iam::111122223333:user/ops/founder`, with the keys of the worker's profile `founder`\n*CloudTrail* ✓ the same, as `IAMUser`",
    );
    expect(answer({ ...user, profile: undefined }, byUser)).toContain("user/ops/founder`, the worker itself");
  });

  test("gives the line to copy where the creator was discovered", () => {
    expect(answer(discover, {})).toBe(
      [
        "*Who created `staging`*",
        "*Configured* discover: the identity that CloudTrail names",
        `*CloudTrail* ✓ \`arn:aws:iam::111122223333:role/cluster-creator\`, as \`AssumedRole\` ${event}`,
        "*The worker* ✓ can act as `arn:aws:iam::111122223333:role/cluster-creator`, and the cluster exists",
        "*What to do* Add `creator: { roleArn: arn:aws:iam::111122223333:role/cluster-creator }` to eks-access.yml: CloudTrail forgets it in 90 days.",
      ].join("\n"),
    );
  });

  test.each([
    [{ externalId: "id" }, "externalId: id }"],
    [{ through: [{ roleArn: iam("role/hub") }] }, `through: ["${iam("role/hub")}"] }`],
    [
      { through: [{ roleArn: iam("role/hub"), externalId: "hub-id" }] },
      `through: [{ roleArn: "${iam("role/hub")}", externalId: hub-id }] }`,
    ],
  ])("gives the whole line of a creator that was discovered with %j", (more, rest) => {
    expect(answer({ ...discover, ...more }, {})).toContain(
      `Add \`creator: { roleArn: ${iam("role/cluster-creator")}, ${rest}\` to eks-access.yml: CloudTrail forgets`,
    );
  });

  test.each<[string, Creator, string]>([
    ["a profile that is configured", { ...discover, profile: "founder" }, "founder"],
    ["a profile to be made", discover, "PROFILE"],
    ["a profile beside a role", role, "PROFILE"],
    ["a profile of its own beside another user", { ...user, userArn: iam("user/other") }, "PROFILE"],
  ])("gives the line of a user with %s", (_, creator, profile) => {
    const text = answer(creator, { record: { ...record, kind: "IAMUser", arn: iam("user/ops/founder") } });

    expect(text).toContain(`\`creator: { userArn: ${iam("user/ops/founder")}, profile: ${profile} }\``);
    expect(text.includes("PROFILE has this user's keys.")).toBe(profile === "PROFILE");
  });

  test("claims of a federated user's session only who issued it", () => {
    const federated = { record: { ...record, kind: "FederatedUser", arn: iam("user/ops/founder") } };

    const configured = answer(user, federated);
    const discovered = answer({ ...discover, profile: "founder" }, federated);

    const said = "a federated user session of `arn:aws:iam::111122223333:user/ops/founder`";
    expect(configured).toContain(`*CloudTrail* – ${said} (`);
    expect(configured).not.toContain("✓ the same");
    expect(discovered).toContain(`*CloudTrail* – ${said}`);
    expect(discovered).toContain("`/eks-access whoami staging` tests it.");
  });

  test("gives the line for a user where CloudTrail names one, and the configuration another person", () => {
    const text = answer(role, { record: { ...record, kind: "IAMUser", arn: iam("user/ops/founder") } });

    expect(text).toContain("*CloudTrail* ✗ `arn:aws:iam::111122223333:user/ops/founder`, not the configured one");
    expect(text).toContain(
      "*What to do* If that cluster still exists, set `creator: { userArn: arn:aws:iam::111122223333:user/ops/founder, profile: PROFILE }` in eks-access.yml.",
    );
  });

  test("says what to do where no one can become the creator", () => {
    const text = answer(role, {
      record: { ...record, kind: "AWSService", arn: null, invokedBy: "cloudformation.amazonaws.com" },
      becomes: becomesNot("AWS refused it."),
    });

    expect(text).toContain("*CloudTrail* ✗ AWSService through `cloudformation.amazonaws.com`, which no worker can use");
    expect(text).toContain("*The worker* ✗ can't act as it: AWS refused it.");
    expect(text).toContain(
      "*What to do* Switch to API_AND_CONFIG_MAP, give a role an access entry with AmazonEKSClusterAdminPolicy",
    );
  });

  test("does not complain where a role with an access entry is in for such a creator", () => {
    const text = answer(role, { record: { ...record, kind: "Root", arn: iam("root") } });

    expect(text).toContain("*CloudTrail* ✗ the root user, which no worker can use");
    expect(text).not.toContain("*What to do*");
  });

  test("says where the record comes from if CloudTrail has it no more, or could not be asked", () => {
    const forgotten = answer(discover, { isRemembered: true });
    const refused = answer(discover, { isRemembered: true, trouble: "AWS refused cloudtrail:LookupEvents." });

    expect(forgotten).toContain("2026-01-02 03:04:05 UTC>; from the ledger)");
    expect(refused).toContain("from the ledger, as CloudTrail did not answer)");
  });

  test("says that there is no record, or that no one could ask", () => {
    expect(answer(role, { record: null })).toContain(
      "*CloudTrail* – no record in `eu-central-1`: CloudTrail keeps 90 days\n",
    );
    expect(answer(role, { record: null, becomes: becomesNot("AWS refused it.") })).toContain(
      "*CloudTrail* – no record in `eu-central-1`: CloudTrail keeps 90 days. Check eksName, region, account.\n",
    );
    expect(answer(role, { record: null, trouble: "AWS refused <it>." })).toContain(
      "*CloudTrail* – not asked: AWS refused &lt;it&gt;.",
    );
  });

  test("is something that Slack takes, whatever the texts are", () => {
    const long = "&".repeat(5_000);
    const arn = `${iam("role/")}${"x".repeat(2_000)}`;
    const through = Array.from({ length: 200 }, () => ({ roleArn: arn }));
    const report = {
      becomes: becomesNot(long),
      record: { eventId: long, at: long, kind: long, arn, invokedBy: long },
      isRemembered: true,
      trouble: long,
    };

    const messages = [
      creatorAnswer(aCluster({ creator: { type: "role", roleArn: arn, through } }), report),
      creatorAnswer(aCluster({ creator: { type: "user", userArn: arn, profile: long } }), { ...report, record: null }),
      creatorAnswer(aCluster({ creator: discover }), { ...report, record: { ...report.record, arn: null } }),
    ];

    for (const { blocks, text } of messages) {
      expect(problemsOf(blocks)).toEqual([]);
      expect(lengthOfText(blocks)).toBeLessThan(longestText);
      expect(text.length).toBeLessThan(40_000);
    }
  });
});
