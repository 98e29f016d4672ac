import type { ScalarNode } from "./go-yaml/node.ts";
import type { Mark } from "./go-yaml/token.ts";
import { isAccountId } from "./matchable.ts";
import { type Problem, problemAt } from "./problem.ts";
import type { SectionContent } from "./read-section.ts";

/** What there is to tell about the items of mapAccounts. Nothing, for another section. */
export function* accountProblems({ reading, accounts }: SectionContent): Iterable<Problem> {
  if (reading.section !== "mapAccounts") return;
  for (const { id, node } of accounts) yield* accountProblem(id, node);
  const decoded = new Set(accounts.map((account) => account.index));
  for (const [index, item] of (reading.list?.items ?? []).entries()) {
    if (!decoded.has(index)) yield notAnAccount(item.start);
  }
}

function accountProblem(id: string, node: ScalarNode): Problem[] {
  const section = "mapAccounts";
  if (!isAccountId(id)) {
    const message = `${JSON.stringify(id)} is not an AWS account: it matches nobody.`;
    return [
      problemAt(
        section,
        node.start,
        "account-invalid",
        "error",
        message,
        "Write the 12 digits of the account, in quotes.",
      ),
    ];
  }
  const message = `Every IAM role and user of account ${id} can sign in, each under its own ARN and with no groups.`;
  const remedy = "Map the roles that need it one by one, if that is not meant.";
  const mapped = problemAt(section, node.start, "account-mapped", "notice", message, remedy);
  return node.style === "plain" && id.startsWith("0") ? [mapped, unquoted(id, node)] : [mapped];
}

/** An item that is a list or a mapping. */
function notAnAccount(at: Mark): Problem {
  const message = "This item is not an AWS account: the authenticator skips it.";
  return problemAt(
    "mapAccounts",
    at,
    "account-invalid",
    "error",
    message,
    "Write the 12 digits of the account, in quotes.",
  );
}

function unquoted(id: string, node: ScalarNode): Problem {
  const message = `Account ${id} is not quoted. The authenticator reads it right, but other tools drop the zero or read it as octal.`;
  return problemAt("mapAccounts", node.start, "account-unquoted", "warning", message, `Write "${id}".`);
}
