import { noStanding } from "../policy/person.ts";
import type { AccessRequest, Decision } from "./record.ts";

/** A record as an older eks-access wrote it: one decision, and one name where several can stand now. */
interface OlderRecord
  extends Omit<AccessRequest, "approvals" | "approvalsWanted" | "denial" | "voided" | "standing" | "glass" | "ticket"> {
  readonly decision: Decision | null;
  readonly voided: { readonly by: string; readonly message: string } | null;
}

/** A record of the ledger in today's form, whichever eks-access wrote it. */
export function readStored(stored: AccessRequest | OlderRecord): AccessRequest {
  if (!("decision" in stored)) return stored;
  const { decision, voided, ...rest } = stored;
  return {
    ...rest,
    standing: noStanding,
    glass: null,
    ticket: null,
    reminders: rest.reminders ?? null,
    approvals: decision?.verdict === "approved" ? [decision] : [],
    approvalsWanted: 1,
    denial: decision?.verdict === "denied" ? decision : null,
    voided: voided && { ...voided, by: [voided.by] },
  };
}
