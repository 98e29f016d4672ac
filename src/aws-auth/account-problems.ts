import type { Entry } from "./document.ts";
import type { ScalarNode } from "./go-yaml/node.ts";
import { isAccountId } from "./matchable.ts";
import type { Problem } from "./problem.ts";

/** What there is to tell about an item of mapAccounts. */
export function accountProblems(entry: Entry, node: ScalarNode): Problem[] {
  const at = { section: entry.section, line: entry.line, column: entry.column };
  if (!isAccountId(entry.arn)) {
    const message = `${JSON.stringify(entry.arn)} is not an AWS account: it matches nobody.`;
    const remedy = "Write the account's 12 digits, in quotes.";
    return [{ ...at, code: "account-invalid", severity: "error", message, remedy }];
  }
  const mapped: Problem = {
    ...at,
    code: "account-mapped",
    severity: "notice",
    message: `Every IAM role and user of account ${entry.arn} can sign in, each under its own ARN and with no groups.`,
    remedy: "Map the roles that need it one by one, if that is not meant.",
  };
  if (node.style !== "plain" || !entry.arn.startsWith("0")) return [mapped];
  const message = `Account ${entry.arn} is not quoted. The authenticator reads it right; other tools drop the zero, or read it as octal.`;
  return [mapped, { ...at, code: "account-unquoted", severity: "warning", message, remedy: `Write "${entry.arn}".` }];
}
