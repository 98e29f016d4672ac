import { expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import type { AccessRequest } from "../../../src/access/record.ts";
import { whoAmIAnswer } from "../../../src/slack/look/whoami.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { aLeasedRequest, aRequest } from "../../builders/a-request.ts";
import { longestStates } from "../../builders/longest-states.ts";
import { at } from "../../builders/times.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

const worker = {
  arn: "arn:aws:sts::111122223333:assumed-role/eks-access-worker/0",
  account: "111122223333",
  at: at(0).toISOString(),
};
const person = { user: "U0ENGINEER", memberships: [] };
const nobody = { person, identities: [], proposal: null, requests: [], clusters: [aCluster()] };

test("whoami shows the person, their AWS identities, what is active, what they may do, and who the worker is", () => {
  const requests = [aLeasedRequest({ state: "active" }), aRequest({ id: "r-2" })];
  const principal = "arn:aws:iam::111122223333:user/engineer";
  const clusters = [
    aCluster({ approvers: ["U0ENGINEER", "U0APPROVER"] }),
    aCluster({ name: "production", onCall: ["U0ENGINEER"] }),
  ];

  const answer = whoAmIAnswer({
    person,
    identities: [
      { arn: principal, needsRenewal: false },
      { arn: "arn:aws:iam::444455556666:role/engineer", needsRenewal: true },
    ],
    proposal: null,
    requests,
    clusters,
    worker,
    workerAnswered: true,
  });

  expect(textOfBlocks(answer)).toMatchInlineSnapshot(`
    "*You* <@U0ENGINEER> (\`U0ENGINEER\`)
    *Your AWS identities*
    • \`arn:aws:iam::111122223333:user/engineer\`
    • \`arn:aws:iam::444455556666:role/engineer\`. Your link needs renewing: run \`/eks-access link &lt;arn&gt;\`.
    *Your active access*
    • \`viewer\` on \`staging\` (\`r-1\`): until <!date^1772370120^{date_short_pretty} {time}|2026-03-01 13:02:00 UTC>
    *You can approve on* \`staging\`
    *You are on call for* \`production\`
    *The worker* ✓ AWS says: \`arn:aws:sts::111122223333:assumed-role/eks-access-worker/0\` in account \`111122223333\`"
  `);
});

test("whoami lists a lease and its extension as one access, and both where the extension ends early", () => {
  const end = { cause: "revoked", by: "U0APPROVER", at: at(9).toISOString(), why: "" } as const;
  const longer = { id: "r-2", extends: "r-1" };
  const linesOf = (extension: AccessRequest) => {
    const requests = [aLeasedRequest({ state: "active" }), extension];
    const lines = textOfBlocks(whoAmIAnswer({ ...nobody, requests, worker, workerAnswered: true })).split("\n");
    return lines.filter((line) => line.startsWith("• ")).map((line) => line.replace(/\):.*/, ")"));
  };

  const whole = linesOf(aLeasedRequest({ state: "active" }, longer));
  const ending = linesOf(aLeasedRequest({ state: "active", end }, longer));

  expect(whole).toEqual(["• `viewer` on `staging` (`r-2`, extends `r-1`)"]);
  expect(ending).toEqual(["• `viewer` on `staging` (`r-1`)", "• `viewer` on `staging` (`r-2`, extends `r-1`)"]);
});

test("whoami says what is missing, and that no worker is there", () => {
  const answer = whoAmIAnswer({ ...nobody, worker: null, workerAnswered: false });

  expect(textOfBlocks(answer)).toMatchInlineSnapshot(`
    "*You* <@U0ENGINEER> (\`U0ENGINEER\`)
    *Your AWS identities* none yet; \`/eks-access link &lt;arn&gt;\` links one
    *Your active access* none
    *The worker* ✗ no worker answered. Check that a worker runs."
  `);
});

test("whoami says why AWS does not name a worker that runs", () => {
  const trouble =
    "AWS refused sts:GetCallerIdentity (InvalidClientTokenId). Check the worker's AWS credentials and clock.";

  const answer = textOfBlocks(whoAmIAnswer({ ...nobody, worker, workerAnswered: true, trouble }));

  expect(answer).toContain(`*The worker* ✗ ${trouble}`);
});

test("whoami does not pass an old answer of the worker for a new one", () => {
  const answer = whoAmIAnswer({ ...nobody, worker, workerAnswered: false });

  expect(textOfBlocks(answer)).toContain("✗ no worker answered. Last seen");
});

test("whoami says that a link waits to be confirmed", () => {
  const arn = "arn:aws:iam::111122223333:role/developers";
  const proposal = { id: "r-1", user: "U0ENGINEER", arn, at: at(0).toISOString() };

  expect(textOfBlocks(whoAmIAnswer({ ...nobody, proposal, worker, workerAnswered: true }))).toContain(
    `*Your AWS identities*\n• \`${arn}\` waits for an administrator`,
  );
});

test("Slack takes whoami of a person with everything, as long as it can be", () => {
  const requests = Object.values(longestStates).flatMap((request) => [request, request, request]);
  const clusters = Array.from({ length: 300 }, (_, index) =>
    aCluster({ name: `${"c".repeat(55)}-${index}`, approvers: ["U0ENGINEER"], onCall: ["U0ENGINEER"] }),
  );
  const principal = `arn:aws:iam::111122223333:user/${"&".repeat(512)}/${"n".repeat(64)}`;

  const { blocks } = whoAmIAnswer({
    person,
    identities: Array.from({ length: 120 }, () => ({ arn: principal, needsRenewal: true })),
    proposal: null,
    requests,
    clusters,
    worker,
    workerAnswered: true,
  });

  expect(problemsOf(blocks)).toEqual([]);
  expect(lengthOfText(blocks)).toBeLessThan(longestText);
});
