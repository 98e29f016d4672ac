import type { AccessRequest } from "../../src/access/record.ts";
import { aLease, aProof, changed } from "./a-request.ts";
import { states } from "./states.ts";

/** Five characters each where Slack shows them. */
const longest = (count: number) => "&".repeat(count);

const identity = {
  username: longest(5_000),
  groups: Array.from({ length: 500 }, (_, index) => `${longest(100)}${index}`),
};
const finding = { result: "no", detail: longest(20_000) } as const;

/** Every state with as much text in each field as fits there. */
export const longestStates: Readonly<Record<string, AccessRequest>> = Object.fromEntries(
  Object.entries(states).map(([name, request]) => [`${name}, with the longest texts`, stretched(request)]),
);

function stretched(request: AccessRequest): AccessRequest {
  const { preview, trouble, voided, refusal, approvals, denial, lease } = request;
  return changed(request, {
    cluster: "c".repeat(63),
    level: "l".repeat(63),
    principal: `arn:aws:iam::111122223333:user/${longest(512)}/${"n".repeat(64)}`,
    groups: Array.from({ length: 25 }, () => longest(100)),
    reason: longest(500),
    ticket: longest(64),
    extends: "r".repeat(20),
    preview: preview && {
      ...preview,
      diff: `${longest(80)}\n`.repeat(13_000),
      today: identity,
      afterwards: identity,
      rights: Array.from({ length: 12 }, () => ({
        group: longest(200),
        role: longest(300),
        where: longest(1_000),
        allows: longest(5_000),
      })),
      warnings: Array.from({ length: 10 }, () => longest(3_000)),
    },
    trouble: trouble && { ...trouble, message: longest(20_000) },
    voided: voided && { by: Array.from({ length: 10 }, () => "U0123456789"), message: longest(20_000) },
    refusal: refusal && { ...refusal, message: longest(20_000) },
    approvals: approvals.flatMap((each) => Array.from({ length: 10 }, () => ({ ...each, why: longest(3_000) }))),
    denial: denial && { ...denial, why: longest(3_000) },
    lease:
      lease &&
      aLease(lease, {
        proof: aProof({ mapped: finding, authorized: finding, signedIn: finding }),
        ...(lease.signInTrouble && { signInTrouble: { ...lease.signInTrouble, message: longest(20_000) } }),
        ...(lease.reviewTrouble && { reviewTrouble: { ...lease.reviewTrouble, message: longest(20_000) } }),
        ...(lease.endProof && {
          endProof: {
            ...lease.endProof,
            mapped: finding,
            authorized: finding,
            others: Array.from({ length: 20 }, () => longest(1_000)),
            trouble: lease.endProof.trouble && { ...lease.endProof.trouble, message: longest(20_000) },
          },
        }),
        drift: lease.drift && { ...lease.drift, message: longest(20_000) },
        end: lease.end && { ...lease.end, why: longest(3_000) },
        remains: lease.remains && identity,
        failure: lease.failure && { ...lease.failure, message: longest(20_000) },
      }),
  });
}
