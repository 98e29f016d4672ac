import type { AccessRequest } from "../../src/access/record.ts";
import {
  aLease,
  aLeasedRequest,
  anApprovedRequest,
  anEndProof,
  aPreview,
  aPreviewedRequest,
  aProof,
  aRequest,
  engineerArn,
} from "./a-request.ts";
import { aTrouble } from "./a-trouble.ts";
import { anEmergency } from "./an-emergency.ts";
import { at, hours, minutes } from "./times.ts";

const [approval] = anApprovedRequest().approvals;
const endedAt = at(minutes(2) + hours(4) + 1).toISOString();
const revoked = { cause: "revoked", by: "U0ONCALL", at: at(minutes(30)).toISOString(), why: "incident 42" } as const;

const emergencyTaken = anEmergency();

/** A request in each state that it can be in, by what one would say of it. */
export const states: Readonly<Record<string, AccessRequest>> = {
  "just made": aRequest(),
  "not previewed, because something failed": aRequest({ trouble: aTrouble() }),
  "waiting for an approver": aPreviewedRequest({
    preview: aPreview({
      warnings: ["Gives nothing: no RBAC binding of staging names eks-access:viewers."],
    }),
  }),
  "waiting, and the approvers were reminded": aPreviewedRequest({
    reminders: { sent: 2, nextAt: at(hours(4)).toISOString() },
  }),
  "waiting for two approvers": aPreviewedRequest({ approvalsWanted: 2 }),
  "waiting for a second approver": aPreviewedRequest({ approvals: approval ? [approval] : [], approvalsWanted: 2 }),
  "waiting again after its approval was void": aPreviewedRequest({
    voided: { by: ["U0APPROVER"], message: "the principal's entry in aws-auth is not what was approved" },
  }),
  denied: aPreviewedRequest({
    state: "denied",
    denial: approval ? { ...approval, verdict: "denied", why: "use *staging-2*" } : null,
  }),
  "broken glass": emergencyTaken,
  "broken glass, not reviewed yet": {
    ...emergencyTaken,
    lease: aLease(emergencyTaken.lease, { state: "ended", endedAt }),
    emergency: { ...emergencyTaken.emergency, reminders: 2 },
  },
  "broken glass, reviewed": {
    ...emergencyTaken,
    lease: aLease(emergencyTaken.lease, { state: "ended", endedAt }),
    emergency: {
      ...emergencyTaken.emergency,
      review: { by: "U0APPROVER", at: at(hours(5)).toISOString(), seal: "" },
    },
  },
  cancelled: aPreviewedRequest({ state: "cancelled" }),
  expired: aPreviewedRequest({ state: "expired" }),
  refused: aRequest({
    version: 2,
    state: "refused",
    refusal: {
      code: "already-mapped",
      message: `${engineerArn} already has eks-access:viewers in staging, with no end date. Sign in as it.`,
    },
  }),
  approved: anApprovedRequest(),
  "approved, and something failed": anApprovedRequest({ trouble: aTrouble({ attempts: 3 }) }),
  active: aLeasedRequest({ state: "active" }),
  "active, and signing in is tried": aLeasedRequest({
    state: "active",
    signInDueAt: at(minutes(4)).toISOString(),
    proof: aProof({ signedIn: { result: "not tested", detail: "the worker is trying it" } }),
  }),
  "active, and signing in is tried again": aLeasedRequest({
    state: "active",
    signInDueAt: at(minutes(6)).toISOString(),
    signInTrouble: aTrouble({
      code: "aws-throttled",
      message:
        "AWS throttled sts:AssumeRole on arn:aws:iam::111122223333:role/developers (Throttling: Rate exceeded). If this lasts, ask AWS for a higher quota.",
      attempts: 3,
      retryAt: at(minutes(6)).toISOString(),
    }),
    proof: aProof({ signedIn: { result: "not tested", detail: "the worker is trying it" } }),
  }),
  "active, and its rights are asked for again": aLeasedRequest({
    state: "active",
    signInDueAt: null,
    reviewTrouble: aTrouble({
      code: "cluster-throttled",
      message: "The API server asked us to wait (429). If this lasts, find its busiest client.",
      attempts: 2,
      retryAt: at(minutes(6)).toISOString(),
    }),
    proof: aProof({ authorized: { result: "not tested", detail: "the API server has not answered yet" } }),
  }),
  "active, and signing in was refused": aLeasedRequest({
    state: "active",
    signInDueAt: null,
    proof: aProof({ signedIn: { result: "no", detail: "the API server still refused its token (Unauthorized)" } }),
  }),
  "active, and soon over": aLeasedRequest({ state: "active", warnedAt: at(hours(3.8)).toISOString() }),
  "active, but gone from aws-auth": aLeasedRequest({
    state: "active",
    drift: {
      at: at(hours(1)).toISOString(),
      message: `the entry of ${engineerArn} is gone; terraform wrote mapUsers last, 2026-03-01T09:58:00Z`,
    },
  }),
  "being revoked": aLeasedRequest({ state: "active", end: revoked }),
  ended: aLeasedRequest({ state: "ended", endedAt, endProof: anEndProof() }),
  "ended, and the API server does not answer": aLeasedRequest({
    state: "ended",
    endedAt,
    endProof: anEndProof({
      authorized: { result: "not tested", detail: "the API server has not answered yet" },
      trouble: aTrouble({
        code: "cluster-throttled",
        message: "The API server asked us to wait (429). If this lasts, find its busiest client.",
      }),
    }),
  }),
  "ended, with something left": aLeasedRequest({
    state: "ended",
    endedAt,
    remains: { username: "dev", groups: ["readers"] },
    endProof: anEndProof({
      mapped: { result: "yes", detail: "dev with readers" },
      authorized: { result: "yes", detail: "can list pods in default, asked as dev" },
      others: ["r-2 gives admin until 2026-03-01T15:00:00.000Z"],
    }),
  }),
  revoked: aLeasedRequest({ state: "ended", end: revoked, endedAt }),
  failed: aLeasedRequest({
    state: "failed",
    proof: null,
    failure: {
      code: "aws-access-denied",
      message: "AWS does not let the worker become the creator of staging. Check the trust policy.",
    },
  }),
};
