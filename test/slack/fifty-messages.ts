import type { ModalView } from "@slack/types";
import { AccessError, explainFailure } from "../../src/access/access-error.ts";
import { readRequest } from "../../src/access/ask/read-request.ts";
import { splitRequestLine } from "../../src/access/ask/request-line.ts";
import { genesis } from "../../src/access/audit-event.ts";
import type { AccessRequest } from "../../src/access/record.ts";
import { completeChain, type Link } from "../../src/diagnosis/link.ts";
import { diagnose } from "../../src/diagnosis/why.ts";
import { notAdmittedAnswer } from "../../src/slack/app/admission.ts";
import { extendModal, extensionAnswer } from "../../src/slack/ask/extend.ts";
import { emptyForm } from "../../src/slack/ask/form.ts";
import { alreadyAskedAnswer, tooManyPendingAnswer } from "../../src/slack/ask/limits.ts";
import { mistakesAnswer } from "../../src/slack/ask/request.ts";
import { requestModal } from "../../src/slack/ask/request-modal.ts";
import { requestedAnswer } from "../../src/slack/ask/submit-request.ts";
import { emergencyAnswer, mayNotTakeEmergencyAnswer } from "../../src/slack/ask/take-emergency.ts";
import { approvalMessage } from "../../src/slack/decide/approval-message.ts";
import { clickAnswer, oneOfSeveralAnswer } from "../../src/slack/decide/decision-click.ts";
import { endedAnswer, endRefusedAnswer, revokeModal } from "../../src/slack/decide/end-access.ts";
import { linkedAnswer } from "../../src/slack/link/link.ts";
import { helpAnswer, unknownCommandAnswer } from "../../src/slack/look/help.ts";
import { homeView } from "../../src/slack/look/home-view.ts";
import { listAnswer } from "../../src/slack/look/list.ts";
import { approveBelowAnswer, statusAnswer } from "../../src/slack/look/status-answer.ts";
import { chainAnswer } from "../../src/slack/look/whoami.ts";
import { whyAnswer } from "../../src/slack/look/why.ts";
import { anchorMessage } from "../../src/slack/show/anchor-poster.ts";
import { denyModal, type Message, noSuchRequestAnswer, notRecordedYetAnswer } from "../../src/slack/show/message.ts";
import { milestoneOf } from "../../src/slack/show/requester-message.ts";
import type { Milestone } from "../../src/slack/show/show-in-channel.ts";
import { threadOf } from "../../src/slack/show/thread.ts";
import { clusterTroubleMessage } from "../../src/slack/show/trouble-poster.ts";
import { aCluster, clustersOf } from "../builders/a-cluster.ts";
import { aLeasedRequest, aPreviewedRequest, aRequest, engineerArn } from "../builders/a-request.ts";
import { aTrouble } from "../builders/a-trouble.ts";
import { anEmergency, anEmergencyCluster } from "../builders/an-emergency.ts";
import { anEvent } from "../builders/an-event.ts";
import { states } from "../builders/states.ts";
import { at, hours } from "../builders/times.ts";
import { roleEntry, whyFacts } from "../builders/why-facts.ts";
import { linesOfView, textOfBlocks } from "./show/text-of-blocks.ts";

/** One of the messages that people read most. */
export interface Read {
  /** When the reader of its group gets it. */
  readonly when: string;
  /** What they do next. */
  readonly next: string;
  /** The part of the text that leads them there: a command, a button, or a fact. */
  readonly leads: string | RegExp;
  /** The text that the product gives. */
  readonly text: () => string;
}

const of = (message: Message) => textOfBlocks(message);
const form = (view: ModalView) => linesOfView(view).join("\n");

function state(name: string): AccessRequest {
  const request = states[name];
  if (!request) throw new Error(`there is no state ${name}`);
  return request;
}

/** The direct message. What notifies its reader is its first line, without the id. */
function direct(milestone: Milestone | null | undefined): string {
  if (!milestone) throw new Error("there is no such milestone");
  return of(milestone.message);
}

const told = (name: string, earlier: readonly string[] = []) => direct(milestoneOf(state(name), aCluster(), earlier));

function reply(request: AccessRequest, name: string): string {
  const entry = threadOf(request, [], anEmergencyCluster()).find((each) => each.name.startsWith(name));
  if (!entry) throw new Error(`the thread has no ${name}`);
  return entry.text;
}

function mistakes(): Message {
  const clusters = clustersOf(aCluster());
  const reading = readRequest(splitRequestLine(`stagin ${engineerArn} viewer for 9h deploy`, clusters), clusters);
  if (reading.type === "requested") throw new Error("the line has no mistake");
  return mistakesAnswer(reading);
}

const listed = (...requests: AccessRequest[]) => ({ requests, total: requests.length });
const events = [{ sequence: 1, event: anEvent(), previous: "", hash: "" }];
const status = () => statusAnswer({ request: aPreviewedRequest(), events, acts: ["approve", "deny"] });
const refusedByAws = new AccessError("aws-access-denied", "AWS refused sts:AssumeRole on the creator of staging");
const drifted = "drift-2026-03-01T10:00:00.000Z";

const chain: readonly Link[] = [
  {
    name: "worker",
    result: "yes",
    detail: "AWS says: arn:aws:iam::111122223333:role/worker",
    remedy: null,
    isReached: true,
  },
  {
    name: "you",
    result: "no",
    detail: `${engineerArn} can't sign in here: \`Unauthorized\``,
    remedy: "Request access: `/eks-access request staging`.",
    isReached: true,
  },
];

const answers = {
  requestedAnswer: {
    when: "you asked",
    next: "wait for a direct message",
    leads: "I'll DM you",
    text: () => of(requestedAnswer(aRequest())),
  },
  mistakesAnswer: {
    when: "a mistake",
    next: "send the corrected line",
    leads: /Copy this line:\n.*\/eks-access request staging .* for 8h deploy.*\n\[Run request\]/,
    text: () => of(mistakes()),
  },
  alreadyAskedAnswer: {
    when: "asked twice",
    next: "wait for it",
    leads: /`r-1` is waiting\. Expires/,
    text: () => of(alreadyAskedAnswer(aRequest())),
  },
  tooManyPendingAnswer: {
    when: "too many wait",
    next: "cancel one",
    leads: "(`r-1`, `r-2`). Cancel one",
    text: () => of(tooManyPendingAnswer(2, [aRequest(), aRequest({ id: "r-2" })])),
  },
  notRecordedYetAnswer: {
    when: "slow",
    next: "look at your list before you retry",
    leads: "Check `/eks-access list`",
    text: () => of(notRecordedYetAnswer()),
  },
  notAdmittedAnswer: {
    when: "a guest",
    next: "ask the person it names",
    leads: "Ask a member",
    text: () => of(notAdmittedAnswer("guest")),
  },
  noSuchRequestAnswer: {
    when: "a wrong id",
    next: "copy it from the request message",
    leads: "Copy the id from its message",
    text: () => of(noSuchRequestAnswer("r-9")),
  },
  unknownCommandAnswer: {
    when: "no such command",
    next: "run the command it offers",
    leads: "[Run request]",
    text: () => of(unknownCommandAnswer("reqest", "request", "staging viewer deploy")),
  },
  extensionAnswer: {
    when: "`extend`",
    next: "wait for a direct message",
    leads: /I'll DM you\. Otherwise it ends/,
    text: () =>
      of(
        extensionAnswer(aRequest({ id: "r-2", extends: "r-1", until: at(hours(6)).toISOString() }), aLeasedRequest({})),
      ),
  },
  endedAnswer: {
    when: "`revoke`",
    next: "see the request message",
    leads: "The request message will confirm",
    text: () => of(endedAnswer(aLeasedRequest({}))),
  },
  endRefusedAnswer: {
    when: "not yours",
    next: "ask the named people",
    leads: /Only <@U0ENGINEER>, <@U0APPROVER> or .* can do this/,
    text: () => of(endRefusedAnswer("not-yours", aLeasedRequest({}), aCluster())),
  },
  emergencyAnswer: {
    when: "`break-glass`",
    next: "wait for a direct message",
    leads: "I'll DM you when it is active",
    text: () => of(emergencyAnswer(anEmergency())),
  },
  mayNotTakeEmergencyAnswer: {
    when: "`break-glass` refused",
    next: "request access",
    leads: "Use `/eks-access request` instead",
    text: () => of(mayNotTakeEmergencyAnswer(anEmergencyCluster())),
  },
  linkedAnswer: {
    when: "`link`",
    next: "request access",
    leads: "Next: `/eks-access request`",
    text: () => of(linkedAnswer(engineerArn, null)),
  },
  listAnswer: {
    when: "`list`",
    next: "review a request, or look at its details",
    leads: /\[Review\][\s\S]*\[Details\]/,
    text: () =>
      of(
        listAnswer({
          view: { kind: "pending" },
          rows: [
            { request: aPreviewedRequest({ requester: "U0ONCALL" }), acts: ["approve", "deny"] },
            { request: aPreviewedRequest({ id: "r-2" }), acts: ["cancel"] },
          ],
          ...{ offset: 0, total: 2, migrations: [], seesOthers: true },
        }),
      ),
  },
  statusAnswer: {
    when: "Details",
    next: "read the change, then decide",
    leads: /\*Change to aws-auth\*[\s\S]*\[Approve\] \[Deny\]/,
    text: () => of(status()),
  },
  whyAnswer: {
    when: "`why`",
    next: "do what the arrow says",
    leads: /✗ can't sign in[\s\S]*→ Request access: `\/eks-access request staging/,
    text: () =>
      of(whyAnswer(aCluster(), diagnose(whyFacts({ data: { mapRoles: roleEntry(`${engineerArn}s`) }, pods: null })))),
  },
  helpAnswer: {
    when: "`help`",
    next: "press a button",
    leads: /\[Ask for access\] \[My requests\]/,
    text: () => of(helpAnswer([], { approves: [], onCall: [], emergency: false })),
  },
  chainAnswer: {
    when: "`whoami staging`",
    next: "repair the first step that fails",
    leads: /first failing step[\s\S]*→ Request access/,
    text: () => of(chainAnswer(aCluster(), completeChain(chain, aCluster()))),
  },
  homeView: {
    when: "App Home",
    next: "act on what waits for you",
    leads: /Waiting for your decision[\s\S]*\[Review\]/,
    text: () =>
      textOfBlocks({
        blocks: homeView({
          ...{ user: "U0ENGINEER", identities: [engineerArn], looksUp: false, decides: true, emergency: false },
          ...{ migrationsToDecide: [], migrations: [], toReview: listed(), recent: listed() },
          clusterOf: () => aCluster(),
          isRepeatable: () => true,
          toDecide: listed(aPreviewedRequest({ id: "r-2", requester: "U0ONCALL" })),
          access: listed(aLeasedRequest({})),
          requests: listed(),
        }).blocks as Message["blocks"],
      }),
  },
} satisfies Record<string, Read>;

const toApprovers = {
  clickAnswer: {
    when: "an outdated click",
    next: "read the message again, then decide",
    leads: "Read it again, then decide",
    text: () =>
      of(clickAnswer("change-differs", aPreviewedRequest(), aCluster(), { user: "U0APPROVER", memberships: [] }, [])),
  },
  oneOfSeveralAnswer: {
    when: "one approval of two",
    next: "ask the named people",
    leads: "Needs 1 more approval, from <@U0APPROVER2>",
    text: () => of(oneOfSeveralAnswer(state("waiting for a second approver"), ["U0APPROVER2"])),
  },
  approveBelowAnswer: {
    when: "`approve`",
    next: "check the change, press Approve",
    leads: /Read the change, then click \*Approve\* below[\s\S]*\[Approve\]/,
    text: () => of(approveBelowAnswer(status())),
  },
} satisfies Record<string, Read>;

const forms = {
  requestModal: {
    when: "`request`",
    next: "fill it in",
    leads: /\[Ask\][\s\S]*Why/,
    text: () =>
      form(
        requestModal({ ...emptyForm, level: "viewer", principal: engineerArn }, [
          {
            cluster: aCluster(),
            person: { user: "U0ENGINEER", memberships: [] },
            levels: aCluster().levels.map((level) => ({ ...level, permanent: false })),
          },
        ]),
      ),
  },
  denyModal: {
    when: "Deny",
    next: "give the reason",
    leads: /\[Deny\][\s\S]*Why/,
    text: () => form(denyModal("{}")),
  },
  revokeModal: {
    when: "Revoke",
    next: "check who loses what, then confirm",
    leads: /\[Revoke\][\s\S]*<@U0ENGINEER> loses `viewer` on `staging` now/,
    text: () => form(revokeModal(aLeasedRequest({}))),
  },
  extendModal: {
    when: "Extend",
    next: "choose the end",
    leads: /How much longer .*1h more, until/,
    text: () =>
      form(
        extendModal(
          aLeasedRequest({}),
          [1, 2].map((more) => ({ bySeconds: hours(more), until: at(hours(4 + more)).toISOString() })),
        ),
      ),
  },
} satisfies Record<string, Read>;

const inChannel = {
  approvalMessage: {
    when: "waiting",
    next: "check the change, approve or deny",
    leads: /Waiting for <@U0APPROVER>[\s\S]*\[Approve\] \[Deny\] \[Details\]/,
    text: () => of(approvalMessage(aPreviewedRequest(), aCluster())),
  },
  headline: {
    when: "active",
    next: "nothing; revoke it if it must end",
    leads: /^:white_check_mark: \*Active\* until[\s\S]*\[Revoke\]/,
    text: () => of(approvalMessage(state("active"), aCluster())),
  },
  activeEntry: {
    when: "the proof",
    next: "nothing; the proof is in Details",
    leads: /^Active since .*proved: ✓ mapped, ✓ authorized/,
    text: () => reply(state("active"), "active"),
  },
  endedEntry: {
    when: "the end",
    next: "nothing; the proof says what may remain open",
    leads: /^Ended [\s\S]*not mapped[\s\S]*exec sessions stay open/,
    text: () => reply(state("ended"), "ended"),
  },
  emergencyTitle: {
    when: "emergency",
    next: "review it",
    leads: /Needs review\* by <@U0APPROVER>[\s\S]*\[Mark reviewed\]/,
    text: () => of(approvalMessage(anEmergency(), anEmergencyCluster())),
  },
  reminder: {
    when: "a reminder",
    next: "decide",
    leads: "Decide above",
    text: () => reply(state("waiting, and the approvers were reminded"), "reminder-"),
  },
  unreviewed: {
    when: "no review",
    next: "check what was done, press Mark reviewed",
    leads: "Press Mark reviewed",
    text: () => reply(state("broken glass, not reviewed yet"), "unreviewed-"),
  },
  warned: {
    when: "ends soon",
    next: "nothing",
    leads: "I warned the requester",
    text: () => reply(state("active, and soon over"), "warned"),
  },
  clusterTroubleMessage: {
    when: "cluster trouble",
    next: "follow the remedy it names",
    leads: "Check the role's policies, trust policy",
    text: () => {
      const trouble = aTrouble({ code: refusedByAws.code, message: explainFailure(refusedByAws) });
      const since = { since: at(0).toISOString(), configuration: "one", overAt: null };
      const troubled = { cluster: aCluster({ onCall: ["U0ONCALL"] }), trouble: { ...trouble, ...since } };
      return of(clusterTroubleMessage(troubled, []));
    },
  },
  anchorMessage: {
    when: "an anchor",
    next: "keep it; compare if the log is broken",
    leads: "eks-access audit verify --anchor COUNT:HASH` checks it",
    text: () => of(anchorMessage({ type: "whole", count: 12, head: genesis })),
  },
} satisfies Record<string, Read>;

const directMessages = {
  asked: {
    when: "waiting",
    next: "wait, nudge them, or cancel",
    leads: /Waiting for <@U0APPROVER>[\s\S]*\[Nudge\].*\[Cancel\]/,
    text: () => told("waiting for an approver"),
  },
  approval: {
    when: "one approval",
    next: "ask the named people",
    leads: "Needs 1 more approval, from <@U0APPROVER2>",
    text: () => told("waiting for a second approver"),
  },
  approved: {
    when: "approved",
    next: "wait for the proof",
    leads: "Applying it now",
    text: () => told("approved"),
  },
  denied: {
    when: "denied",
    next: "ask them, or request something else",
    leads: /Ask them\.\n\[Request again\]/,
    text: () => told("denied"),
  },
  refused: {
    when: "refused",
    next: "follow the remedy it names",
    leads: "Sign in as it",
    text: () => told("refused"),
  },
  expired: {
    when: "expired",
    next: "ask again",
    leads: "[Request again]",
    text: () => told("expired"),
  },
  void: {
    when: "void",
    next: "wait for a new decision",
    leads: "needs a new decision",
    text: () => told("waiting again after its approval was void"),
  },
  failed: {
    when: "failed",
    next: "follow the fix in the thread, ask again",
    leads: /has the fix\.\n\[Request again\]/,
    text: () => told("failed"),
  },
  active: {
    when: "active",
    next: "copy the lines, sign in",
    leads: /Sign in with the credentials of[\s\S]*aws eks update-kubeconfig[\s\S]*kubectl get pods/,
    text: () => told("active"),
  },
  "ending-soon": {
    when: "ends soon",
    next: "extend it, or press I'm done",
    leads: /Do you still need it\?\n\[Extend.*\[I'm done\]/,
    text: () => told("active, and soon over"),
  },
  drift: {
    when: "lost",
    next: "ask the writer to keep it, request again",
    leads: "Ask the other writer to keep it, then request it again",
    text: () => told("active, but gone from aws-auth"),
  },
  repaired: {
    when: "restored",
    next: "continue",
    leads: "is back",
    text: () => told("active", ["active", drifted]),
  },
  ended: {
    when: "ended",
    next: "close open sessions; ask again if needed",
    leads: /open sessions[\s\S]*\[Request again\]|exec sessions stay open[\s\S]*\[Request again\]/,
    text: () => told("ended"),
  },
} satisfies Record<string, Read>;

/**
 * The fifty messages that people read most, by who reads them. A name is a function or a message name of src/slack. Read a text
 * against its line before you change it.
 */
export const fiftyMessages = {
  "You typed or clicked": answers,
  "An approver clicked": toApprovers,
  Forms: forms,
  "In the channel": inChannel,
  "Direct messages": directMessages,
} as const satisfies Record<string, Record<string, Read>>;
