import { z } from "zod";
import type { SandboxAnswer, SandboxRequest } from "../http-server.ts";
import type { AwsContext } from "./context.ts";
import { mayCall } from "./identities.ts";
import { cloudTrailError } from "./refusal.ts";
import { readClaim, verifySignature } from "./signature.ts";

export interface MemberAccount {
  id: string;
  name: string;
  state: "PENDING_ACTIVATION" | "ACTIVE" | "SUSPENDED" | "PENDING_CLOSURE" | "CLOSED";
}

/** An organization of AWS Organizations, as far as its list of accounts. */
export class Organization {
  readonly id = "o-exampleorgid";
  /** The management account. Only it may list the accounts here: the sandbox has no delegated administrators. */
  readonly managementAccount: string;
  /** Empty: the account is in no organization. */
  accounts: readonly MemberAccount[] = [];

  constructor(managementAccount: string) {
    this.managementAccount = managementAccount;
  }
}

/** The service before the action in the target header. */
const target = "AWSOrganizationsV20161128.";

/** The name of a call for faults and logs; undefined: it is of another service. */
export function organizationsCall(header: string): string | undefined {
  return header.startsWith(target) ? `organizations.${header.slice(target.length)}` : undefined;
}

const listAccounts = z.strictObject({
  // "Minimum value of 1. Maximum value of 20" (ListAccounts).
  MaxResults: z.int().min(1).max(20).default(20),
  NextToken: z.string().optional(),
});

/** Answers ListAccounts as documented (AWS Organizations API Reference). */
export function answerOrganizations(
  context: AwsContext,
  organization: Organization,
  call: string,
  request: SandboxRequest,
): SandboxAnswer {
  const claim = readClaim(request);
  if ("type" in claim) return cloudTrailError(claim.code, claim.message);
  const caller = verifySignature(request, claim, "organizations", (key) => context.account.caller(key), context.now());
  if ("type" in caller) return cloudTrailError(caller.code, caller.message);
  const refused = (code: string, message: string) => ({ ...organizationsError(code, message), by: caller.arn });
  if (call !== "organizations.ListAccounts") return refused("UnknownOperationException", "");
  if (!mayCall(caller, "organizations:ListAccounts", "*")) {
    return refused("AccessDeniedException", "You don't have permissions to access this resource.");
  }
  if (organization.accounts.length === 0) {
    return refused("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.");
  }
  if (caller.identity.accountId !== organization.managementAccount) {
    return refused("AccessDeniedException", "You don't have permissions to access this resource.");
  }
  const asked = listAccounts.safeParse(JSON.parse(request.body.toString("utf8")));
  const start = asked.success ? startOf(asked.data.NextToken) : null;
  if (!asked.success || start === null) return refused("InvalidInputException", "You specified an invalid value.");
  const end = start + asked.data.MaxResults;
  const Accounts = organization.accounts.slice(start, end).map((each) => memberOf(organization, each));
  const body = { Accounts, ...(end < organization.accounts.length && { NextToken: tokenOf(end) }) };
  return {
    status: 200,
    headers: { "content-type": "application/x-amz-json-1.1" },
    body: JSON.stringify(body),
    by: caller.arn,
  };
}

/** An error of Organizations, also for faults: its members begin with a capital. */
export function organizationsError(code: string, Message: string, status = 400): SandboxAnswer {
  const { headers } = cloudTrailError(code, Message);
  return { status, headers: headers ?? {}, body: JSON.stringify({ __type: code, Message }) };
}

/** `Status` was retired on 2026-09-09 (ListAccounts): an account has its state alone. */
function memberOf({ id, managementAccount }: Organization, account: MemberAccount): object {
  return {
    Id: account.id,
    Arn: `arn:aws:organizations::${managementAccount}:account/${id}/${account.id}`,
    Email: `${account.id}@example.com`,
    Name: account.name,
    State: account.state,
    JoinedMethod: "CREATED",
  };
}

function tokenOf(start: number): string {
  return Buffer.from(`from:${start}`).toString("base64");
}

function startOf(token: string | undefined): number | null {
  if (token === undefined) return 0;
  const [, start] = /^from:(\d+)$/.exec(Buffer.from(token, "base64").toString("latin1")) ?? [];
  return start === undefined ? null : Number(start);
}
