import { describe, expect, test } from "vitest";
import { permanentSeconds } from "../../../src/access/request/extension.ts";
import type { AccessRequest, EmergencyRequest } from "../../../src/access/request/record.ts";
import { rescueLevel } from "../../../src/access/request/request.ts";
import { approvalMessage } from "../../../src/slack/decide/approval-message.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import {
  aDecision,
  aLease,
  aLeasedRequest,
  anApprovedRequest,
  aPreview,
  aPreviewedRequest,
  changed,
} from "../../builders/a-request.ts";
import { anEmergency } from "../../builders/an-emergency.ts";
import { states } from "../../builders/states.ts";
import { at, hours } from "../../builders/times.ts";
import { textOfBlocks } from "../show/text-of-blocks.ts";
import { renderedLines } from "./rendered-lines.ts";

const approvers = ["U0APPROVER", "U0APPROVER2", "U0APPROVER3", "U0APPROVER4", "U0APPROVER5"];
const cluster = aCluster({ approvers });

const reason =
  "The rollout of the checkout service hangs since the release of this morning, customers can't pay, and the logs of the pods in shop and payments are needed to see why; ticket OPS-1234 has the rest of the story.";
const role = "arn:aws:iam::111122223333:role/platform-engineering-oncall";
const permissionSet = "arn:aws:iam::111122223333:role/AWSReservedSSO_PlatformEngineering_0123456789abcdef";
const person =
  "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_PlatformEngineering_0123456789abcdef/alexandra.smith@example.com";

const warnings = [
  "First time: the requester had no lease with this principal on staging before.",
  "Not own identity: this may not be the requester's own principal; theirs is arn:aws:iam::111122223333:user/a.",
];
const everything = [{ group: "system:masters", role: "built in", where: "in every namespace", allows: "everything" }];
const clusterAdmin = [{ group: "a", role: "ClusterRole admin", where: "in every namespace", allows: "everything" }];
const everyWarning = [
  "Full control: system:masters is full control of the cluster, and it is not for one person alone.",
  ...warnings,
  "Another account: the principal is in an account that is not the cluster's.",
  "Gives nothing: no binding names these groups.",
  "Problems in `aws-auth`: 3.",
];
const manyRights = Array.from({ length: 5 }, (_, index) => ({
  group: `role-${index}`,
  role: "ClusterRole edit",
  where: `in shop-${index}`,
  allows: "read secrets; read and change pods, deployments, statefulsets, daemonsets, jobs and 31 more",
}));
const others = [{ id: "r-0", groups: ["admins"], endsAt: at(hours(5)).toISOString() }];

const lease = (id: string, end: number, group = "viewers") => ({
  id,
  groups: [group],
  endsAt: at(hours(end)).toISOString(),
});

const warned: Partial<AccessRequest> = {
  groups: ["system:masters"],
  principal: permissionSet,
  approvalsWanted: 3,
  approvals: [aDecision()],
  voided: { by: ["U0APPROVER"], message: "x" },
  preview: aPreview({ warnings: everyWarning, rights: manyRights, leases: others }),
};

/** All kinds of requests, each as long as people write them. */
const kinds: Readonly<Record<string, Partial<AccessRequest>>> = {
  "of groups": { preview: aPreview({ warnings, rights: manyRights }) },
  "of an access policy": {
    groups: ["policy AmazonEKSEditPolicy in payments"],
    principal: role,
    preview: aPreview({ way: "access-entry", warnings, rights: manyRights }),
  },
  "of bindings for one person": {
    groups: ["ClusterRole edit in shop", "ClusterRole edit in payments"],
    namespaces: "payments,shop",
    principal: person,
    preview: aPreview({ way: "binding", warnings, rights: manyRights }),
  },
  "of a permission set": { principal: permissionSet, preview: aPreview({ warnings, rights: manyRights }) },
  "of an extension": {
    extends: "r-7k3f9s2d",
    until: at(hours(9)).toISOString(),
    preview: aPreview({ warnings, diff: "" }),
  },
  "of full control": {
    groups: ["system:masters"],
    principal: role,
    preview: aPreview({ warnings, rights: everything }),
  },
  "of permanent access": { durationSeconds: permanentSeconds, preview: aPreview({ warnings }) },
  "with two approvals": { approvalsWanted: 2, preview: aPreview({ warnings }) },
  "with one of two approvals": { approvalsWanted: 2, approvals: [aDecision()], preview: aPreview({ warnings }) },
  "beside other leases": { principal: permissionSet, preview: aPreview({ warnings, leases: others }) },
  "with a ticket": { ticket: "OPS-1234", preview: aPreview({ warnings }) },
  "that RBAC makes full control": {
    groups: ["eks-access:admins"],
    preview: aPreview({ warnings, rights: clusterAdmin }),
  },
  // Only the holder of a lease extends it.
  "for another person, with every warning": { ...warned, askedBy: "U0LEAD" },
  "of an extension, with every warning": { ...warned, extends: "r-7k3f9s2d", until: at(hours(9)).toISOString() },
  "of everything at once": {
    groups: ["system:masters"],
    principal: permissionSet,
    durationSeconds: permanentSeconds,
    approvalsWanted: 2,
    approvals: [aDecision()],
    ticket: "OPS-1234",
    preview: aPreview({ warnings, rights: everything, leases: others }),
  },
};

describe("on a phone", () => {
  test.each(Object.entries(kinds))("the card of a request %s has at most twelve lines", (_, change) => {
    const request = changed(aPreviewedRequest(change), {
      reason,
      cluster: "payments-production",
      level: "namespace-admin",
    });

    const message = approvalMessage(request, cluster);

    expect(renderedLines(message.blocks), textOfBlocks(message)).toBeLessThanOrEqual(12);
  });

  test("the card of emergency access has at most twelve lines", () => {
    const request = { ...anEmergency(), reason, principal: permissionSet, cluster: "payments-production" };

    const message = approvalMessage(request, cluster);

    expect(renderedLines(message.blocks), textOfBlocks(message)).toBeLessThanOrEqual(12);
  });

  test.each<[string, Partial<EmergencyRequest>]>([
    ["begins", {}],
    ["is over", { lease: aLease(anEmergency().lease, { state: "ended", endedAt: at(hours(1)).toISOString() }) }],
  ])("the card of a rescue that %s has at most twelve lines", (_, change) => {
    const as = "arn:aws:sts::111122223333:assumed-role/eks-access-worker/eks-access-worker-0";
    const { emergency, ...rescued } = anEmergency({ level: rescueLevel, principal: role, ...change });
    const request = { ...rescued, emergency: { ...emergency, as }, reason: "nobody gets in: a typo in aws-auth" };

    const message = approvalMessage(request, cluster);

    expect(renderedLines(message.blocks), textOfBlocks(message)).toBeLessThanOrEqual(12);
  });

  test.each(Object.entries(states))("no card is longer than twelve lines: %s", (_, request) => {
    const message = approvalMessage(request, cluster);

    expect(renderedLines(message.blocks), textOfBlocks(message)).toBeLessThanOrEqual(12);
  });

  test.each<[string, AccessRequest]>([
    ["denied", aPreviewedRequest({ state: "denied", reason })],
    ["cancelled", aPreviewedRequest({ state: "cancelled", reason })],
    ["expired", aPreviewedRequest({ state: "expired", reason })],
    ["approved", anApprovedRequest({ reason })],
    ["active", aLeasedRequest({ state: "active" }, { reason, preview: aPreview({ warnings, rights: manyRights }) })],
    ["ended", aLeasedRequest({ state: "ended", endedAt: at(hours(5)).toISOString() }, { reason })],
  ])("after the decision three lines and the buttons are left: %s", (_, request) => {
    const { blocks } = approvalMessage(request, cluster);

    const [text, buttons, ...more] = blocks;

    expect(text?.type === "section" && renderedLines([text])).toBeLessThanOrEqual(3);
    expect(buttons?.type).toBe("actions");
    expect(more).toEqual([]);
  });
});

test("calls an administrator by RBAC full control, and asks for a confirmation", () => {
  const request = aPreviewedRequest({ groups: ["a"], preview: aPreview({ rights: clusterAdmin }) });

  const message = approvalMessage(request, cluster);

  expect(textOfBlocks(message)).toContain("*Warnings*: full control");
  expect(JSON.stringify(message.blocks)).toContain("This gives full control of staging.");
});

test("says what a level gives in every namespace, however much it gives in the chosen ones", () => {
  const view = { group: "a", role: "ClusterRole view", where: "in every namespace", allows: "read pods, pods/log" };
  const edit = {
    group: "a",
    role: "ClusterRole edit",
    where: "in default",
    allows: "read and change secrets, pods/exec",
  };
  const rights = [edit, view];
  const textWith = (warnings: readonly string[]) =>
    textOfBlocks(
      approvalMessage(aPreviewedRequest({ groups: ["a"], preview: aPreview({ rights, warnings }) }), cluster),
    );

  expect(textWith([])).toContain("\nAllows in default: read and change secrets, …; in every namespace: read pods, …\n");
  expect(textWith(everyWarning)).toMatch(/^Allows in every namespace: read .*$/m);
});

test("each thing at which an approver must stop has its word on the card", () => {
  const request = aPreviewedRequest({
    ...kinds["of everything at once"],
    voided: { by: ["U0APPROVER"], message: "x" },
  });

  const text = textOfBlocks(approvalMessage(request, cluster));

  expect(text).toContain(
    "*Warnings*: full control, no end date, shared role, other leases, an approval no longer counts, first time, not own identity",
  );
});

test.each<[string, number, boolean, ...{ id: string; groups: string[]; endsAt: string }[]]>([
  ["the lease that it extends, and an earlier one of it", 9, false, lease("r-a", 2), lease("r-b", 5)],
  ["one that gives more", 9, true, lease("r-a", 2), lease("r-c", 2, "admins")],
  ["one that lasts longer", 4, true, lease("r-a", 2), lease("r-c", 5)],
])(
  "the card of an extension counts as other leases what the extension does not give: %s",
  (_, end, warns, ...leases) => {
    const request = aPreviewedRequest({
      groups: ["viewers"],
      extends: "r-a",
      until: at(hours(end)).toISOString(),
      preview: aPreview({ leases, diff: "" }),
    });

    expect(textOfBlocks(approvalMessage(request, cluster)).includes("other leases")).toBe(warns);
  },
);

test("a warning that has no word is shown by its first words", () => {
  const preview = aPreview({ warnings: ["`x: y` is strange in many ways that take a long sentence to explain"] });

  const text = textOfBlocks(approvalMessage(aPreviewedRequest({ preview }), cluster));

  expect(text).toContain("*Warnings*: `x: y` is strange in many ways that take a");
});
