import { expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import { completeChain, type Link, linkNames } from "../../../src/diagnosis/link.ts";
import { workerMissing } from "../../../src/diagnosis/person-links.ts";
import { chainAnswer } from "../../../src/slack/look/whoami.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";

const held = (name: Link["name"], detail: string, ms = 12): Link => ({ name, result: "yes", detail, remedy: null, ms });
const whole: readonly Link[] = [
  held("worker", "AWS says: arn:aws:sts::111122223333:assumed-role/eks-access-worker/0"),
  held(
    "creator",
    "the worker is arn:aws:sts::111122223333:assumed-role/cluster-creator/eks-access-U0ONCALL-whoami",
    48,
  ),
  held("cluster", "`staging-eks` is ACTIVE, Kubernetes 1.33", 31),
  held("api-server", "takes us for `kubernetes-admin` in `system:masters`, `system:authenticated`", 22),
  held("write", "can update configmap `aws-auth` in `kube-system`", 5),
  held("mode", "`CONFIG_MAP`: only aws-auth counts", 0),
  held("document", "12 entries, 1 warning, 998 KiB (97 %) left", 9),
  held("entries", "the authentication mode has none", 0),
  held(
    "you",
    "arn:aws:iam::111122223333:user/engineer is `eks-access:111122223333:engineer` in `eks-access:viewers`",
    0,
  ),
  held("pods", "can list pods in `default`", 6),
  held("leases", "`viewer` (`r-1`) until 2026-03-01T13:02:00.000Z", 1),
  held("drift", "3 active leases found in the document", 0),
];

test("a chain that holds is reported in one line at the top, then link by link with its time", () => {
  expect(textOfBlocks(chainAnswer(aCluster(), whole))).toMatchInlineSnapshot(`
    "*\`staging\`* ✓ every step works (134 ms)
    *The way in*
    ✓ *the worker's identity* AWS says: \`arn:aws:sts::111122223333:assumed-role/eks-access-worker/0\` _12 ms_
    ✓ *the creator* the worker is \`arn:aws:sts::111122223333:assumed-role/cluster-creator/eks-access-U0ONCALL-whoami\` _48 ms_
    ✓ *EKS* \`staging-eks\` is ACTIVE, Kubernetes 1.33 _31 ms_
    ✓ *the API server* takes us for \`kubernetes-admin\` in \`system:masters\`, \`system:authenticated\` _22 ms_
    ✓ *the right to write* can update configmap \`aws-auth\` in \`kube-system\` _5 ms_
    *What the cluster reads*
    ✓ *the authentication mode* \`CONFIG_MAP\`: only aws-auth counts _0 ms_
    ✓ *the document* 12 entries, 1 warning, 998 KiB (97 %) left _9 ms_
    ✓ *the access entries* the authentication mode has none _0 ms_
    *You*
    ✓ *you* \`arn:aws:iam::111122223333:user/engineer\` is \`eks-access:111122223333:engineer\` in \`eks-access:viewers\` _0 ms_
    ✓ *your pods* can list pods in \`default\` _6 ms_
    ✓ *your leases* \`viewer\` (\`r-1\`) until <!date^1772370120^{date_short_pretty} {time}|2026-03-01 13:02:00 UTC> _1 ms_
    *All leases*
    ✓ *drift* 3 active leases found in the document _0 ms_"
  `);
});

test("a chain that breaks says where at the top, and how to fix it at the link", () => {
  const remedy =
    "Check the trust policy, the external id, MFA conditions and service control policies: AWS gives the same answer for all of them.";
  const detail = "AWS refused sts:AssumeRole on arn:aws:iam::111122223333:role/cluster-creator (AccessDenied)";
  const links = completeChain(
    [whole[0] ?? expect.unreachable(), { name: "creator", result: "no", detail, remedy, ms: 40 }],
    aCluster(),
  );

  expect(textOfBlocks(chainAnswer(aCluster(), links))).toMatchInlineSnapshot(`
    "*\`staging\`* ✗ first failing step: *the creator* (52 ms)
    *The way in*
    ✓ *the worker's identity* AWS says: \`arn:aws:sts::111122223333:assumed-role/eks-access-worker/0\` _12 ms_
    ✗ *the creator* failed: AWS refused sts:AssumeRole on \`arn:aws:iam::111122223333:role/cluster-creator\` (AccessDenied) _40 ms_
          → Check the trust policy, the external id, MFA conditions and service control policies: AWS gives the same answer for all of them.
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
    [{ name: "worker", ms: null, ...workerMissing(60) }, held("leases", "you have none here, and no open request")],
    aCluster(),
  );

  expect(textOfBlocks(chainAnswer(aCluster(), links))).toMatchInlineSnapshot(`
    "*\`staging\`* ✗ first failing step: *the worker's identity* (12 ms)
    *The way in*
    ✗ *the worker's identity* failed: no worker of this version answered within 60 s
          → Check that a worker of the same version runs and reaches Redis. Its log says what it does.
    – *the creator*, *EKS*, *the API server*, *the right to write* not tested: needs the worker's identity
    *What the cluster reads*
    – *the authentication mode*, *the document*, *the access entries* not tested: needs the worker's identity
    *You*
    – *you*, *your pods* not tested: needs the worker's identity
    ✓ *your leases* you have none here, and no open request _12 ms_
    *All leases*
    – *drift* not tested: needs the worker's identity"
  `);
});

test("what was not asked is never reported as something that holds", () => {
  const links = whole.filter(({ name }) => name !== "you" && name !== "pods");
  const you: Link = {
    name: "you",
    result: "not asked",
    detail: "you have no linked principal",
    remedy: null,
    ms: 0,
  };

  const [head] = textOfBlocks(chainAnswer(aCluster(), completeChain([...links, you], aCluster()))).split("\n");

  expect(head).toBe("*`staging`* ✓ each tested step works; not tested: you, your pods (128 ms)");
});

test("what is broken and ends nothing is named at the top as well", () => {
  const links = whole.map((link): Link => (link.name === "document" ? { ...link, result: "no" } : link));

  expect(textOfBlocks(chainAnswer(aCluster(), links))).toMatch(/^\*`staging`\* ✗ check \*the document\* \(134 ms\)/);
});

test.each([
  ["plain", "&".repeat(20_000)],
  ["values", "`&&&&`, ".repeat(5_000)],
  ["one value", `\`${"&".repeat(20_000)}\``],
])("Slack takes a chain with links as long as they can be: %s", (_, detail) => {
  const links = linkNames.map((name): Link => ({ name, result: "no", detail, remedy: detail, ms: 12_345 }));

  const { blocks } = chainAnswer(aCluster({ name: "c".repeat(63) }), links);

  expect(problemsOf(blocks)).toEqual([]);
  expect(lengthOfText(blocks)).toBeLessThan(longestText);
});
