import { Organizations } from "@aws-sdk/client-organizations";
import { allOfPages } from "../operations/bounds.ts";
import { answeredList, answeredWith, type CredentialSource, clientSettings } from "./client-settings.ts";
import { awsFailure } from "./explain-aws-error.ts";

export interface MemberAccount {
  /** Twelve digits. */
  readonly id: string;
  /** As its owner wrote it. */
  readonly name: string;
}

export interface OrganizationAccounts {
  /** For example `o-exampleorgid`; null: AWS named none. */
  readonly id: string | null;
  /** Its management account; null: AWS named none. */
  readonly management: string | null;
  readonly accounts: readonly MemberAccount[];
}

const action = "organizations:ListAccounts";

/** An organization has at most 10,000 accounts (quotas of AWS Organizations), 20 a page. */
const bounds = () => ({ pages: 2_000, items: 20_000, deadline: AbortSignal.timeout(300_000) });

/** Null: the account has none. Only the management account and delegated administrators can ask. @throws AccessError */
export async function organizationAccounts(
  source: CredentialSource,
  region: string,
): Promise<OrganizationAccounts | null> {
  // All callers share some calls a second: the SDK waits longer after each try.
  const client = new Organizations({ ...clientSettings(source, region), maxAttempts: 8 });
  try {
    const all = await allOfPages(action, bounds(), async (NextToken) => {
      const { Accounts, NextToken: next } = await client.listAccounts(NextToken === undefined ? {} : { NextToken });
      return { items: answeredList(Accounts, action), next };
    });
    // `Status` was retired in September 2026. A partition may still answer with it alone.
    const active = all.filter(({ State, Status }) => (State ?? Status) === "ACTIVE");
    const [, management = null, id = null] = /:(\d{12}):account\/(o-[a-z0-9]+)\//.exec(all[0]?.Arn ?? "") ?? [];
    return {
      ...{ id, management },
      accounts: active.map(({ Id, Name = "" }) => {
        return { id: answeredWith(/^\d{12}$/.test(Id ?? "") ? Id : undefined, action), name: Name };
      }),
    };
  } catch (error) {
    if (error instanceof Error && error.name === "AWSOrganizationsNotInUseException") return null;
    throw awsFailure(error, action);
  }
}
