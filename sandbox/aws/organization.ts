import { z } from "zod";
import type { JsonHandlers } from "./json-service.ts";
import { done, pageOf, refuse } from "./refusal.ts";

export interface MemberAccount {
  id: string;
  name: string;
  state: "PENDING_ACTIVATION" | "ACTIVE" | "SUSPENDED" | "PENDING_CLOSURE" | "CLOSED";
}

export class Organization {
  readonly id = "o-exampleorgid";
  /** The only account that may list the others: the sandbox has no delegated administrators. */
  readonly managementAccount: string;
  /** Empty: the account has no organization. */
  accounts: readonly MemberAccount[] = [];

  constructor(managementAccount: string) {
    this.managementAccount = managementAccount;
  }
}

const listAccounts = z.strictObject({
  // "Minimum value of 1. Maximum value of 20" (ListAccounts).
  MaxResults: z.int().min(1).max(20).default(20),
  NextToken: z.string().regex(/^\d+$/).default("0"),
});

/** Answers as documented (AWS Organizations API Reference, ListAccounts). */
export function organizationCalls(organization: Organization): JsonHandlers {
  return {
    "organizations.ListAccounts": ({ caller, body }) => {
      const { accounts, managementAccount } = organization;
      if (accounts.length === 0) {
        return refuse("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.");
      }
      if (caller.identity.accountId !== managementAccount) {
        return refuse("AccessDenied", "You don't have permissions to access this resource.");
      }
      const asked = listAccounts.safeParse(body);
      if (!asked.success) return refuse("InvalidInputException", "You specified an invalid value.");
      const { items, nextToken } = pageOf(accounts, Number(asked.data.NextToken), asked.data.MaxResults);
      return done({ Accounts: items.map((each) => memberOf(organization, each)), NextToken: nextToken });
    },
  };
}

/** AWS retired `Status` on 2026-09-09 (ListAccounts): an account has only its state. */
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
