import type { PlanGuard, Refusal } from "./change.ts";
import { isCreator } from "./check-change.ts";
import type { Entry, ReadDocument } from "./document.ts";
import { DOCUMENT_LIMIT, sizeOf } from "./document-problems.ts";
import { entryOf } from "./entry-of.ts";
import type { Intent } from "./intent.ts";
import { MASTERS } from "./names.ts";
import { sameGroups } from "./same-groups.ts";
import { unintended } from "./verify.ts";

/** Why a document that came out of a plan must not be written, or null. Fails closed: whatever was not meant is a refusal. */
export function refuseResult(
  before: ReadDocument,
  after: ReadDocument,
  intents: readonly Intent[],
  guard: PlanGuard,
): Refusal | null {
  const others = unintended(before, after, intents);
  if (others.length > 0) {
    const message = `The change would also alter what ${others.slice(0, 3).join(", ")} get. Write their entries out one by one first.`;
    return { code: "unintended-change", message };
  }
  const wrong = intents.find((intent) => !comesTrue(after, intent));
  if (wrong !== undefined) {
    const message = `Another entry keeps the change for ${wrong.arn} from taking effect. Remove the duplicates first.`;
    return { code: "without-effect", message, arn: wrong.arn };
  }
  return refuseLockout(before, after, guard) ?? refuseSize(before, after);
}

function comesTrue(after: ReadDocument, intent: Intent): boolean {
  const entry = entryOf(after, intent.arn);
  if (intent.type === "remove") return entry === null;
  return entry !== null && entry.username === intent.username && sameGroups(entry.groups, intent.groups);
}

/** Somebody other than the creator who was an administrator before still has to be one. */
function refuseLockout(before: ReadDocument, after: ReadDocument, guard: PlanGuard): Refusal | null {
  if (guard.allowNoAdministrator) return null;
  const isAdministrator = (entry: Entry) =>
    entry.reachable && entry.groups.includes(MASTERS) && !isCreator(entry.arn, guard);
  if (!before.entries.some(isAdministrator) || after.entries.some(isAdministrator)) return null;
  const message = `Nobody in the document but the creator would be in ${MASTERS} any more. Map another administrator first.`;
  return { code: "last-administrator", message };
}

function refuseSize(before: ReadDocument, after: ReadDocument): Refusal | null {
  const bytes = sizeOf(after.data);
  if (bytes <= DOCUMENT_LIMIT || bytes <= sizeOf(before.data)) return null;
  const message = `The document would have ${bytes} bytes, and a ConfigMap may have ${DOCUMENT_LIMIT}. Remove entries that nobody needs first.`;
  return { code: "document-too-large", message };
}
