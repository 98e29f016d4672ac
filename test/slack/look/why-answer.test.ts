import { describe, expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import { type Cause, causeCodes, type Diagnosis } from "../../../src/diagnosis/facts.ts";
import { diagnose } from "../../../src/diagnosis/why.ts";
import { notFoundOutAnswer } from "../../../src/slack/look/about-cluster.ts";
import { clusterUnavailableAnswer, notLinkedAnswer, whyAnswer } from "../../../src/slack/look/why.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aLeasedRequest } from "../../builders/a-request.ts";
import { at, hours } from "../../builders/times.ts";
import { developers, roleEntry, whyFacts } from "../../builders/why-facts.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

/** What a person reads. */
const told = (facts: Parameters<typeof diagnose>[0]) => textOfBlocks(whyAnswer(aCluster(), diagnose(facts)));

describe("the answer to why", () => {
  test("shows a person without an identity what kubectl says, and offers what they had", () => {
    const ended = aLeasedRequest({ state: "ended", endedAt: at(hours(4)).toISOString() }, { principal: developers });
    const mapRoles = roleEntry("arn:aws:iam::111122223333:role/team/developers");

    expect(told(whyFacts({ data: { mapRoles }, pods: null, requests: [ended] }))).toMatchInlineSnapshot(`
      "*\`arn:aws:iam::111122223333:role/developers\` on \`staging\`* ✗ can't sign in: kubectl says \`You must be logged in to the server (Unauthorized)\`
      • The entry in mapRoles, line 1, is for \`arn:aws:iam::111122223333:role/team/developers\` and never matches. Write the role without its path.
            → Write \`arn:aws:iam::111122223333:role/developers\` there.
      • \`viewer\` (\`r-1\`) ended <!date^1772370000^{date_short_pretty} {time}|2026-03-01 13:00:00 UTC>: its time was over.
            → Ask again.
      [Request again]"
    `);
  });

  test("names another requester as Slack does", () => {
    const theirs = aLeasedRequest({ state: "ended" }, { principal: developers, requester: "U0LUKAS123" });

    expect(told(whyFacts({ data: {}, pods: null, requests: [theirs] }))).toContain("requested by <@U0LUKAS123>)");
  });

  test("shows a person who gets Forbidden their identity in the cluster", () => {
    const facts = whyFacts({ boundGroups: new Set(), pods: { allowed: false, reason: "" } });

    expect(told(facts)).toMatchInlineSnapshot(`
      "*\`arn:aws:iam::111122223333:role/developers\` on \`staging\`* ✗ signs in as \`developer\` in \`readers\`, but kubectl get pods says \`Forbidden\`
      • No RBAC binding of \`staging\` names \`readers\`.
            → Ask the owner of its RBAC to bind the group."
    `);
  });

  test("states no identity where chance decides between two entries", () => {
    const user = (name: string) =>
      `- userarn: arn:aws:iam::111122223333:user/${name}\n  username: ${name}\n  groups: [readers]\n`;
    const facts = whyFacts({
      given: "arn:aws:iam::111122223333:user/bob",
      data: { mapUsers: user("Bob") + user("bob") },
    });

    expect(told(facts)).toMatchInlineSnapshot(`
      "*\`arn:aws:iam::111122223333:user/bob\` on \`staging\`* ✗ signs in at random as one of several entries
      • One of these entries counts, at random: the entry in mapUsers, line 1, gives \`Bob\` in \`readers\`; the entry in mapUsers, line 4, gives \`bob\` in \`readers\`.
            → Keep one entry, with all groups."
    `);
  });

  test("asks a person who gets in to look at their own end, and what was different about the ARN", () => {
    const given = "arn:aws:iam::111122223333:role/team/developers";

    expect(told(whyFacts({ given }))).toMatchInlineSnapshot(`
      "*\`arn:aws:iam::111122223333:role/developers\` on \`staging\`* ✓ signs in as \`developer\` in \`readers\`, and can list pods
      This is about the role itself.
      • \`staging\` lets this principal in, and it can list pods in \`default\`.
            → Compare \`aws sts get-caller-identity\` with \`kubectl auth whoami\`. Write the kubeconfig with \`aws eks update-kubeconfig --region eu-central-1 --name staging-eks\` (assuming a role: \`--role-arn\`). The token, by \`aws eks get-token --region eu-central-1 --cluster-name staging-eks --query status.token --output text | wc -c\`, has at most 4096 characters."
    `);
  });

  test("claims nothing that was not asked", () => {
    const accessEntry = { type: "not asked", why: "AWS refused eks:ListAccessEntries" } as const;

    expect(told(whyFacts({ mode: "API", accessEntry, pods: null }))).toMatchInlineSnapshot(`
      "*\`arn:aws:iam::111122223333:role/developers\` on \`staging\`* – not certain
      • \`staging\` does not read aws-auth; its access entry is unknown.
            → Request access: \`/eks-access request staging arn:aws:iam::111122223333:role/developers …\`.
      • Access entries were not read: AWS refused eks:ListAccessEntries.
            → \`/eks-access check staging\` shows the fix.
      [Ask for access]
      [Run check]"
    `);
  });

  test("says that it could not be found out, and where to look", () => {
    const sentence = "AWS refused sts:AssumeRole. Check the trust policy.";

    expect(notFoundOutAnswer(aCluster(), sentence).text).toMatchInlineSnapshot(
      `":warning: Couldn't find out. AWS refused sts:AssumeRole. Check the trust policy. \`/eks-access whoami staging\` finds the step that fails."`,
    );
  });

  test("gives a person who can't repair the cluster no technical text, and a person to ask", () => {
    expect(clusterUnavailableAnswer(aCluster({ onCall: ["U0ONCALL"] })).text).toMatchInlineSnapshot(
      `":warning: I can't work on \`staging\` now. Try again later. If it lasts, ask <@U0ONCALL>."`,
    );
    expect(clusterUnavailableAnswer(aCluster({ approvers: ["U0APPROVER"], onCall: [] })).text).toContain(
      "ask <@U0APPROVER>",
    );
  });

  test("asks for an ARN where none is linked", () => {
    expect(notLinkedAnswer(aCluster()).text).toMatchInlineSnapshot(
      `"Which identity? \`/eks-access why staging &lt;arn&gt;\`. \`aws sts get-caller-identity\` prints yours; \`/eks-access link &lt;arn&gt;\` saves it."`,
    );
  });

  test.each(["&".repeat(20_000), "`&&&&`, ".repeat(5_000), `${developers}, `.repeat(5_000)])(
    "is something that Slack takes, however long each part is: %#",
    (long) => {
      const offer = { type: "ask-again", request: "r".repeat(20) } as const;
      const causes = causeCodes.map((code): Cause => ({ code, message: long, remedy: long, offer }));
      const groups = Array.from({ length: 500 }, (_, index) => `${"&".repeat(100)}${index}`);
      const identity = { username: "&".repeat(5_000), groups };
      const longest: Diagnosis = { principal: developers, noticed: long, identity, symptom: "forbidden", causes };

      const { blocks } = whyAnswer(aCluster({ name: "c".repeat(63) }), longest);

      expect(problemsOf(blocks)).toEqual([]);
      expect(lengthOfText(blocks)).toBeLessThan(longestText);
      expect(problemsOf(notFoundOutAnswer(aCluster(), long).blocks)).toEqual([]);
    },
  );
});
