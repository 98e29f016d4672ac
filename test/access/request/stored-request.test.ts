import { expect, test } from "vitest";
import { readStored } from "../../../src/access/request/stored-request.ts";
import { anApprovedRequest } from "../../builders/a-request.ts";
import { states } from "../../builders/states.ts";

const approved = anApprovedRequest();
const { approvals, approvalsWanted: _wanted, denial: _denial, voided: _voided, ...rest } = approved;
const [decision = null] = approvals;

test("a record of today is read as it stands", () => {
  expect(readStored(approved)).toBe(approved);
});

test("a record of an older eks-access has its one decision as its one approval", () => {
  const read = readStored({ ...rest, decision, voided: { by: "U0APPROVER", message: "the entry differs" } });

  expect(read).toEqual({ ...approved, voided: { by: ["U0APPROVER"], message: "the entry differs" } });
});

test("a record of an older eks-access that was denied keeps its denial", () => {
  const denial = states.denied?.denial ?? null;

  const read = readStored({ ...rest, state: "denied", decision: denial, voided: null });

  expect(read).toMatchObject({ state: "denied", denial, approvals: [], voided: null });
});
