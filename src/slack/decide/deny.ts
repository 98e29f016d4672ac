import { isMigrationId } from "../../access/migration/migration.ts";
import { type Command, idAndRest } from "../app/command.ts";
import type { SlackContext } from "../app/context.ts";
import { deniedAnswer, missingReasonAnswer, noSuchRequestAnswer } from "../ask/answers.ts";
import type { Message } from "../blocks/message.ts";
import { maxWhyLength } from "../blocks/modals.ts";
import { decideOnMigration } from "../migrate/migration-clicks.ts";
import { migrationDeniedAnswer, noSuchMigrationAnswer } from "../migrate/migration-words.ts";
import { decideRequest } from "./decision-click.ts";

/** To say no one need not have seen the change: whatever it is, nothing is given. */
export const deny: Command = {
  word: "deny",
  usage: "<id> <why>",
  summary: "denies a request, with the reason for whoever asked",
  forApprovers: true,
  records: true,
  run: async (context, { user, rest }) => {
    const [id, why] = idAndRest(rest);
    if (isMigrationId(id)) return denyMigration(context, user, id, why);
    const request = await context.ledger.get(id);
    if (!request) return noSuchRequestAnswer(id);
    if (isNoReason(why)) return missingReasonAnswer(id, why.length, maxWhyLength);
    const digest = request.preview?.digest ?? "";
    return (await decideRequest(context, id, { verdict: "denied", by: user, digest, why })) ?? deniedAnswer(id);
  },
};

async function denyMigration(context: SlackContext, by: string, id: string, why: string): Promise<Message> {
  const migration = await context.ledger.migrations.get(id);
  if (!migration) return noSuchMigrationAnswer(id);
  if (isNoReason(why)) return missingReasonAnswer(id, why.length, maxWhyLength);
  const digest = migration.plan?.digest ?? "";
  return (
    (await decideOnMigration(context, by, id, { verdict: "denied", digest, why })) ?? migrationDeniedAnswer(migration)
  );
}

function isNoReason(why: string): boolean {
  return why === "" || why.length > maxWhyLength;
}
