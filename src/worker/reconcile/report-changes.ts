import { hash } from "node:crypto";
import { AccessError } from "../../access/access-error.ts";
import type { AuditEvent } from "../../access/audit-event.ts";
import { outsideWords } from "../../access/redact.ts";
import { sealNotice } from "../../access/shared-lists.ts";
import type { AccessChange, Entry } from "../../aws-auth/index.ts";
import { inTurn } from "../../ledger/turns.ts";
import { recordedEvents } from "../../operations/announcements.ts";
import type { WayContext } from "./way-adapter.ts";

const dayMs = 24 * 3_600_000;
const maxLines = 20;
const maxLine = 400;

export async function reportChanges(
  place: Pick<WayContext, "context" | "cluster">,
  changes: readonly AccessChange[],
): Promise<void> {
  const { context, cluster } = place;
  // Its failure must not hide what the write did.
  await reportOnce(place, changes).catch((err: unknown) =>
    context.log.error({ cluster: cluster.name, err }, "could not report a webhook"),
  );
}

/** The same once a day. */
async function reportOnce({ context, cluster }: Pick<WayContext, "context" | "cluster">, all: readonly AccessChange[]) {
  const { ledger, keys, log, now } = context;
  const changes = changesInWords(all);
  log.error({ cluster: cluster.name, changes }, "an admission webhook changed a write to aws-auth");
  const at = now().toISOString();
  const id = `webhook-${hash("sha256", JSON.stringify([cluster.name, changes])).slice(0, 16)}`;
  await inTurn(ledger, id, dayMs, async () => {
    const event = writeChanged(cluster, changes, at);
    await ledger.note(event);
    recordedEvents.publish(event);
    const title = `An admission webhook changes aws-auth of ${cluster.name}`;
    const { remedy } = new AccessError("document-changed", "");
    await ledger.addNotice(sealNotice({ id: `${id}-${at}`, at, title, lines: [...changes, remedy] }, keys.preview));
  });
}

/** Clauses. */
export function changesInWords(all: readonly AccessChange[]): readonly string[] {
  const lines = [...new Set(all.map(changeInWords))];
  const left = lines.length - maxLines;
  return [...lines.slice(0, maxLines), ...(left > 0 ? [`${left} more`] : [])];
}

export function writeChanged({ name }: WayContext["cluster"], changes: readonly string[], at: string): AuditEvent {
  const detail = { code: "document-changed", changes };
  return { type: "write.changed", at, actor: "worker", request: "", cluster: name, detail };
}

function changeInWords({ arn, before, after }: AccessChange): string {
  const as = (entries: readonly Entry[]) => entries.map(identityInWords).join(" or ");
  if (before.length === 0) return outsideWords(`added ${arn}: ${as(after)}`, maxLine);
  if (after.length === 0) return outsideWords(`dropped ${arn}: ${as(before)}`, maxLine);
  return outsideWords(`changed ${arn}: ${as(after)} instead of ${as(before)}`, maxLine);
}

function identityInWords({ section, username, groups }: Entry): string {
  return section === "mapAccounts" ? "mapAccounts" : `${username} with ${groups.join(", ") || "no groups"}`;
}
