import type { AccessEntries } from "../../aws/access-entries.ts";
import type { NamedEntry } from "../../aws-auth/index.ts";
import { extendDeadline, inParallel } from "../../operations/deadlines.ts";

/** Each entry takes its own calls, a few at once. */
export const eachEntryMs = 100;

/** Besides the entries of a request. A cluster may have thousands, and a preview has seconds. */
const maxCompared = 50;

/** The usernames of other access entries. To Kubernetes two principals with one username are one user. */
export interface OtherNames {
  readonly entries: readonly NamedEntry[];
  readonly unread: number;
}

export const noOtherNames: OtherNames = { entries: [], unread: 0 };

/** For the approver of a new entry. @param isNew whether a request gives a new username @throws AccessError */
export async function otherNames(
  entries: Pick<AccessEntries, "list" | "usernameOf">,
  isNew: (arns: readonly string[]) => boolean,
): Promise<OtherNames> {
  const arns = await entries.list();
  if (!isNew(arns)) return noOtherNames;
  const compared = arns.slice(0, maxCompared);
  extendDeadline(eachEntryMs * compared.length);
  const found = await inParallel(compared, (arn) => entries.usernameOf(arn).catch(() => null));
  const named = compared.flatMap((arn, index) => {
    const username = found[index];
    return typeof username === "string" ? [{ arn, username }] : [];
  });
  return { entries: named, unread: arns.length - named.length };
}
