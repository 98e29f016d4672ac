import { describe, expect, test } from "vitest";
import { shareOf } from "../../src/grant/due-work.ts";
import type { Grant } from "../../src/grant/grant.ts";
import { rememberWritten, withLedgerMemory } from "../../src/grant/written.ts";
import type { AccessRequest } from "../../src/request/request.ts";
import { aGrantedRequest, engineerArn } from "../builders/a-request.ts";
import { aHolding, aShare } from "../builders/a-share.ts";
import { keys, otherKeys } from "../builders/keys.ts";

const key = engineerArn.toLowerCase();
const active = aGrantedRequest({ state: "active" });
const written = rememberWritten(active, aHolding(), keys.memory);

function remembering(change: Partial<Grant> = {}, request: Partial<AccessRequest> = {}): AccessRequest {
  return aGrantedRequest({ state: "active", written, ...change }, request);
}

test("what the annotation has lost is known from the record of the grant", () => {
  const { holdings, lost } = withLedgerMemory([], [remembering()], keys.memory);

  expect(holdings.get(key)).toEqual({
    arn: engineerArn,
    entryAdded: true,
    added: ["eks-access:viewers"],
    shares: [shareOf(active)],
  });
  expect(lost).toEqual(new Set([key]));
});

test("what the annotation still has is not read from the record", () => {
  const annotated = [aHolding({ entryAdded: false, added: [] })];

  const { holdings, lost } = withLedgerMemory(annotated, [remembering()], keys.memory);

  expect([...holdings.values()]).toEqual(annotated);
  expect(lost.size).toBe(0);
});

test("a share that alone was lost is put beside those that are left", () => {
  const other = aShare({ id: "r-2", groups: ["eks-access:admins"] });
  const annotated = [aHolding({ entryAdded: false, added: ["eks-access:admins"], shares: [other] })];

  const { holdings } = withLedgerMemory(annotated, [remembering()], keys.memory);

  expect(holdings.get(key)).toMatchObject({
    entryAdded: true,
    added: ["eks-access:admins", "eks-access:viewers"],
    shares: [{ id: "r-2" }, { id: "r-1" }],
  });
});

test("of the groups of an entry a grant remembers only those that it gave itself", () => {
  const holding = aHolding({ added: ["eks-access:admins", "eks-access:viewers"] });

  expect(rememberWritten(active, holding, keys.memory).added).toEqual(["eks-access:viewers"]);
});

describe("a record is not believed", () => {
  test.each<[string, AccessRequest]>([
    ["whose grant is not active", remembering({ state: "scheduled" })],
    ["that says nothing", remembering({ written: null })],
    ["that claims groups that were there before", remembering({ written: { ...written, added: ["system:masters"] } })],
    ["that claims an entry that was there before", remembering({ written: { ...written, entryAdded: false } })],
    ["of another principal", remembering({}, { principal: "arn:aws:iam::111122223333:user/other" })],
    ["of another request", remembering({}, { id: "r-9" })],
    [
      "that another installation sealed",
      remembering({ written: rememberWritten(active, aHolding(), otherKeys.memory) }),
    ],
  ])("%s", (_, request) => {
    expect(withLedgerMemory([], [request], keys.memory).holdings.size).toBe(0);
  });
});
