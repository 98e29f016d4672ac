import type { Holding, Share, WrittenShare } from "../../src/access/lease/lease-record.ts";
import { engineerArn } from "./a-request.ts";
import { at, hours } from "./times.ts";

export function aShare(change: Partial<Share> = {}): Share {
  return {
    id: "r-1",
    groups: ["eks-access:viewers"],
    endsAt: at(hours(4)).toISOString(),
    level: "viewer",
    requester: "U0ENGINEER",
    emergency: false,
    approvers: ["U0APPROVER"],
    ...change,
  };
}

/** An entry that is wholly ours. */
export function aHolding(change: Partial<Holding> = {}): Holding {
  return { arn: engineerArn, entryAdded: true, added: ["eks-access:viewers"], shares: [aShare()], ...change };
}

/** What the record of a lease by an access entry remembers, for what is only shown: nothing seals it. */
export function aWrittenEntry(change: Partial<WrittenShare> = {}): WrittenShare {
  const added = ["eks-access:viewers"];
  return { way: "access-entry", entryAdded: true, added, share: aShare(), seal: "", ...change };
}
