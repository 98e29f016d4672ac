import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/**
 * The fifty messages that people read most: when they read each, and what they do next. Read a text against its line before you
 * change it. The names are functions and message names in src/slack.
 */
const messages = {
  "The answer to what you typed or clicked": {
    requestedAnswer: "you asked for access → wait for a DM",
    mistakesAnswer: "the line has a mistake → copy the corrected line",
    alreadyAskedAnswer: "the same request is waiting → wait for it",
    tooManyPendingAnswer: "too many of your requests wait → cancel one",
    tooManyAnswer: "too many in a short time → send more at the named time",
    notRecordedYetAnswer: "Slack stopped waiting → check `list` before you retry",
    notAdmittedAnswer: "your account is not an active member's → ask the person it names",
    noSuchRequestAnswer: "the id is wrong → copy it from the request message",
    unknownCommandAnswer: "the word is unknown → use the command it offers",
    extensionAnswer: "you asked for more time → wait for a DM",
    endedAnswer: "you revoked or cancelled → see the request message",
    endRefusedAnswer: "there is nothing to revoke, or it is not yours → ask the named people",
    emergencyAnswer: "you took emergency access → wait for a DM",
    mayNotTakeEmergencyAnswer: "break-glass is not for you → request access",
    linkedAnswer: "your account is linked → request access",
    listAnswer: "you typed `list` → press Review or Details",
    statusAnswer: "you opened Details → decide, extend or revoke",
    whyAnswer: "you can't get in → fix the first ✗",
    homeView: "you opened App Home → act on what waits for you",
  },
  "To an approver": {
    requesterGoneAnswer: "the requester left Slack → deny",
    clickAnswer: "a click decided nothing → read the message again, ask another approver, or deny",
    oneOfSeveralAnswer: "you gave one of several approvals → ask the named people",
    approveBelowAnswer: "you typed `approve` → check the change, press Approve",
    missingReasonAnswer: "you denied without a reason → add the reason",
  },
  "A form": {
    requestModal: "you open the form → fill it in",
    denyModal: "you press Deny → give the reason",
    revokeModal: "you press Revoke → check who loses what, confirm",
    extendModal: "you press Extend → choose the end",
  },
  "In the channel": {
    approvalMessage: "the worker checked the cluster → check the change, approve or deny",
    emergencyTitle: "emergency access was taken → review it",
    reminder: "a request still waits → decide",
    unreviewed: "emergency access has no review → check what was done, press Mark reviewed",
    warned: "a lease ends soon → nothing",
    migrationMessage: "a migration has a plan → approve the plan or deny",
    clusterTroubleMessage: "the worker can't get into a cluster → follow the remedy it names",
    anchorMessage: "the anchor is due → keep it; compare if the log is broken",
  },
  "A direct message to the requester": {
    asked: "the approvers were asked → wait, or cancel",
    approval: "one of several approvals came → ask the named people",
    approved: "the last approval came → wait for the proof",
    denied: "an approver denied → ask them, or request something else",
    refused: "the cluster can't take it → follow the remedy it names",
    expired: "there was no decision in time → ask again",
    void: "an approval no longer counts → wait for a new decision",
    failed: "applying it failed → follow the remedy, ask again",
    active: "the lease is proved → copy the lines, sign in",
    "ending-soon": "the lease ends soon → extend, or press I'm done",
    drift: "the entry was removed from outside → ask the named person",
    repaired: "the entry is back → continue",
    ended: "the lease ended → close open sessions; ask again if needed",
    "channel-lost": "the channel or its message is gone → inform an operator",
  },
} as const satisfies Record<string, Record<string, `${string} → ${string}`>>;

const folder = fileURLToPath(new URL("../../src/slack", import.meta.url));
const source = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => readFileSync(join(folder, name), "utf8"))
  .join();
const names = Object.values(messages).flatMap((group) => Object.keys(group));

test.each(names)("the message %s is in the code", (name) => {
  expect(source).toMatch(new RegExp(`function ${name}\\(|["\`]${name}(?:["\`]|-["$])`));
});

test("fifty messages have a reader and a next step", () => {
  expect(new Set(names).size).toBe(50);
});
