import { expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import { clusterRule } from "../../../src/access/policy/rule.ts";
import { clustersAnswer, noClusterFitsAnswer } from "../../../src/slack/look/clusters.ts";
import { aCluster, aLevel } from "../../builders/a-cluster.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

test("clusters shows what may be asked for, who decides, and what the reader is there", () => {
  const masters = aLevel({ name: "masters", groups: ["system:masters"], maxDurationSeconds: 900 });
  const rules = [{ ...clusterRule, approvals: null }];
  const production = aCluster({ name: "production", levels: [aLevel(), masters], rules, onCall: ["U0APPROVER"] });

  expect(
    textOfBlocks(clustersAnswer([aCluster(), production], { user: "U0APPROVER", memberships: [] })),
  ).toMatchInlineSnapshot(`
    "*\`staging\`* (you approve here): \`staging-eks\` in \`eu-central-1\`, account \`111122223333\`
    • \`viewer\` up to 8h, approved by <@U0APPROVER> or <@U0APPROVER2>
    • \`admin\` up to 1h, approved by <@U0APPROVER> or <@U0APPROVER2>
    Requests go to <#C0ACCESS>. No on-call. Created by \`arn:aws:iam::111122223333:role/cluster-creator\`.
    *\`production\`* (you approve here, you are on call): \`staging-eks\` in \`eu-central-1\`, account \`111122223333\`
    • \`viewer\` up to 8h, approved by <@U0APPROVER> or <@U0APPROVER2>
    • \`masters\` up to 15m, for one person only, approved by 2 of <@U0APPROVER>, <@U0APPROVER2>
    Requests go to <#C0ACCESS>. On call: <@U0APPROVER>. Created by \`arn:aws:iam::111122223333:role/cluster-creator\`."
  `);
});

test("clusters shows a level's own limit where its rule, which is for others too, allows longer", () => {
  const rules = [{ ...clusterRule, maxDurationSeconds: 24 * 3600 }];
  const told = textOfBlocks(clustersAnswer([aCluster({ rules })], { user: "U0ENGINEER", memberships: [] }));

  expect(told).toContain("`viewer` up to 8h, ");
  expect(told).toContain("`admin` up to 1h, ");
});

test("clusters says of a level that it is not for the reader", () => {
  const rules = [{ ...clusterRule, levels: ["admin"] }];

  expect(textOfBlocks(clustersAnswer([aCluster({ rules })], { user: "U0ENGINEER", memberships: [] }))).toContain(
    "• `viewer` up to 8h: you can't request it",
  );
});

test.each([
  ["refuse", "<@U0APPROVER2>. Only Mon to Fri, 09:00 to 18:00 (UTC)\n"],
  [
    "one-more-approval",
    "approved by <@U0APPROVER> or <@U0APPROVER2>. One more approval outside Mon to Fri, 09:00 to 18:00 (UTC)\n",
  ],
  ["warn", "<@U0APPROVER2>\n"],
] as const)("clusters says what a rule's working hours change for who asks: %s", (outside, words) => {
  const hours = { zone: "UTC", days: [1, 2, 3, 4, 5], from: 540, to: 1080, outside };
  const cluster = aCluster({ rules: [{ ...clusterRule, hours }], levels: [aLevel()] });

  expect(textOfBlocks(clustersAnswer([cluster], { user: "U0ENGINEER", memberships: [] }))).toContain(words);
});

test("clusters shows what is beside the rules: permanent access, a quiet cluster, and emergency access", () => {
  const breakGlass = { who: ["U0ENGINEER"], level: "admin", durationSeconds: 3600 };
  const cluster = aCluster({
    quiet: "migration until *Monday*",
    breakGlass,
    rules: [{ ...clusterRule, permanent: true }],
  });
  const told = (user: string) => textOfBlocks(clustersAnswer([cluster], { user, memberships: [] }));

  expect(told("U0ENGINEER").replaceAll("\u200b", "")).toContain(
    "`viewer` up to 8h, or permanent, approved by <@U0APPROVER> or <@U0APPROVER2>",
  );
  expect(told("U0ENGINEER").replaceAll("\u200b", "")).toContain(":zzz: No requests now: migration until `*Monday*`");
  expect(told("U0ENGINEER")).toContain("`/eks-access break-glass staging &lt;reason&gt;` gives `admin` for 1h at once");
  expect(told("U0ONCALL")).not.toContain("break-glass");
});

test("a part of a name that fits no cluster is answered with all names", () => {
  expect(noClusterFitsAnswer("prd", ["production", "staging"]).text).toBe(
    "No cluster has `prd` in its name. Clusters: `production`, `staging`.",
  );
});

test("Slack takes hundreds of clusters with everything as long as it can be, and the others are counted", () => {
  const levels = Array.from({ length: 40 }, (_, index) => aLevel({ name: `${"l".repeat(60)}${index}` }));
  const users = Array.from({ length: 100 }, (_, index) => `U0${"A".repeat(20)}${index}`);
  const long = { eksName: "e".repeat(100), levels, approvers: users, onCall: users };
  const clusters = Array.from({ length: 300 }, (_, index) => aCluster({ ...long, name: `${"c".repeat(60)}${index}` }));

  const { blocks } = clustersAnswer(clusters, { user: users[0] ?? "", memberships: [] });

  expect(problemsOf(blocks)).toEqual([]);
  expect(lengthOfText(blocks)).toBeLessThan(longestText);
  expect(textOfBlocks({ blocks })).toContain("And 292 more:");
});
