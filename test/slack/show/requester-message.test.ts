import { expect, test } from "vitest";
import { lengthOfText, longestText, problemsOf } from "../../../sandbox/slack/block-limits.ts";
import { AccessError } from "../../../src/access/access-error.ts";
import { theyCanLink } from "../../../src/access/identities.ts";
import { notRestoredYet } from "../../../src/access/lease/drift.ts";
import { permanentSeconds } from "../../../src/access/lease/lease-record.ts";
import { approvalMessage } from "../../../src/slack/decide/approval-message.ts";
import { milestoneOf } from "../../../src/slack/show/requester-message.ts";
import { threadOf } from "../../../src/slack/show/thread.ts";
import { aCluster } from "../../builders/a-cluster.ts";
import {
  aLeasedRequest,
  anEndProof,
  aPreview,
  aPreviewedRequest,
  aProof,
  aRequest,
  engineerArn,
} from "../../builders/a-request.ts";
import { aTrouble } from "../../builders/a-trouble.ts";
import { longestStates } from "../../builders/longest-states.ts";
import { states } from "../../builders/states.ts";
import { at, hours, minutes } from "../../builders/times.ts";
import { textOfBlocks } from "./text-of-blocks.ts";

test.each(Object.entries(states))("what the requester reads of a request that is %s", (_, request) => {
  const milestone = milestoneOf(request, aCluster());

  expect(milestone && `${milestone.name}\n\n${textOfBlocks(milestone.message)}`).toMatchSnapshot();
});

test("the requester reads how many approvals are needed, and from whom", () => {
  const asked = aPreviewedRequest({ approvalsWanted: 2 });

  expect(milestoneOf(asked, aCluster())?.message.text).toContain(
    "Waiting for 2 approvals, from <@U0APPROVER> and <@U0APPROVER2>: `viewer` on `staging` (`r-1`). Expires",
  );
});

test("the requester links an identity that approvers are warned of by a button, unless it is another person's", () => {
  const warned = (asker: string | null) =>
    aPreviewedRequest({
      askedBy: asker,
      preview: aPreview({ warnings: [`No linked identity: ${theyCanLink}`] }),
    });
  const shownTo = (user: string, asker: string | null) =>
    textOfBlocks(milestoneOf(warned(asker), aCluster(), [], user)?.message ?? { blocks: [] });

  expect(shownTo("U0ENGINEER", null)).toContain("Not linked to you; approvers see that.\n[Nudge] [Link it]");
  expect(shownTo("U0ONCALL", "U0ONCALL")).not.toContain("[Link it]");
  // Who asked for them wrote the ARN: one click would make it theirs.
  expect(shownTo("U0ENGINEER", "U0ONCALL")).toContain("Not linked to you; approvers see that.\n[Nudge] [Details]");
});

test("the requester reads the lines to sign in before the proof", () => {
  const { message } = milestoneOf(aLeasedRequest({}), aCluster()) ?? expect.fail("there is no milestone");

  for (const shown of [message.text, textOfBlocks(message)]) {
    expect(shown).toMatch(/is active until [\s\S]*kubectl get pods[\s\S]*✓ \*mapped\*[\s\S]*✓ \*authorized\*/);
  }
});

test.each(Object.entries(states))("a notification about a request that is %s says of what, and where", (_, request) => {
  const what = `\`${request.level}\` on \`staging\``;
  const pings = [request.requester, "U0OTHER"].map((user) => milestoneOf(request, aCluster(), [], user)?.ping);

  for (const ping of pings.filter((each) => each !== undefined)) expect(ping?.startsWith(what)).toBe(true);
});

const gaveMore = new AccessError(
  "document-changed",
  `An admission webhook gave ${engineerArn} more than planned in aws-auth of staging`,
).message;
const taken = new AccessError(
  "binding-exists",
  "The RoleBinding eks-access-r-1 in shop is not the one that the worker made for r-1",
).message;
const full = new AccessError(
  "binding-forbidden",
  `The API server does not allow POST rolebindings in shop (HTTP 403: ${"exceeded quota: few, ".repeat(20)})`,
  { remedy: "Raise that quota." },
).message;
const immutable = {
  code: "document-immutable",
  message: "The ConfigMap aws-auth of staging is immutable. Save it, and run kubectl replace.",
};

test.each([
  [states.failed, "AWS does not let the worker become the creator of staging"],
  [
    aLeasedRequest({ state: "failed", proof: null, failure: immutable }),
    "The ConfigMap aws-auth of staging is immutable",
  ],
  [
    aLeasedRequest({ state: "failed", proof: null, failure: { code: "document-changed", message: gaveMore } }),
    `An admission webhook gave \`${engineerArn}\` more than planned in aws-auth of staging`,
  ],
  [
    aLeasedRequest({ state: "failed", proof: null, failure: { code: "binding-exists", message: taken } }),
    "The RoleBinding eks-access-r-1 in shop is not the one that the worker made for r-1",
  ],
  [
    aLeasedRequest({ state: "failed", proof: null, failure: { code: "binding-forbidden", message: full } }),
    "The API server does not allow POST rolebindings in shop",
  ],
])("a notification of a failure says the cause, and its message where an operator finds the fix", (failed, cause) => {
  const milestone = failed && milestoneOf(failed, aCluster());
  const text = `couldn't be applied: ${cause}. The thread in the channel has the fix.`;

  // A locked phone shows nothing above it.
  expect(milestone?.ping).toBe(`\`viewer\` on \`staging\` ${text}`);
  expect(milestone?.message.text).toBe(`\`viewer\` on \`staging\` (\`r-1\`) ${text}`);
});

test.each([
  ["access that ends soon", aLeasedRequest({ warnedAt: at(hours(3)).toISOString() }), []],
  ["access that works again", aLeasedRequest({}), ["drift-1"]],
])("a notification of %s says until when", (_, request, milestones) => {
  expect(milestoneOf(request, aCluster(), milestones)?.ping).toMatch(/`viewer` on `staging` .*2026-03-01 13:02:00 UTC/);
});

test("the person who asked for somebody else is notified whose access it is", () => {
  const request = aLeasedRequest({}, { requester: "U0ONCALL", askedBy: "U0ENGINEER" });

  expect(milestoneOf(request, aCluster(), [], "U0ENGINEER")?.ping).toMatch(
    /^`viewer` on `staging` for <@U0ONCALL> is active until/,
  );
});

test.each([
  [
    "in its first minute",
    { retryAt: at(minutes(1) + 1).toISOString() },
    "If it lasts a minute, I call the operators in <#C0ACCESS>.",
  ],
  ["after a minute", {}, "I call the operators in <#C0ACCESS>."],
  [
    "that needs a repair",
    { code: "aws-access-denied", retryAt: at(minutes(1) + 1).toISOString() },
    "If it lasts a minute, I call the operators in <#C0ACCESS>.",
  ],
])("a failure %s says whether the operators are called", (_, trouble, expected) => {
  const text = milestoneOf(aRequest({ trouble: aTrouble(trouble) }), aCluster())?.message.text;

  expect(text).toContain("waits: I can't work on `staging` now.");
  expect(text?.endsWith(expected)).toBe(true);
});

test("each thing that is reported has a name of its own, so that each is reported once", () => {
  const names = Object.values(states).flatMap((request) => milestoneOf(request, aCluster())?.name ?? []);
  const often = names.filter((name) => ["ended", "asked", "active", "active-unfinished"].includes(name));

  expect(new Set(names).size).toBe(names.length - (often.length - 4));
});

test.each(Object.entries(longestStates))(
  "Slack takes what the requester reads of a request that is %s",
  (_, request) => {
    const { blocks, text } = milestoneOf(request, aCluster())?.message ?? { blocks: [], text: "" };

    expect(problemsOf(blocks)).toEqual([]);
    expect(lengthOfText(blocks)).toBeLessThan(longestText);
    expect(text.length).toBeLessThan(4_000);
  },
);

test("how to sign in is left out where the cluster is not configured any more", () => {
  const text = milestoneOf(states.active ?? expect.fail("there is no such state"), undefined)?.message.text;

  expect(text).toContain("is active until");
  expect(text).not.toContain("Sign in with");
});

test("an extension that goes with its lease is no second notification", () => {
  const refused = aRequest({
    state: "refused",
    version: 2,
    refusal: { code: "lease-over", message: "`r-1` has ended." },
  });

  expect(milestoneOf(refused, aCluster())).toMatchObject({ name: "refused" });
  expect(milestoneOf(refused, aCluster())?.ping).toBeUndefined();
});

test("that it is active is reported after the sign-in, with its result", () => {
  const [tried, refused] = ["active, and signing in is tried", "active, and signing in was refused"].map(
    (state) => states[state] ?? expect.fail("there is no such state"),
  );

  expect(tried && milestoneOf(tried, aCluster())).toBeNull();
  expect(refused && milestoneOf(refused, aCluster())?.message.text).toContain(
    "✗ not *signed in*: the API server still",
  );
});

test("during retries of the sign-in, access is reported at once, and again with the complete proof", () => {
  const again = states["active, and signing in is tried again"] ?? expect.fail("there is no such state");
  const proof = aProof({ signedIn: { result: "yes", detail: "as the-role with readers" } });
  const done = aLeasedRequest({ ...again.lease, signInDueAt: null, signInTrouble: null, proof });

  const first = milestoneOf(again, aCluster());
  const last = milestoneOf(done, aCluster(), ["active-unfinished"]);

  expect(first?.name).toBe("active-unfinished");
  expect(first?.message.text).toContain("is active until");
  expect(first?.message.text).toContain(
    "– *signed in* not tested: the worker is trying it\n:warning: Signing in: Tried",
  );
  expect(last?.name).toBe("active");
  expect(last?.ping).toBeUndefined();
  expect(last?.message.text).toContain("aws eks update-kubeconfig");
  expect(last?.message.text).toContain("✓ *signed in*: as the-role");
  expect(milestoneOf(done, aCluster())?.message.text).toContain("is active until");
  expect(milestoneOf(again, aCluster(), ["active"])).toBeNull();
});

test("during retries of the review, access is reported at once, and again with the answer", () => {
  const again = states["active, and its rights are asked for again"] ?? expect.fail("there is no such state");
  const done = aLeasedRequest({ ...again.lease, reviewTrouble: null, proof: aProof() });

  const first = milestoneOf(again, aCluster());
  const last = milestoneOf(done, aCluster(), ["active-unfinished"]);

  expect(first?.name).toBe("active-unfinished");
  expect(last?.name).toBe("active");
  expect(last?.message.text).toContain("✓ *authorized*: can list pods in default");
});

test("a person who read that an entry is gone reads once that it is back", () => {
  const drift = { at: "2026-03-01T10:00:00.000Z", message: "the entry is gone" };
  const back = milestoneOf(aLeasedRequest({}), aCluster(), ["active", `drift-${drift.at}`]);
  const told = ["active", `drift-${drift.at}`, `repaired-${drift.at}`];

  expect(back?.name).toBe(`repaired-${drift.at}`);
  expect(back?.message.text).toContain("is back until");
  expect(milestoneOf(aLeasedRequest({}), aCluster(), told)?.name).toBe("active");
});

test("a person whose entry is gone requests it again, unless the worker restores it, and asks an operator for what only operators repair", () => {
  const drift = { at: "2026-03-01T10:00:00.000Z", message: "the entry is gone" };
  const lost = aLeasedRequest({ drift });

  const reported = milestoneOf(lost, aCluster({ drift: "report" }));
  const repaired = milestoneOf(lost, aCluster({ drift: "repair" }));

  const fixed = "the entry is gone; the worker does not restore it: aws-auth of staging is immutable. Save it";
  for (const message of ["the ClusterRole edit is gone", "mapRoles can't be read from line 1 on", fixed]) {
    const others = aLeasedRequest({ drift: { ...drift, message } });
    const operated = (["report", "repair"] as const).map((way) => milestoneOf(others, aCluster({ drift: way })));
    expect(operated.map((each) => each?.message.text)).toEqual(
      [1, 2].map(() => expect.stringContaining(`is lost: ${message}. Ask an operator.`)),
    );
  }
  const away = notRestoredYet("the namespace was deleted", "the API server refused it");
  const gone = aLeasedRequest({ drift: { ...drift, message: away } });
  const lostPlace = milestoneOf(gone, aCluster({ drift: "repair" }));
  expect(lostPlace?.message.text).toContain(`is lost: ${away}. Create it, or ask for another one.`);
  expect(reported && textOfBlocks(reported.message)).toContain("[Request again] [I'm done]");
  const message = "it is in aws-auth, which staging no longer reads for this principal";
  const unread = milestoneOf(aLeasedRequest({ drift: { ...drift, message } }), aCluster({ drift: "report" }));
  expect(unread?.message.text).toContain("for this principal. Request it again.");
  expect(repaired && textOfBlocks(repaired.message)).toContain("[Extend] [I'm done]");
});

test.each([
  "the entry is gone; the worker does not restore it: what the level gives has changed",
  notRestoredYet("others removed it", "what the level gives has changed"),
])("a person whose access the worker does not restore now reads no promise that it does: %s", (message) => {
  const lost = aLeasedRequest({ drift: { at: "2026-03-01T10:00:00.000Z", message } });

  const told = milestoneOf(lost, aCluster({ drift: "repair" }))?.message.text;

  expect(told).toContain("has changed. Ask the other writer to keep it, then request it again.");
});

test("an end without the API server's answer is reported at once, and again with the answer", () => {
  const unproved = states["ended, and the API server does not answer"] ?? expect.fail("there is no such state");
  const proved = aLeasedRequest({ ...unproved.lease, endProof: anEndProof() });

  const first = milestoneOf(unproved, aCluster());
  const last = milestoneOf(proved, aCluster(), ["ended-unproved"]);

  expect(first?.name).toBe("ended-unproved");
  expect(first?.message.text).toContain("– *not authorized* not tested: the API server has not answered yet");
  expect(last?.name).toBe("ended");
  expect(last?.message.text).toContain("✓ *not authorized*: can't list pods in default");
  expect(milestoneOf(unproved, aCluster(), ["ended"])).toBeNull();
});

test("who loses access because of a webhook reads why, and not what an operator must do", () => {
  const end = { cause: "revoked", by: "worker", at: "2026-03-01T10:00:00.000Z", why: gaveMore } as const;

  const text = milestoneOf(aLeasedRequest({ state: "ended", end }), aCluster())?.message.text;

  expect(text).toContain("more than planned in aws-auth of staging. The thread has the fix): ");
  expect(text).not.toContain("Let the admission webhook");
});

test("who gave an access back does not learn that it was revoked", () => {
  const end = { cause: "revoked", by: "U0ENGINEER", at: "2026-03-01T10:00:00.000Z", why: "" } as const;

  const milestone = milestoneOf(aLeasedRequest({ state: "ended", end }), aCluster());

  expect(milestone?.message.text).toBe(
    "`viewer` on `staging` (`r-1`) ended: the entry is gone from aws-auth.\nNot proved: the API server may accept a known token for about two minutes. Open watches and exec sessions stay open.",
  );
});

test("permanent access is reported to have no end, wherever its end would be", () => {
  const change = { durationSeconds: permanentSeconds };
  const active = aLeasedRequest({ state: "active", activeSince: at(minutes(3)).toISOString() }, change);
  const told = milestoneOf(active, aCluster())?.message.text ?? "";
  const shown = textOfBlocks(approvalMessage(active, aCluster()));
  const thread = threadOf(active, [], aCluster()).map(({ text }) => text);

  expect(told).toContain("is active until revoked.");
  expect(shown).toContain("*Active* until revoked");
  expect(thread.at(-1)).toContain("Permanent.");
  expect(`${told}${shown}${thread.join()}`).not.toContain("2126");
});

test("what is permanent can be given back, and not extended", () => {
  const { message } =
    milestoneOf(aLeasedRequest({}, { durationSeconds: permanentSeconds }), aCluster()) ?? expect.fail();

  expect(textOfBlocks(message)).toMatch(/is active until revoked\.[\s\S]*\n\[I'm done\]$/);
});
