import { expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import { completeChain, type Link, linkNames } from "../../../src/diagnosis/link.ts";
import { workerMissing } from "../../../src/diagnosis/person-links.ts";
import { chainAnswer, foreignLines } from "../../../src/slack/look/whoami.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

const held = (name: Link["name"], detail: string): Link => ({
  name,
  result: "yes",
  detail,
  remedy: null,
  isReached: true,
});
const whole: readonly Link[] = [
  held("worker", "AWS says: arn:aws:sts::111122223333:assumed-role/eks-access-worker/0"),
  held("creator", "the worker is arn:aws:sts::111122223333:assumed-role/cluster-creator/eks-access-U0ONCALL-whoami"),
  held("cluster", "`staging-eks` is ACTIVE, Kubernetes 1.33"),
  held("api-server", "takes us for `kubernetes-admin` in `system:masters`, `system:authenticated`"),
  held("write", "can update configmap `aws-auth` in `kube-system`"),
  held("mode", "`CONFIG_MAP`: only aws-auth counts"),
  held("document", "12 entries, 1 warning, 998 KiB (97 %) left"),
  held("entries", "the authentication mode has none"),
  held("you", "arn:aws:iam::111122223333:user/engineer is `eks-access:111122223333:engineer` in `eks-access:viewers`"),
  held("pods", "can list pods in `default`"),
  held("leases", "`viewer` (`r-1`) until 2026-03-01T13:02:00.000Z"),
  held("drift", "3 active leases found in the document"),
];

test("a chain that holds is reported in one line at the top, then link by link", () => {
  expect(textOfBlocks(chainAnswer(aCluster(), whole))).toMatchInlineSnapshot(`
    "*\`staging\`* ✓ every step works
    *The way in*
    ✓ *the worker's identity* AWS says: \`arn:aws:sts::111122223333:assumed-role/eks-access-worker/0\`
    ✓ *the creator* the worker is \`arn:aws:sts::111122223333:assumed-role/cluster-creator/eks-access-U0ONCALL-whoami\`
    ✓ *EKS* \`staging-eks\` is ACTIVE, Kubernetes 1.33
    ✓ *the API server* takes us for \`kubernetes-admin\` in \`system:masters\`, \`system:authenticated\`
    ✓ *the right to write* can update configmap \`aws-auth\` in \`kube-system\`
    *What the cluster reads*
    ✓ *the authentication mode* \`CONFIG_MAP\`: only aws-auth counts
    ✓ *the document* 12 entries, 1 warning, 998 KiB (97 %) left
    ✓ *the access entries* the authentication mode has none
    *You*
    ✓ *you* \`arn:aws:iam::111122223333:user/engineer\` is \`eks-access:111122223333:engineer\` in \`eks-access:viewers\`
    ✓ *your pods* can list pods in \`default\`
    ✓ *your leases* \`viewer\` (\`r-1\`) until <!date^1772370120^{date_short_pretty} {time}|2026-03-01 13:02:00 UTC>
    *All leases*
    ✓ *drift* 3 active leases found in the document"
  `);
});

test("a chain that breaks says where at the top, and how to fix it at the link", () => {
  const remedy = "Check the role's policies, trust policy, external id, MFA and SCPs.";
  const detail = "AWS refused sts:AssumeRole on arn:aws:iam::111122223333:role/cluster-creator (AccessDenied)";
  const links = completeChain(
    [whole[0] ?? expect.unreachable(), { name: "creator", result: "no", detail, remedy, isReached: true }],
    aCluster(),
  );

  expect(textOfBlocks(chainAnswer(aCluster(), links))).toMatchInlineSnapshot(`
    "*\`staging\`* ✗ first failing step: *the creator*
    *The way in*
    ✓ *the worker's identity* AWS says: \`arn:aws:sts::111122223333:assumed-role/eks-access-worker/0\`
    ✗ *the creator* failed: AWS refused sts:AssumeRole on \`arn:aws:iam::111122223333:role/cluster-creator\` (AccessDenied)
          → Check the role's policies, trust policy, external id, MFA and SCPs.
    – *EKS*, *the API server*, *the right to write* not tested: needs the creator
    *What the cluster reads*
    – *the authentication mode*, *the document*, *the access entries* not tested: needs the creator
    *You*
    – *you*, *your pods*, *your leases* not tested: needs the creator
    *All leases*
    – *drift* not tested: needs the creator"
  `);
});

test("where no worker answers, what the ledger knows is reported all the same", () => {
  const links = completeChain(
    [
      { name: "worker", isReached: false, ...workerMissing(60) },
      held("leases", "you have none here, and no open request"),
    ],
    aCluster(),
  );

  expect(textOfBlocks(chainAnswer(aCluster(), links))).toMatchInlineSnapshot(`
    "*\`staging\`* ✗ first failing step: *the worker's identity*
    *The way in*
    ✗ *the worker's identity* failed: no worker of this version answered within 60 s
          → Check that a worker runs.
    – *the creator*, *EKS*, *the API server*, *the right to write* not tested: needs the worker's identity
    *What the cluster reads*
    – *the authentication mode*, *the document*, *the access entries* not tested: needs the worker's identity
    *You*
    – *you*, *your pods* not tested: needs the worker's identity
    ✓ *your leases* you have none here, and no open request
    *All leases*
    – *drift* not tested: needs the worker's identity"
  `);
});

test("the next command of a chain is a button under its verdict, without what has to be filled in, changes something, or has one already", () => {
  const shownFor = (remedy: string) =>
    textOfBlocks(
      chainAnswer(aCluster(), [{ name: "you", result: "no", detail: "no entry.", remedy, isReached: true }]),
    );

  expect(shownFor("`/eks-access why staging` explains it, or `/eks-access check staging`.")).toMatch(
    /^.*\n\[Run why\]\n\[Run check\]\n/,
  );
  expect(shownFor("Request access: `/eks-access request staging`.")).toMatch(/^.*\n\[Ask for access\]\n/);
  expect(shownFor("`/eks-access why staging <arn>`, `/eks-access revoke r-1`.")).not.toContain("[");
});

test("what was not asked is never reported as something that holds", () => {
  const links = whole.filter(({ name }) => name !== "you" && name !== "pods");
  const you: Link = {
    name: "you",
    result: "not asked",
    detail: "you have no linked principal",
    remedy: null,
    isReached: true,
  };

  const [head] = textOfBlocks(chainAnswer(aCluster(), completeChain([...links, you], aCluster()))).split("\n");

  expect(head).toBe("*`staging`* ✓ each tested step works; not tested: you, your pods");
});

test("why the person is unknown is said once, with one fix", () => {
  const remedy = "Link yours with /eks-access link.";
  const you = {
    name: "you",
    result: "not asked",
    detail: "you have no linked principal",
    remedy,
    isReached: true,
  } as const;
  const links = completeChain([...whole.slice(0, 8), you], aCluster());
  const linesFor = (why: string) => textOfBlocks(chainAnswer(aCluster(), links, why)).match(/.*you\*.*\n.*/)?.[0];

  expect(linesFor("No worker answered. Ask an operator.")).toBe(
    "– *you* not tested: No worker answered. Ask an operator.\n      → Link yours with /eks-access link.",
  );
  expect(linesFor("staging names no role of yours. `/eks-access link <arn>` saves it.")).not.toContain("→");
  expect(textOfBlocks(chainAnswer(aCluster(), links, "Unknown."))).toMatch(/^.*\n\[Ask for access\]\n/);
});

test("what is broken and ends nothing is named at the top as well", () => {
  const links = whole.map((link): Link => (link.name === "document" ? { ...link, result: "no" } : link));

  expect(textOfBlocks(chainAnswer(aCluster(), links))).toMatch(/^\*`staging`\* ✗ check \*the document\*/);
});

test.each([
  ["plain", "&".repeat(20_000)],
  ["values", "`&&&&`, ".repeat(5_000)],
  ["one value", `\`${"&".repeat(20_000)}\``],
])("Slack takes a chain with links as long as they can be: %s", (_, detail) => {
  const links = linkNames.map((name): Link => ({ name, result: "no", detail, remedy: detail, isReached: true }));

  const { blocks } = chainAnswer(aCluster({ name: "c".repeat(63) }), links);

  expect(problemsOf(blocks)).toEqual([]);
  expect(lengthOfText(blocks)).toBeLessThan(longestText);
});

test("a link in another account that the cluster takes is named, and a missing one with the line that makes it", () => {
  const cluster = { ...aCluster(), foreignAccounts: ["222233334444", "333344445555"] };
  const own = "arn:aws:iam::111122223333:user/engineer";
  const elsewhere = "arn:aws:iam::222233334444:role/dev";
  const text = textOfBlocks(chainAnswer(cluster, whole, null, foreignLines(cluster, [own, elsewhere], [own])));

  expect(text).toContain(
    "• `arn:aws:iam::222233334444:role/dev` in account 222233334444: `/eks-access request staging arn:aws:iam::222233334444:role/dev`.",
  );
  expect(text).toContain("– no link in account 333344445555. To link yours: `/eks-access link &lt;arn&gt;`.");
  expect(foreignLines(cluster, [elsewhere], [elsewhere])).toHaveLength(1);
});
